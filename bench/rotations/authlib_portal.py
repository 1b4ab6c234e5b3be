"""A portal on Authlib's Starlette client that stays up for a day.

python -m bench.rotations.authlib_portal '{"port": …, "issuer": …, …}'
"""

import json
import sys
import time

import uvicorn
from authlib.integrations.starlette_client import OAuth
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.interop.test_authlib import OneSession


def main() -> None:
    """Serve until killed."""
    wanted = json.loads(sys.argv[1])
    port = int(wanted["port"])
    client = OAuth().register(
        "op",
        client_id=wanted["client_id"],
        client_secret=wanted["secret"],
        server_metadata_url=f"{wanted['issuer']}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
    )

    async def login(request: Request) -> Response:
        back = f"http://localhost:{port}/callback"
        return await client.authorize_redirect(request, back)

    async def callback(request: Request) -> Response:
        try:
            token = await client.authorize_access_token(request)
            told = await client.userinfo(token=token)
        except Exception as fault:  # noqa: BLE001 - the drill counts whatever it is
            return JSONResponse({"fault": repr(fault), "now": time.time()})
        verified = token["userinfo"]["sub"] == told["sub"]
        said = {"sub": told["sub"] if verified else "", "id_token": token["id_token"]}
        return JSONResponse({**said, "now": time.time()})

    routes = [Route("/login", login), Route("/callback", callback)]
    print("ready", flush=True)
    uvicorn.run(
        OneSession(Starlette(routes=routes)),
        host="127.0.0.1",
        port=port,
        log_level="error",
    )


if __name__ == "__main__":
    main()
