"""Authlib as a pure function: facts in, a verdict out; no database, no clock.

Authlib's server calls hooks to look things up and to save tokens. Ours answer from
facts that are already loaded, and record what is to be issued. Every rule of OAuth
is therefore testable without a database, and the endpoints stay a sandwich:
load → decide → save.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge

from idp.domain.grants import AuthorizationCode, RefreshToken
from idp.domain.relying_parties import RelyingParty
from idp.oidc.errors import ProtocolRefusal

# Authlib prints whole tokens at DEBUG ("Issue token …").
logging.getLogger("authlib").setLevel(logging.INFO)

# Only its scheme is looked at: behind a proxy the socket is plain, the issuer is not.
TOKEN_URI = "https://provider.invalid/token"  # noqa: S105 - an address
OK = 200


@dataclass(frozen=True, slots=True)
class Issue:
    """What the verdict allows: tokens for these scopes."""

    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a token request is decided on; the client is authenticated."""

    form: Mapping[str, str] = field(repr=False)
    client: RelyingParty
    code: AuthorizationCode | None = None
    refresh_token: RefreshToken | None = None


def decide(facts: Facts) -> Issue:
    """Return what may be issued; raises ProtocolRefusal. Pure."""
    server = _Server(facts)
    status, body = server.create_token_response(facts)
    if status != OK or server.issued is None:
        raise ProtocolRefusal(
            str(body.get("error", "invalid_request")),
            str(body.get("error_description", "")),
            status=status,
        )
    return server.issued


class _Client:
    """A relying party as Authlib asks for it."""

    def __init__(self, party: RelyingParty) -> None:
        self.party = party

    def get_client_id(self) -> str:
        return self.party.id

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in {"authorization_code", "refresh_token"}


class _Code:
    """A code as Authlib asks for it: S256, whatever the request did not say."""

    code_challenge_method = "S256"

    def __init__(self, code: AuthorizationCode) -> None:
        self.code_challenge = code.code_challenge
        self.scopes = code.scopes
        self.redirect_uri = code.redirect_uri

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.scopes)


class _Refresh:
    """A refresh token as Authlib asks for it."""

    def __init__(self, token: RefreshToken) -> None:
        self.token = token

    def check_client(self, client: _Client) -> bool:
        return self.token.client_id == client.party.id

    def get_scope(self) -> str:
        return " ".join(self.token.scopes)


class _Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, facts: Facts) -> None:
        super().__init__("POST", TOKEN_URI)
        self.facts = facts
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

    def delete_authorization_code(self, _code: _Code) -> None:
        """Do nothing: it was spent before anything was decided."""


class _RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("checked",)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, _text: str) -> _Refresh | None:
        token = self.request.facts.refresh_token
        return None if token is None else _Refresh(token)

    def authenticate_user(self, token: _Refresh) -> _Refresh:
        return token

    def revoke_old_credential(self, _token: _Refresh) -> None:
        """Do nothing: the family moves to its next generation in one statement."""


class _S256(CodeChallenge):  # type: ignore[misc]
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class _Server(AuthorizationServer):  # type: ignore[misc]
    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.issued: Issue | None = None
        self.client = _Client(facts.client)
        self.register_grant(_CodeGrant, [_S256(required=True)])
        self.register_grant(_RefreshGrant)
        self.register_token_generator("default", _describe)

    def query_client(self, client_id: str) -> _Client | None:
        return self.client if client_id == self.client.party.id else None

    def authenticate_client(
        self, request: _Request, _methods: Any, _endpoint: str = "token"
    ) -> _Client:
        request.auth_method = self.client.party.auth_method
        return self.client

    def create_oauth2_request(self, request: Facts) -> _Request:
        return _Request(request)

    def save_token(self, token: dict[str, Any], _request: _Request) -> None:
        self.issued = Issue(tuple(str(token["scope"]).split()))

    def send_signal(self, name: str, *_args: Any, **_kwargs: Any) -> None:
        """Tell nobody."""

    def handle_response(
        self, status: int, body: Any, _headers: Any
    ) -> tuple[int, dict[str, Any]]:
        return status, dict(body)


def _describe(*, scope: str | None, **_: Any) -> dict[str, Any]:
    """Return what is to be issued; the tokens themselves are signed later."""
    return {"token_type": "Bearer", "scope": scope or ""}
