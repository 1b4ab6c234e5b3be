"""AppAuth-JS logs in as an app: public, PKCE, refresh, revocation."""

import httpx2
import pytest

from tests.interop.node_program import running
from tests.interop.op import walk
from tests.interop.real_op import RealOp

BACK = "http://localhost:9/callback"

pytestmark = pytest.mark.foreign


def test_appauth_logs_in_refreshes_and_revokes(
    real_op: RealOp, browser: httpx2.Client
) -> None:
    real_op.register(
        client_id="app",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[],
        secret=None,
    )
    about = {"issuer": real_op.issuer, "client_id": "app", "redirect_uri": BACK}
    with running("appauth.mjs") as script:
        started = script.ask(about)
        callback = walk(real_op, started["authorize"], browser)
        finished = script.ask({"callback": callback})
    assert finished["id_token"]
    assert finished["refreshed"]
    assert finished["revoked"] is True
