"""openid-client 6 (JavaScript) asks without a browser: CIBA by poll and by ping."""

from typing import Any

import httpx2
import pytest

from idp.domain.party_metadata import AUTHORIZATION_CODE, CIBA
from tests.interop.node_program import running
from tests.interop.op import walk
from tests.interop.real_op import RealOp

BACK = "http://localhost:9/callback"

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("decision", ["approve", "deny"])
@pytest.mark.parametrize("mode", ["poll", "ping"])
def test_openid_client_asks_over_the_back_channel(
    real_op: RealOp, browser: httpx2.Client, mode: str, decision: str
) -> None:
    about = {"issuer": real_op.issuer, "client_id": "counter", "secret": "s3cret"}
    with running("openid_client_ciba.mjs") as script:
        listens = script.ask({**about, "redirect_uri": BACK, "mode": mode})
        register(real_op, mode, listens["endpoint"])
        started = script.ask({"go": True})
        asked = script.ask({"callback": walk(real_op, started["authorize"], browser)})
        assert asked["binding_code"]
        said = {"auth_req_id": asked["auth_req_id"], "decision": decision}
        answer = browser.post(f"{real_op.issuer}/sandbox/backchannel", data=said)
        assert answer.status_code == 200, answer.text
        finished = script.ask({"answered": decision})
    if mode == "ping":
        assert finished["notice"]["body"] == {"auth_req_id": asked["auth_req_id"]}
    if decision == "deny":
        assert finished["error"] == "access_denied"
        return
    assert finished["claims"]["sub"] == finished["known"]["sub"]
    assert (
        finished["claims"]["urn:openid:params:jwt:claim:auth_req_id"]
        == asked["auth_req_id"]
    )


def register(op: RealOp, mode: str, endpoint: str) -> None:
    pinged: dict[str, Any] = (
        {"backchannel_client_notification_endpoint": endpoint} if mode == "ping" else {}
    )
    op.register(
        client_id="counter",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[],
        secret="s3cret",
        grant_types=(AUTHORIZATION_CODE, CIBA),
        backchannel_token_delivery_mode=mode,
        **pinged,
    )
