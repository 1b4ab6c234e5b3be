"""What a sealed code may hold, and how long its text may be."""

from dataclasses import replace

import pytest

from idp.domain import codes
from idp.domain.codes import AuthorizationCode, RefreshToken
from idp.errors import GrantSpent
from idp.oidc.authorization_checks import MAX_NONCE
from idp.oidc.claims_request import MAX_KEPT
from idp.storage.columns import b64encode
from idp.storage.encryption import MasterKey, Sealer

SEALER = Sealer([MasterKey.of(b"k" * 32)])
CODE = AuthorizationCode(
    grant_id="g" * 22,
    client_id="c" * 64,
    redirect_uri="https://portal.test/" + "p" * 480,
    code_challenge="x" * 43,
    scopes=("openid", "profile", "phone", "email", "offline_access"),
    claims=tuple(f"claim_{number}" for number in range(24)),
    nonce="n" * MAX_NONCE,
    account_id="a" * 22,
    device_id="d" * 43,
    session_id="s" * 43,
    acr="substantial",
    amr=("mfa", "pin", "pop", "swk"),
    auth_time=1_782_892_800_000,
    is_single_sign_on=False,
    expires_at=1_782_892_860_000,
    resources=tuple(f"https://api{number}.portal.test/" for number in range(8)),
    claims_request="q" * MAX_KEPT,
    dpop_jkt="j" * 43,
)


def test_a_code_with_everything_at_its_most_comes_back() -> None:
    text = codes.seal_code(SEALER, CODE)
    assert codes.open_code(SEALER, text, client_id=CODE.client_id) == CODE


def test_a_text_longer_than_any_code_is_refused_unopened() -> None:
    sealed = SEALER.seal_token(b"[" + b" " * 6200 + b"]", context=codes.CODE_CONTEXT)
    text = b64encode(sealed)
    assert len(text) > codes.MAX_TOKEN
    with pytest.raises(GrantSpent, match="too long"):
        codes.open_code(SEALER, text, client_id="c")


def test_a_text_of_exactly_the_most_is_still_opened() -> None:
    with pytest.raises(GrantSpent, match="not ours"):
        codes.open_code(SEALER, "A" * codes.MAX_TOKEN, client_id="c")


def test_a_code_is_no_refresh_token_and_nobody_elses() -> None:
    text = codes.seal_code(SEALER, CODE)
    with pytest.raises(GrantSpent, match="not ours"):
        codes.open_refresh_token(SEALER, text, client_id=CODE.client_id)
    with pytest.raises(GrantSpent, match="another client"):
        codes.open_code(SEALER, text, client_id="another")
    token = RefreshToken("g", "c", 0, ("openid",))
    sealed = codes.seal_refresh_token(SEALER, token)
    assert codes.open_refresh_token(SEALER, sealed, client_id="c") == token
    wrong = codes.seal_refresh_token(SEALER, replace(token, client_id="d"))
    with pytest.raises(GrantSpent, match="another client"):
        codes.open_refresh_token(SEALER, wrong, client_id="c")
