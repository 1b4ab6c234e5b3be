"""Sealed values: what an authorization code and a refresh token say.

Each is sealed by our master key and names its client, so a stranger can neither make
one (the seal's tag has 128 bits) nor burn it. Whether it may still be used is a row's
business (grants.py). Pure.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

import orjson

from idp.domain.interactions import AuthorizationRequest, Login
from idp.errors import GrantSpent
from idp.storage.columns import b64decode, b64encode
from idp.storage.encryption import SealBroken, Sealer

CODE_CONTEXT = "authorization code"
REFRESH_CONTEXT = "refresh token"
MAX_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a code says, once it is opened. `auth_time`, `expires_at` in ms.

    `is_single_sign_on` tells that nobody was asked: a consent stood already.
    `dpop_jkt` is the key whose holder alone may redeem it (RFC 9449, 10).
    """

    grant_id: str
    client_id: str
    redirect_uri: str
    code_challenge: str
    scopes: tuple[str, ...]
    claims: tuple[str, ...]
    nonce: str | None
    account_id: str
    device_id: str | None
    session_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    is_single_sign_on: bool
    expires_at: int
    resources: tuple[str, ...] = ()
    claims_request: str = ""
    dpop_jkt: str = ""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a refresh token says, once it is opened.

    `confirmation` names the key that the first tokens were bound to, "" for none.
    """

    grant_id: str
    client_id: str
    generation: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
    confirmation: str = ""


def code_of(
    request: AuthorizationRequest,
    login: Login,
    *,
    expires_at: int,
    is_single_sign_on: bool,
) -> AuthorizationCode:
    """Return the code of a completed login."""
    return AuthorizationCode(
        grant_id=login.grant_id,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        scopes=request.scopes,
        claims=login.claims,
        nonce=request.nonce,
        account_id=login.account_id,
        device_id=login.device_id,
        session_id=login.session_id,
        acr=login.acr,
        amr=login.amr,
        auth_time=login.auth_time,
        is_single_sign_on=is_single_sign_on,
        expires_at=expires_at,
        resources=request.resources,
        claims_request=request.claims_request,
        dpop_jkt=request.dpop_jkt,
    )


def seal_code(sealer: Sealer, code: AuthorizationCode) -> str:
    """Return the text of a code."""
    return _seal(sealer, code, context=CODE_CONTEXT)


def open_code(sealer: Sealer, text: str, *, client_id: str) -> AuthorizationCode:
    """Return what a code says; raises GrantSpent unless it is this client's.

    A late code is opened too: its second presentation must still be seen.
    """
    code = AuthorizationCode(*_open(sealer, text, context=CODE_CONTEXT))
    if code.client_id != client_id:
        raise GrantSpent("another client's code")
    return replace(
        code,
        scopes=tuple(code.scopes),
        claims=tuple(code.claims),
        amr=tuple(code.amr),
        resources=tuple(code.resources),
    )


def seal_refresh_token(sealer: Sealer, token: RefreshToken) -> str:
    """Return the text of a refresh token."""
    return _seal(sealer, token, context=REFRESH_CONTEXT)


def open_refresh_token(sealer: Sealer, text: str, *, client_id: str) -> RefreshToken:
    """Return what it says; raises GrantSpent unless it is this client's."""
    token = RefreshToken(*_open(sealer, text, context=REFRESH_CONTEXT))
    if token.client_id != client_id:
        raise GrantSpent("another client's refresh token")
    return replace(token, scopes=tuple(token.scopes), resources=tuple(token.resources))


def _seal(
    sealer: Sealer, payload: AuthorizationCode | RefreshToken, *, context: str
) -> str:
    data = orjson.dumps([getattr(payload, each.name) for each in fields(payload)])
    return b64encode(sealer.seal_token(data, context=context))


def _open(sealer: Sealer, text: str, *, context: str) -> list[Any]:
    if len(text) > MAX_TOKEN:
        raise GrantSpent("too long")
    try:
        opened = sealer.open_token(b64decode(text), context=context)
    except (ValueError, SealBroken) as error:
        raise GrantSpent("not ours") from error
    values: list[Any] = orjson.loads(opened)
    return values
