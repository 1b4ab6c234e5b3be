"""RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0).

    a valid hint of the session in this browser   → it ends, at once
    a valid hint, and no session cookie           → the hinted session ends
    anything else, with a live session            → the person is asked first
    nothing to end                                → "you are signed out"
    a form from elsewhere, and no session cookie  → asked again by GET

The session cookie is Lax: a form that another site posts comes without it, and would
look as if nobody were signed in. So the browser is sent round once by GET, where it
shows its cookie. Only a cookie that was shown is deleted.

The browser goes back only to a URI that the named party registered, equal to the
character, with `state`. `logout_hint` is not needed and is ignored (2). Every party of
an ended session is told (idp/oidc/backchannel_logout.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import Session, cookie_name, is_same_line
from idp.errors import IdentityError, Malformed, RelyingPartyUnknown
from idp.oidc.authorization_checks import with_parameters
from idp.oidc.context import services_of
from idp.oidc.errors import NO_STORE, ProtocolRefusal, spoken
from idp.oidc.id_token_hint import VerifiedHint, verify_hint
from idp.oidc.pages import Pages
from idp.oidc.parameters import read_form, read_query
from idp.services import Services
from idp.storage.columns import b64decode, b64encode
from idp.storage.encryption import SealBroken

PATH = "/logout"
CONTEXT = "logout confirmation"
KEPT = ("client_id", "post_logout_redirect_uri", "state", "ui_locales")
HEADERS = {**NO_STORE, "Referrer-Policy": "no-referrer"}


@dataclass(frozen=True, slots=True)
class LogoutEndpoint:
    """`GET|POST /logout`."""

    pages: Pages

    async def logout(self, request: Request) -> Response:
        """Answer it."""
        services = services_of(request)
        try:
            is_form = request.method == "POST"
            asked = await read_form(request) if is_form else read_query(request)
            party, hint = await read_caller(services, asked)
            back = return_uri(party, asked)
        except (IdentityError, ProtocolRefusal) as fact:
            return self.pages.refused(request, code=spoken(fact).error, status=400)
        if is_form and "confirm" not in asked and not shows_cookie(services, request):
            again = f"{PATH}?{urlencode(asked)}"
            return RedirectResponse(again, 303, headers=HEADERS)
        session = await current_session(services, request)
        ending = to_end(session, party, hint)
        if ending is None and session is not None:
            if not is_confirmed(services, request, session, asked):
                return self._ask(request, services, session, asked)
            ending = session.id
        if ending is not None:
            await end_session(services, ending, party)
        return self._done(request, services, asked, back)

    def _ask(
        self,
        request: Request,
        services: Services,
        session: Session,
        asked: Mapping[str, str],
    ) -> Response:
        sealed = services.sealer.seal_token(session.id.encode(), context=CONTEXT)
        fields = {name: asked[name] for name in KEPT if name in asked}
        fields["confirm"] = b64encode(sealed)
        return self.pages.confirm_logout(
            request, action=PATH, fields=fields, ui_locales=asked.get("ui_locales")
        )

    def _done(
        self,
        request: Request,
        services: Services,
        asked: Mapping[str, str],
        back: str | None,
    ) -> Response:
        response: Response
        if back is None:
            locales = asked.get("ui_locales")
            response = self.pages.logged_out(request, ui_locales=locales)
        else:
            response = RedirectResponse(back, 303, headers=HEADERS)
        if shows_cookie(services, request):
            forget_session(services, response)
        return response


def shows_cookie(services: Services, request: Request) -> bool:
    """Say whether the browser showed a session cookie, live or not."""
    return cookie_name(secure=services.settings.is_secure) in request.cookies


def forget_session(services: Services, response: Response) -> None:
    """Have the browser delete its session cookie."""
    secure = services.settings.is_secure
    response.delete_cookie(
        cookie_name(secure=secure),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


async def read_caller(
    services: Services, asked: Mapping[str, str]
) -> tuple[RelyingParty | None, VerifiedHint | None]:
    """Return the party that sent the browser, and its hint if that is valid.

    Raises RelyingPartyUnknown, and Malformed when hint and client_id disagree. A
    hint that is not ours is as good as none: the person is asked.
    """
    client_id, hint = asked.get("client_id"), None
    if "id_token_hint" in asked:
        try:
            hint = await verify_hint(services, asked["id_token_hint"])
        except Malformed:
            hint = None
    if hint is not None and client_id not in {None, hint.client_id}:
        raise Malformed("hint and client_id disagree")
    client_id = client_id or (hint.client_id if hint else None)
    if client_id is None:
        return None, None
    async with services.store.read() as tx:
        return await services.relying_parties.find(tx, client_id), hint


def return_uri(party: RelyingParty | None, asked: Mapping[str, str]) -> str | None:
    """Return where the browser goes afterwards; raises when it may not. Pure."""
    uri = asked.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if party is None or uri not in party.post_logout_redirect_uris:
        raise RelyingPartyUnknown("post_logout_redirect_uri is not registered")
    return (
        with_parameters(uri, {"state": asked.get("state")}) if "state" in asked else uri
    )


async def current_session(services: Services, request: Request) -> Session | None:
    """Return the live session of this browser, if there is one."""
    name = cookie_name(secure=services.settings.is_secure)
    async with services.store.read() as tx:
        return await services.sessions.live(tx, request.cookies.get(name))


def to_end(
    session: Session | None, party: RelyingParty | None, hint: VerifiedHint | None
) -> str | None:
    """Return the session that the hint is enough to end, if any. Pure."""
    if hint is None or party is None:
        return None
    if session is None:
        return hint.session_id
    is_ours = (
        hint.session_id is not None
        and hint.account_id == session.account_id
        and is_same_line(hint.session_id, session.id)
    )
    return session.id if is_ours else None


def is_confirmed(
    services: Services,
    request: Request,
    session: Session,
    asked: Mapping[str, str],
) -> bool:
    """Say whether the person pressed the button of our own page for this session.

    The sealed value can be read nowhere but on that page; no Origin is asked for,
    because a page with `no-referrer` posts with `Origin: null`.
    """
    if request.method != "POST":
        return False
    try:
        sealed = b64decode(asked.get("confirm", ""))
        confirmed = services.sealer.open_token(sealed, context=CONTEXT)
    except (ValueError, SealBroken):
        return False
    return confirmed.decode() == session.id


async def end_session(
    services: Services, session_id: str, party: RelyingParty | None
) -> None:
    """End it and have its parties told; one that is over already is left alone."""
    async with services.store.begin() as tx:
        named = party.id if party else None
        ended = await services.logouts.end(tx, session_id, relying_party_id=named)
    if ended:
        await services.logouts.wake()
