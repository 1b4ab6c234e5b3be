"""Our own client logs in, refreshes and logs out, through the same door."""

import asyncio

import httpx2
import pytest

from sdk_web import TokenRefused
from tests.interop.op import Op, walk
from tests.portal import HeadlessPortal

BACK = "http://localhost:9/callback"
HOME = "http://localhost:9/"


@pytest.mark.parametrize("secret", ["s3cret & söhne", None])
def test_the_web_sdk_logs_in_refreshes_and_logs_out(
    op: Op, browser: httpx2.Client, secret: str | None
) -> None:
    op.register(
        client_id="sdk",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[HOME],
        secret=secret,
    )

    async def visit() -> None:
        portal = HeadlessPortal(
            issuer=op.issuer,
            client_id="sdk",
            client_secret=secret,
            redirect_uri=BACK,
            post_logout_redirect_uri=HOME,
        )
        url = await portal.start(level="substantial", max_age=600)
        tokens = await portal.finish(await asyncio.to_thread(walk, op, url, browser))
        assert tokens.id_token.level == "substantial"
        assert (await portal.userinfo())["given_name#km"]
        spent = tokens.refresh_token
        assert spent is not None
        assert (await portal.refresh()).access_token != tokens.access_token
        assert (await portal.userinfo())["family_name"]
        leaving = await portal.logout(state="bye")
        home = await asyncio.to_thread(walk, op, leaving, browser)
        assert home == f"{HOME}?state=bye"
        with pytest.raises(TokenRefused):
            await portal.client.refresh(f"{spent}x", previous=tokens.id_token)
        await portal.aclose()

    asyncio.run(visit())
