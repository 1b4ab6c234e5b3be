"""openid-client 6 (JavaScript) logs in, refreshes and logs out; plainly and by FAPI."""

from typing import Any

import httpx2
import pytest

from tests.interop.node_program import running
from tests.interop.op import Op, walk
from tests.interop.real_op import RealOp

BACK = "http://localhost:9/callback"
HOME = "http://localhost:9/"
FAPI = {
    "dpop": True,
    "signed_introspection": False,
    "jar": False,
    "jarm": False,
    "encrypted": False,
}
SIGNED = {"dpop": True, "signed_introspection": True, "jar": True, "jarm": True}

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("secret", ["s3cret & söhne", None])
def test_openid_client_logs_in_refreshes_and_logs_out(
    op: Op, browser: httpx2.Client, secret: str | None
) -> None:
    op.register(
        client_id="openid-client",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[HOME],
        secret=secret,
    )
    settings = {"issuer": op.issuer, "client_id": "openid-client", "secret": secret}
    addresses = {"redirect_uri": BACK, "home": HOME}
    with running("openid_client.mjs") as script:
        started = script.ask(settings | addresses)
        callback = walk(op, started["authorize"], browser)
        finished = script.ask({"callback": callback})
        assert finished["claims"]["iss"] == op.issuer
        assert finished["claims"]["acr"].startswith(f"{op.issuer}/acr/")
        assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
        assert finished["userinfo"]["given_name#km"]
        assert finished["refreshed"]
        assert walk(op, finished["logout"], browser) == f"{HOME}?state=bye"


@pytest.mark.parametrize(
    ("profile", "settings"),
    [
        pytest.param("fapi2", FAPI, id="fapi2"),
        pytest.param("fapi2", {**FAPI, "alg": "PS256"}, id="fapi2-ps256"),
        pytest.param("fapi2", {**FAPI, "encrypted": True}, id="fapi2-encrypted"),
        pytest.param("fapi2-message-signing", SIGNED, id="message-signing"),
    ],
)
def test_openid_client_logs_in_under_a_demanding_profile(
    real_op: RealOp, browser: httpx2.Client, profile: str, settings: dict[str, Any]
) -> None:
    with running("openid_client_fapi.mjs") as script:
        client_id = f"portal-{profile}"
        about = {"issuer": real_op.issuer, "client_id": client_id, "redirect_uri": BACK}
        keys = script.ask({**about, **settings})
        register(real_op, client_id, profile, keys["jwks"], settings)
        started = script.ask({"go": True})
        callback = walk(real_op, started["authorize"], browser)
        finished = script.ask({"callback": callback})
    assert finished["token_type"].lower() == "dpop"
    assert finished["claims"]["iss"] == real_op.issuer
    assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
    assert finished["same_refresh_token"]
    assert finished["introspected"]["active"] is True
    assert finished["introspected"]["cnf"]["jkt"]
    assert finished["active_afterwards"] is False


def register(
    op: RealOp,
    client_id: str,
    profile: str,
    jwks: dict[str, Any],
    settings: dict[str, Any],
) -> None:
    sealed = {
        "id_token_encrypted_response_alg": "ECDH-ES+A256KW",
        "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "ES256",
        "userinfo_encrypted_response_alg": "ECDH-ES+A256KW",
        "userinfo_encrypted_response_enc": "A256GCM",
    }
    op.register(
        client_id=client_id,
        redirect_uris=[BACK],
        post_logout_redirect_uris=[HOME],
        secret=None,
        auth_method="private_key_jwt",
        profile=profile,
        jwks=jwks,
        dpop_bound_access_tokens=True,
        **(sealed if settings.get("encrypted") else {}),
    )
