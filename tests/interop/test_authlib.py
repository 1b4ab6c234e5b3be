"""Authlib's Starlette client logs in, refreshes and logs out."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from authlib.integrations.starlette_client import OAuth
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.interop.op import Op, walk

BACK = "http://localhost:9/callback"
HOME = "http://localhost:9/"

pytestmark = pytest.mark.foreign


class OneSession:
    """Gives every request the same session: there is one browser."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.session: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["session"] = self.session
        await self.app(scope, receive, send)


def portal(op: Op, secret: str | None) -> ASGIApp:
    method = "client_secret_basic" if secret else "none"
    authlib = OAuth().register(
        "op",
        client_id="authlib",
        client_secret=secret,
        server_metadata_url=f"{op.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile offline_access",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": method,
        },
    )

    async def login(request: Request) -> Response:
        return await authlib.authorize_redirect(request, BACK)

    async def callback(request: Request) -> Response:
        token = await authlib.authorize_access_token(request)
        refreshed = await authlib.fetch_access_token(
            grant_type="refresh_token", refresh_token=token["refresh_token"]
        )
        asked = {
            "id_token_hint": token["id_token"],
            "post_logout_redirect_uri": HOME,
            "state": "bye",
        }
        metadata = await authlib.load_server_metadata()
        return JSONResponse(
            {
                "claims": token["userinfo"],
                "userinfo": await authlib.userinfo(token=refreshed),
                "refreshed": refreshed["access_token"] != token["access_token"],
                "logout": f"{metadata['end_session_endpoint']}?{urlencode(asked)}",
            }
        )

    return OneSession(
        Starlette(routes=[Route("/login", login), Route("/callback", callback)])
    )


@pytest.mark.parametrize("secret", ["s3cret", None])
def test_authlib_logs_in_refreshes_and_logs_out(
    op: Op, browser: httpx2.Client, secret: str | None
) -> None:
    op.register(
        client_id="authlib",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[HOME],
        secret=secret,
    )
    with TestClient(
        portal(op, secret), base_url="http://localhost:9", follow_redirects=False
    ) as relying_party:
        started = relying_party.get("/login").headers["location"]
        answer = relying_party.get(walk(op, started, browser))
    finished = answer.json()
    assert finished["claims"]["iss"] == op.issuer
    assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
    assert finished["userinfo"]["family_name#km"]
    assert finished["refreshed"]
    assert walk(op, finished["logout"], browser) == f"{HOME}?state=bye"
