"""The protocol's routes, for the provider's application."""

from starlette.routing import Route

from idp.oidc.authorize import RESUME_PATH, AuthorizeEndpoint
from idp.oidc.backchannel_authentication import PATH as BACKCHANNEL_PATH
from idp.oidc.backchannel_authentication import backchannel_authentication
from idp.oidc.cross_origin import CrossOrigin
from idp.oidc.discovery import JWKS_PATH, METADATA_PATHS, DiscoveryEndpoint
from idp.oidc.introspection import PATH as INTROSPECTION_PATH
from idp.oidc.introspection import introspect
from idp.oidc.logout import PATH as LOGOUT_PATH
from idp.oidc.logout import LogoutEndpoint
from idp.oidc.pages import Pages, PlainPages
from idp.oidc.pushed_authorization import PATH as PAR_PATH
from idp.oidc.pushed_authorization import push
from idp.oidc.registration import PATH as REGISTER_PATH
from idp.oidc.registration import manage, register
from idp.oidc.revocation import revoke
from idp.oidc.token import token
from idp.oidc.userinfo import userinfo


def routes(pages: Pages | None = None) -> list[Route]:
    """Return every route of the protocol; `pages` draws what cannot redirect.

    The application's lifespan puts `services` into the request's state.
    """
    drawn = PlainPages() if pages is None else pages
    authorize = AuthorizeEndpoint(drawn)
    discovery = DiscoveryEndpoint()
    logout = LogoutEndpoint(drawn)
    apps = CrossOrigin()
    both = ["GET", "POST"]
    # HEAD would make a code that nobody reads.
    resume = Route(RESUME_PATH, authorize.resume, methods=["GET"])
    resume.methods = {"GET"}
    return [
        Route("/authorize", authorize.authorize, methods=both),
        resume,
        Route(PAR_PATH, push, methods=["POST"]),
        Route("/token", apps.opened(token), methods=["POST", "OPTIONS"]),
        Route(INTROSPECTION_PATH, introspect, methods=["POST"]),
        Route(BACKCHANNEL_PATH, backchannel_authentication, methods=["POST"]),
        Route("/userinfo", apps.opened(userinfo), methods=[*both, "OPTIONS"]),
        Route("/revoke", apps.opened(revoke), methods=["POST", "OPTIONS"]),
        Route(REGISTER_PATH, register, methods=["POST"]),
        Route(REGISTER_PATH + "/{client_id}", manage, methods=["GET", "PUT", "DELETE"]),
        Route(LOGOUT_PATH, logout.logout, methods=both),
        Route(JWKS_PATH, discovery.jwks, methods=["GET"]),
        *(Route(path, discovery.configuration) for path in METADATA_PATHS),
    ]
