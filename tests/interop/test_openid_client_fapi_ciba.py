"""openid-client 6 (JavaScript) asks under FAPI-CIBA: signed, and bound to its key."""

from typing import Any

import httpx2
import pytest

from idp.domain.party_metadata import AUTHORIZATION_CODE, CIBA
from idp.errors import FieldsInvalid
from tests.interop.node_program import running
from tests.interop.op import walk
from tests.interop.real_op import RealOp

BACK = "http://localhost:9/callback"

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize(
    ("mode", "decision", "alg"),
    [
        pytest.param("poll", "approve", "ES256", id="poll"),
        pytest.param("ping", "approve", "PS256", id="ping-ps256"),
        pytest.param("ping", "deny", "ES256", id="ping-denied"),
    ],
)
def test_openid_client_asks_by_a_signed_request_and_takes_bound_tokens(
    real_op: RealOp, browser: httpx2.Client, mode: str, decision: str, alg: str
) -> None:
    about = {"issuer": real_op.issuer, "client_id": "counter", "redirect_uri": BACK}
    with running("openid_client_fapi_ciba.mjs") as script:
        listens = script.ask({**about, "mode": mode, "alg": alg})
        register(real_op, mode, listens["jwks"], listens["endpoint"], alg)
        started = script.ask({"go": True})
        asked = script.ask({"callback": walk(real_op, started["authorize"], browser)})
        assert asked["binding_code"]
        said = {"auth_req_id": asked["auth_req_id"], "decision": decision}
        answer = browser.post(f"{real_op.issuer}/sandbox/backchannel", data=said)
        assert answer.status_code == 200, answer.text
        finished = script.ask({"answered": decision})
    assert asked["refused"] == dict.fromkeys(
        ("unsigned", "beside", "by_another", "for_another", "again"), "invalid_request"
    )
    assert finished["unbound"] == "invalid_dpop_proof"
    if mode == "ping":
        assert finished["notice"]["body"] == {"auth_req_id": asked["auth_req_id"]}
    if decision == "deny":
        assert finished["error"] == "access_denied"
        return
    see_bound(finished, asked["auth_req_id"])


def see_bound(finished: dict[str, Any], auth_req_id: str) -> None:
    claims, known = finished["claims"], finished["known"]
    assert claims["sub"] == known["sub"] == finished["userinfo"]["sub"]
    assert claims["urn:openid:params:jwt:claim:auth_req_id"] == auth_req_id
    assert finished["token_type"].lower() == "dpop"
    assert finished["introspected"]["active"] is True
    assert list(finished["introspected"]["cnf"]) == ["jkt"]
    assert finished["bare"] == 401
    assert finished["another"] == "invalid_dpop_proof"


def test_a_fapi_party_with_push_is_not_registered(real_op: RealOp) -> None:
    key = {
        "kty": "EC",
        "crv": "P-256",
        "kid": "s1",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
        "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    }
    with pytest.raises(FieldsInvalid) as refused:
        register(real_op, "push", {"keys": [key]}, "https://portal.test/", "ES256")
    assert refused.value.fields == {"backchannel_token_delivery_mode": "not-acceptable"}
    register(real_op, "ping", {"keys": [key]}, "https://portal.test/", "ES256")


def register(
    op: RealOp, mode: str, jwks: dict[str, Any], endpoint: str, alg: str
) -> None:
    told: dict[str, Any] = (
        {} if mode == "poll" else {"backchannel_client_notification_endpoint": endpoint}
    )
    op.register(
        client_id="counter",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[],
        secret=None,
        auth_method="private_key_jwt",
        profile="fapi2",
        jwks=jwks,
        dpop_bound_access_tokens=True,
        grant_types=(AUTHORIZATION_CODE, CIBA),
        backchannel_token_delivery_mode=mode,
        backchannel_authentication_request_signing_alg=alg,
        **told,
    )
