"""Token exchange (RFC 8693) in the shape of Authlib's grants. Pure.

    subject_token   an access token of ours, in the caller's own hands
    audience or     the one service that the caller wants to reach in the citizen's
    resource        name
    result          an access token for that service; no refresh token

Impersonation, actor tokens, ID tokens and chains of exchanges do not exist here.
"""

from abc import abstractmethod
from typing import Any

from authlib.oauth2.rfc6749.errors import (
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants.base import BaseGrant, TokenEndpointMixin

from idp.oidc.resource_indicators import InvalidTargetError

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type


class TokenExchangeGrant(BaseGrant, TokenEndpointMixin):  # type: ignore[misc]
    """Checks a token-exchange request; subclasses answer from what they know."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"

    def validate_token_request(self) -> None:
        """Check the request clause by clause (RFC 8693, 2.1 and 2.2.2)."""
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("not registered for token exchange")
        self.request.client = client
        self._validate_types(self.request.form)
        subject = self.authenticate_subject_token(client)
        if subject is None:
            raise InvalidRequestError("subject_token is unknown, over or not yours")
        target = self.query_target(client)
        if target is None:
            raise InvalidTargetError("not a service that you may call for others")
        self.validate_delegation(client, subject, target)
        asked = (self.request.payload.scope or "").split()
        if not set(asked) <= set(self.get_delegated_scope(target).split()):
            raise InvalidScopeError
        self.request.target = target

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """Answer (RFC 8693, 2.2.1)."""
        scope = self.get_delegated_scope(self.request.target)
        token = self.generate_token(scope=scope, include_refresh_token=False)
        token["issued_token_type"] = ACCESS_TOKEN_TYPE
        self.save_token(token)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    @abstractmethod
    def authenticate_subject_token(self, client: Any) -> Any | None:
        """Return the subject of the token, if the client may use it."""

    @abstractmethod
    def query_target(self, client: Any) -> Any | None:
        """Return the one service that is asked for, if the client may call it."""

    @abstractmethod
    def validate_delegation(self, client: Any, subject: Any, target: Any) -> None:
        """Raise unless the subject lets the client act at the target."""

    @abstractmethod
    def get_delegated_scope(self, target: Any) -> str:
        """Return the scope of every token for this target."""

    @staticmethod
    def _validate_types(form: dict[str, str]) -> None:
        if form.get("subject_token_type") != ACCESS_TOKEN_TYPE:
            raise InvalidRequestError("subject_token_type must be an access token")
        if form.get("requested_token_type", ACCESS_TOKEN_TYPE) != ACCESS_TOKEN_TYPE:
            raise InvalidRequestError("only access tokens are issued")
        if "actor_token" in form or "actor_token_type" in form:
            raise InvalidRequestError("the caller itself is the actor")
