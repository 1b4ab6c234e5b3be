"""OpenID Connect: the protocol door of the provider."""

from idp.oidc.routes import routes

__all__ = ["routes"]
