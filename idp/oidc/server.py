"""Authlib as a pure function: facts in, a verdict out; no database, no clock.

Authlib's server calls hooks to look things up and to save tokens. Ours answer from
facts that are already loaded, and record what is to be issued. Every rule of OAuth
is therefore testable without a database, and the endpoints stay a sandwich:
load → decide → save.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidScopeError,
    OAuth2Error,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc6749.hooks import hooked
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from idp.domain.codes import AuthorizationCode, RefreshToken
from idp.domain.consents import delegation_to
from idp.domain.relying_parties import RelyingParty
from idp.oidc.access_tokens import AccessToken
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.exchange_grant import TokenExchangeGrant
from idp.oidc.holders import HolderOfCode, HolderOfRefreshToken, is_same
from idp.oidc.resource_indicators import ResourceIndicators

# Authlib prints whole tokens at DEBUG ("Issue token …").
logging.getLogger("authlib").setLevel(logging.INFO)

# Only its scheme is looked at: behind a proxy the socket is plain, the issuer is not.
TOKEN_URI = "https://provider.invalid/token"  # noqa: S105 - an address
OK = 200


@dataclass(frozen=True, slots=True)
class Issue:
    """What the verdict allows: tokens for these scopes, for this audience."""

    scopes: tuple[str, ...]
    audience: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delegation:
    """What is known of a token exchange: what cannot be used is None.

    `target` is the one named party where the caller may act.
    """

    subject: AccessToken | None
    target: RelyingParty | None
    released: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a token request is decided on; the client is authenticated.

    `confirmation` names the key that the request was proved with, "" without one.
    """

    form: Mapping[str, str] = field(repr=False)
    client: RelyingParty
    issuer: str
    confirmation: str = ""
    code: AuthorizationCode | None = None
    refresh_token: RefreshToken | None = None
    delegation: Delegation | None = None


def decide(facts: Facts) -> Issue:
    """Return what may be issued; raises ProtocolRefusal. Pure."""
    request = _Request(facts)
    status, body = _server(facts.issuer).create_token_response(request)
    if status != OK or request.issued is None:
        raise ProtocolRefusal(
            str(body.get("error", "invalid_request")),
            str(body.get("error_description", "")),
            status=status,
        )
    return request.issued


class ConsentRequiredError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The citizen has not released this to the caller, or took it back."""

    error = "consent_required"


class _Client:
    """A relying party as Authlib asks for it."""

    def __init__(self, party: RelyingParty) -> None:
        self.party = party
        self.is_public = party.is_public

    def get_client_id(self) -> str:
        return self.party.id

    def check_grant_type(self, grant_type: str) -> bool:
        return self.party.metadata.may_use(grant_type)


class _Code:
    """A code as Authlib asks for it: S256, whatever the request did not say."""

    code_challenge_method = "S256"

    def __init__(self, code: AuthorizationCode) -> None:
        self.code = code
        self.code_challenge = code.code_challenge

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.code.scopes)

    def get_dpop_jkt(self) -> str:
        return self.code.dpop_jkt


class _Refresh:
    """A refresh token as Authlib asks for it."""

    def __init__(self, token: RefreshToken) -> None:
        self.token = token

    def check_client(self, client: _Client) -> bool:
        return self.token.client_id == client.party.id

    def get_scope(self) -> str:
        return " ".join(self.token.scopes)

    def get_confirmation(self) -> str:
        return self.token.confirmation


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, facts: Facts) -> None:
        super().__init__("POST", TOKEN_URI)
        self.facts = facts
        self.issued: Issue | None = None
        self.confirmation = facts.confirmation
        self.audience: tuple[str, ...] = ()
        self.payload = BasicOAuth2Payload(dict(facts.form))

    @property
    def form(self) -> dict[str, str]:
        return dict(self.facts.form)

    @property
    def args(self) -> dict[str, str]:
        return {}


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("checked",)

    def query_authorization_code(self, _code: str, client: _Client) -> _Code | None:
        code = self.request.facts.code
        is_theirs = code is not None and code.client_id == client.party.id
        return _Code(code) if is_theirs else None

    def authenticate_user(self, authorization_code: _Code) -> _Code:
        return authorization_code

    def get_granted_resources(self) -> tuple[str, ...]:
        resources: tuple[str, ...] = self.request.authorization_code.code.resources
        return resources

    def delete_authorization_code(self, _code: _Code) -> None:
        """Do nothing: it was spent before anything was decided."""


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("checked",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    @hooked  # type: ignore[untyped-decorator]
    def validate_token_request(self) -> None:
        super().validate_token_request()

    def authenticate_refresh_token(self, _text: str) -> _Refresh | None:
        token = self.request.facts.refresh_token
        return None if token is None else _Refresh(token)

    def authenticate_user(self, token: _Refresh) -> _Refresh:
        return token

    def get_granted_resources(self) -> tuple[str, ...]:
        resources: tuple[str, ...] = self.request.refresh_token.token.resources
        return resources

    def revoke_old_credential(self, _token: _Refresh) -> None:
        """Do nothing: the family moves to its next generation in one statement."""


class _OwnGrant(ClientCredentialsGrant):  # type: ignore[misc]
    """client_credentials: a party in its own name, at the services it registered."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("checked",)

    @hooked  # type: ignore[untyped-decorator]
    def validate_token_request(self) -> None:
        super().validate_token_request()
        if self.request.client.is_public:
            raise UnauthorizedClientError("a public client has no name of its own")

    def validate_requested_scope(self) -> None:
        asked = set((self.request.payload.scope or "").split())
        if not asked or not asked <= set(self._metadata().api_scopes):
            raise InvalidScopeError

    def get_granted_resources(self) -> tuple[str, ...]:
        resources: tuple[str, ...] = self._metadata().resources
        return resources

    def _metadata(self) -> Any:
        return self.request.facts.client.metadata


