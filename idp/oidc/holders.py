"""Whose key a code or a refresh token belongs to, as extensions of Authlib's grants.

    code              redeemed by the key that it was asked for (RFC 9449, 10)
    refresh token     of a public party: by the key of the first tokens (RFC 9449, 5;
                      RFC 8705, 4). A party that proves itself may change its key,
                      but not fall back to tokens without one.

`grant.request.confirmation` names the key that the request was proved with: "",
`jkt:…` or `x5t#S256:…`. Pure.
"""

import hmac
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError


class HolderOfCode:
    """Binds the redemption of a code to `dpop_jkt`."""

    def __call__(self, grant: Any) -> None:
        """Join a grant."""
        grant.register_hook("after_validate_token_request", self.validate_holder)

    def validate_holder(self, grant: Any, _result: object) -> None:
        """Compare the keys; raises InvalidGrantError."""
        bound = grant.request.authorization_code.get_dpop_jkt()
        if bound and not is_same(grant.request.confirmation, f"jkt:{bound}"):
            raise InvalidGrantError("the code belongs to another key")


class HolderOfRefreshToken:
    """Binds refreshing to the key of the first tokens."""

    def __call__(self, grant: Any) -> None:
        """Join a grant."""
        grant.register_hook("after_validate_token_request", self.validate_holder)

    def validate_holder(self, grant: Any, _result: object) -> None:
        """Compare the keys; raises InvalidGrantError."""
        request = grant.request
        bound = request.refresh_token.get_confirmation()
        if not bound:
            return
        if request.client.is_public and not is_same(request.confirmation, bound):
            raise InvalidGrantError("the refresh token belongs to another key")
        if not request.confirmation:
            raise InvalidGrantError("the refresh token needs a key")


def is_same(one: str, other: str) -> bool:
    """Compare two keys' names in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
