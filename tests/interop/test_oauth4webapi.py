"""oauth4webapi 3 (JavaScript) logs in with pushed requests and bound tokens."""

import httpx2
import pytest

from tests.interop.node_program import running
from tests.interop.op import walk
from tests.interop.real_op import RealOp

BACK = "http://localhost:9/callback"

pytestmark = pytest.mark.foreign


@pytest.mark.parametrize("profile", ["basic", "fapi2"])
def test_oauth4webapi_logs_in_with_par_dpop_and_private_key_jwt(
    real_op: RealOp, browser: httpx2.Client, profile: str
) -> None:
    with running("oauth4webapi.mjs") as script:
        about = {"issuer": real_op.issuer, "client_id": "by-hand", "redirect_uri": BACK}
        keys = script.ask(about)
        real_op.register(
            client_id="by-hand",
            redirect_uris=[BACK],
            post_logout_redirect_uris=[],
            secret=None,
            auth_method="private_key_jwt",
            profile=profile,
            jwks=keys["jwks"],
            dpop_bound_access_tokens=True,
        )
        started = script.ask({"go": True})
        finished = script.ask(
            {"callback": walk(real_op, started["authorize"], browser)}
        )
    assert finished["token_type"] == "dpop"
    assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
    assert finished["refreshed"]
