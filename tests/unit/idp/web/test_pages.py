"""The other pages, and what every answer carries."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from idp.errors import Exhausted, IdentityError, NotFound, Unavailable
from idp.web import pages
from idp.web.middleware import Door
from idp.web.protocol_pages import ProtocolPages
from idp.web.qr import QUIET, draw
from idp.web.routes import unexpected
from tests.unit.idp.web.world import ISSUER, World, open_world

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(tmp_path) as opened:
        yield opened


def asked(query: str = "", **headers: str) -> Request:
    named = [(key.replace("_", "-").encode(), v.encode()) for key, v in headers.items()]
    return Request({"type": "http", "query_string": query.encode(), "headers": named})


async def test_home_is_khmer_first_and_follows_the_browser(world: World) -> None:
    khmer = await world.browser.get("/")
    assert '<html lang="km">' in khmer.text
    english = await world.browser.get("/", headers={"accept-language": "en"})
    assert "One identity for public services" in english.text
    assert 'href="/.well-known/openid-configuration"' in english.text


async def test_another_name_of_this_machine_is_not_answered(world: World) -> None:
    answer = await world.browser.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 421


async def test_a_large_body_is_refused_at_the_door(world: World) -> None:
    answer = await world.browser.post("/login/x/renew", content=b"x" * 70_000)
    assert answer.status_code == 413


async def test_a_body_that_hides_its_length_is_cut_off() -> None:
    async def take(request: Request) -> Response:
        try:
            return PlainTextResponse(str(len(await request.body())))
        except ClientDisconnect:
            return PlainTextResponse("cut off", 400)

    async def drip(octets: int) -> AsyncIterator[bytes]:
        for _ in range(octets // 10):
            yield b"0123456789"

    app = Door(
        Starlette(routes=[Route("/", take, methods=["POST"])]),
        hosts=frozenset({ISSUER.removeprefix("http://").encode()}),
        largest_body=100,
    )
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as client:
        assert (await client.post("/", content=drip(100))).text == "100"
        assert (await client.post("/", content=drip(110))).text == "cut off"


async def test_static_files_carry_the_strictest_policy(world: World) -> None:
    answer = await world.browser.get("/static/page.css")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_an_address_of_nothing_is_a_page_too(world: World) -> None:
    english = {"accept-language": "en"}
    nothing = await world.browser.get("/nothing", headers=english)
    assert nothing.status_code == 404
    assert "There is nothing here" in nothing.text


async def test_a_fault_of_ours_tells_nothing_about_itself() -> None:
    english = asked(accept_language="en")
    answer = await unexpected(english, RuntimeError("secret-detail"))
    assert answer.status_code == 500
    text = bytes(answer.body).decode()
    assert "Something went wrong" in text
    assert "secret-detail" not in text


def every_refusal(base: type[IdentityError]) -> list[type[IdentityError]]:
    below = [one for kind in base.__subclasses__() for one in every_refusal(kind)]
    return [base, *below]


@pytest.mark.parametrize("kind", every_refusal(IdentityError))
@pytest.mark.parametrize("locale", ["km", "en"])
def test_every_refusal_has_a_page(kind: type[IdentityError], locale: str) -> None:
    fact = kind.__new__(kind)
    if isinstance(fact, Exhausted | Unavailable):
        fact.retry_after = 7
    answer = pages.refusal(fact, locale=locale)
    assert 400 <= answer.status_code < 600
    assert f'<html lang="{locale}">' in bytes(answer.body).decode()
    retries = isinstance(fact, Exhausted | Unavailable)
    assert (answer.headers.get("retry-after") == "7") is retries


def test_what_the_log_knows_of_a_refusal_is_not_on_its_page() -> None:
    answer = pages.refusal(NotFound("secret-detail"), locale="en")
    assert answer.status_code == 404
    assert b"secret-detail" not in answer.body


def test_the_protocols_pages_speak_the_persons_language() -> None:
    drawn = ProtocolPages()
    english = asked(accept_language="en")
    refused = drawn.refused(english, code="redirect-uri-unknown", status=400)
    assert "return address is not registered" in bytes(refused.body).decode()
    odd = drawn.refused(english, code="invalid_<request>", status=400)
    assert "invalid_&lt;request&gt;" in bytes(odd.body).decode()
    out = drawn.logged_out(asked(), ui_locales="en")
    assert out.status_code == 200
    assert "You are logged out" in bytes(out.body).decode()


def test_the_logout_form_carries_its_fields_and_may_lead_back() -> None:
    back = "https://portal.example/bye"
    fields = {"state": '"><b>', "post_logout_redirect_uri": back}
    answer = ProtocolPages().confirm_logout(
        asked(), action="/logout", fields=fields, ui_locales=None
    )
    assert "&gt;&lt;b&gt;" in bytes(answer.body).decode()
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self' https://portal.example;" in policy


@given(st.text() | st.from_regex(r"https?://[^/]*"))
def test_no_address_adds_a_directive_to_the_policy(target: str) -> None:
    policy = pages.policy([target])
    names = [part.split()[0] for part in policy.split("; ")]
    assert names == [part.split()[0] for part in pages.policy().split("; ")]
    assert policy.isascii()
    assert policy.isprintable()


def test_a_picture_has_its_quiet_zone() -> None:
    picture = draw("http://localhost:8001/q/" + "x" * 50)
    assert (picture.size - 2 * QUIET - 17) % 4 == 0  # a QR version's side
    assert picture.path.startswith(f"M{QUIET} {QUIET}h7v1h-7z")
