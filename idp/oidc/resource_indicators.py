"""Which resource a token is for (RFC 8707), as an extension of Authlib's grants. Pure.

    granted    what the authorization request named; for a party's own tokens, what it
               registered
    asked      `resource` of the token request: a part of what was granted
    nothing    everything that was granted, else the provider itself (userinfo)

A token for userinfo is for nothing else: whoever receives a token of a citizen could
otherwise fetch the citizen's data with it.
"""

from collections.abc import Sequence
from typing import Any

from authlib.oauth2.base import OAuth2Error


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The resource is unknown or not granted (RFC 8707, 2)."""

    error = "invalid_target"


class ResourceIndicators:
    """Checks `resource` at the token endpoint.

    A grant that takes this extension has `get_granted_resources()`.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def __call__(self, grant: Any) -> None:
        """Join a grant."""
        grant.register_hook("after_validate_token_request", self.validate_resource)

    def validate_resource(self, grant: Any, _result: object) -> None:
        """Keep the audience on the request; raises InvalidTargetError."""
        grant.request.audience = audience_of(
            (grant.request.form.get("resource") or "").split(),
            granted=grant.get_granted_resources(),
            issuer=self.issuer,
        )


def audience_of(
    asked: Sequence[str], *, granted: Sequence[str], issuer: str
) -> tuple[str, ...]:
    """Return whom a token is for; raises InvalidTargetError."""
    if not asked:
        return tuple(granted) or (issuer,)
    audience = tuple(dict.fromkeys(asked))
    if audience == (issuer,):
        return audience
    if not set(audience) <= set(granted):
        raise InvalidTargetError("a resource was not granted")
    return audience
