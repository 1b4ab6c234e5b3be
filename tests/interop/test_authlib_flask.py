"""Authlib's Flask client logs in and refreshes."""

from urllib.parse import urlsplit

import httpx2
import pytest
from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from tests.interop.op import Op, walk

BACK = "http://localhost:9/callback"

pytestmark = pytest.mark.foreign


def portal(op: Op) -> Flask:
    app = Flask(__name__)
    app.secret_key = "only for this test"
    authlib = OAuth(app).register(
        "op",
        client_id="flask",
        client_secret="s3cret",
        server_metadata_url=f"{op.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": "openid profile offline_access",
            "code_challenge_method": "S256",
        },
    )

    @app.get("/login")
    def login() -> ResponseReturnValue:
        return authlib.authorize_redirect(BACK)

    @app.get("/callback")
    def callback() -> ResponseReturnValue:
        token = authlib.authorize_access_token()
        refreshed = authlib.fetch_access_token(
            grant_type="refresh_token", refresh_token=token["refresh_token"]
        )
        return jsonify(
            claims=token["userinfo"],
            userinfo=authlib.userinfo(token=refreshed),
            refreshed=refreshed["access_token"] != token["access_token"],
        )

    return app


def test_authlib_for_flask_logs_in_and_refreshes(
    op: Op, browser: httpx2.Client
) -> None:
    op.register(
        client_id="flask",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[],
        secret="s3cret",
    )
    with portal(op).test_client() as relying_party:
        started = relying_party.get("/login", base_url="http://localhost:9")
        callback = urlsplit(walk(op, started.headers["location"], browser))
        answer = relying_party.get(
            f"{callback.path}?{callback.query}", base_url="http://localhost:9"
        )
    finished = answer.get_json()
    assert finished["claims"]["iss"] == op.issuer
    assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
    assert finished["refreshed"]