class _ExchangeGrant(TokenExchangeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("checked",)

    def authenticate_subject_token(self, client: _Client) -> AccessToken | None:
        subject: AccessToken | None = self.request.facts.delegation.subject
        if subject is None or client.is_public:
            return None
        is_theirs = subject.client_id == client.party.id and not subject.is_exchanged
        bound = subject.confirmation
        is_holder = not bound or is_same(bound, self.request.confirmation)
        return subject if is_theirs and is_holder else None

    def query_target(self, _client: _Client) -> RelyingParty | None:
        target: RelyingParty | None = self.request.facts.delegation.target
        return target

    def validate_delegation(
        self, _client: _Client, _subject: AccessToken, target: RelyingParty
    ) -> None:
        if delegation_to(target.id) not in self.request.facts.delegation.released:
            raise ConsentRequiredError("the citizen has not allowed this")

    def get_delegated_scope(self, target: RelyingParty) -> str:
        return delegation_to(target.id)


class _S256(CodeChallenge):  # type: ignore[misc]
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class _Server(AuthorizationServer):  # type: ignore[misc]
    """The rules alone: everything of one request is in its `_Request`."""

    def __init__(self, issuer: str) -> None:
        super().__init__()
        resources = ResourceIndicators(issuer)
        code_rules = [_S256(required=True), HolderOfCode(), resources]
        self.register_grant(_CodeGrant, code_rules)
        self.register_grant(_RefreshGrant, [HolderOfRefreshToken(), resources])
        self.register_grant(_OwnGrant, [resources])
        self.register_grant(_ExchangeGrant)
        self.register_token_generator("default", _describe)

    def authenticate_client(
        self, request: _Request, _methods: Any, _endpoint: str = "token"
    ) -> _Client:
        client = _Client(request.facts.client)
        request.auth_method = client.party.auth_method
        return client

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def save_token(self, token: dict[str, Any], request: _Request) -> None:
        request.issued = Issue(tuple(str(token["scope"]).split()), request.audience)

    def send_signal(self, name: str, *_args: Any, **_kwargs: Any) -> None:
        """Tell nobody."""

    def handle_response(
        self, status: int, body: Any, _headers: Any
    ) -> tuple[int, dict[str, Any]]:
        return status, dict(body)


@cache
def _server(issuer: str) -> _Server:
    return _Server(issuer)


def _describe(*, scope: str | None, **_: Any) -> dict[str, Any]:
    """Return what is to be issued; the tokens themselves are signed later."""
    return {"token_type": "Bearer", "scope": scope or ""}
