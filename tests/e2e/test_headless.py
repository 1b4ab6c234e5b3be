"""The whole path as its own processes: a phone without a screen, a portal, HTTP."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import psycopg
import psycopg.sql
import pytest

from camdigikey.demo.film import shoot
from camdigikey.demo.run import SPECIMENS
from idp.domain.accounts import AccountFacts
from idp.services import open_services
from mobile_api.clips import write_clip
from tests.e2e.stack import Stack, person
from tests.phone import (
    Phone,
    Problem,
    answered,
    details_of,
    new_phone,
    register,
    start,
)
from tests.specimens.liveness_scenes import another_head

pytestmark = [pytest.mark.anyio, pytest.mark.e2e]


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=60, follow_redirects=True) as client:
        yield client


def number() -> str:
    return f"012 {secrets.randbelow(900) + 100} {secrets.randbelow(900) + 100}"


async def log_in(stack: Stack, phone: Phone, browser: httpx2.AsyncClient) -> str:
    """Log in to the demo portal; return its page."""
    page = await browser.get(f"{stack.demo.portal}/login")
    path = str(page.url).partition("?")[0]
    told = (await browser.get(f"{path}/status")).json()
    claimed = await phone.scan(told["data"]["codes"][0][1])
    await phone.approve(claimed)
    headers = {"Origin": stack.demo.issuer}
    return (await browser.post(f"{path}/finish", headers=headers, data={})).text


async def test_from_a_card_photo_to_a_portal_and_out_again(
    stack: Stack, http: httpx2.AsyncClient, browser: httpx2.AsyncClient
) -> None:
    phone = new_phone(stack, http)
    sreypov = person("sreypov")
    view = await register(stack, phone, sreypov, number=number())
    assert view["state"] == "done"
    profile = (await phone.unlock())["profile"]
    assert profile["level"] == "substantial"
    assert profile["document_number"] == sreypov["number"]
    page = await log_in(stack, phone, browser)
    assert "SREYPOV" in page
    assert "សុខ" in page
    await browser.post(
        f"{stack.demo.portal}/logout", headers={"Origin": stack.demo.portal}
    )
    after = (await browser.get(stack.demo.portal)).text
    assert "SREYPOV" not in after
    again = await http.post(f"{stack.demo.app_origin}/registrations")
    assert again.status_code == 401
    await no_personal_data_lies_open(stack, sreypov)


async def no_personal_data_lies_open(stack: Stack, citizen: dict[str, str]) -> None:
    """Look for the specimen's data in every file of the stack."""
    own = stack.demo.folder
    words = [
        citizen[name]
        for name in ("number", "given_name_khmer", "given_name_latin", "surname_khmer")
    ]
    ours = [p for p in own.rglob("*") if p.is_file() and p.name != "citizens.json"]
    kept = {path.name: path.read_bytes() for path in ours}
    if stack.demo.store:
        kept["PostgreSQL"] = every_row(stack.demo.store)
    for name, found in kept.items():
        for word in words:
            assert word.encode() not in found, f"{word} lies open in {name}"
        assert not re.search(rb"\+?855 ?12 ?\d{3} ?\d{3}", found), name


def every_row(url: str) -> bytes:
    """Return every row of every table as text."""
    rows = []
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = psycopg.sql.SQL("COPY {} TO STDOUT").format(
                psycopg.sql.Identifier(table)
            )
            with connection.cursor().copy(query) as copy:
                rows += [bytes(part) for part in copy]
    assert rows
    return b"".join(rows)


async def test_a_registration_resumes_after_its_server_was_killed(
    own_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone = new_phone(own_stack, http)
    citizen = person("dara")
    path = await start(own_stack, phone, number=number())
    card = (SPECIMENS / citizen["card"]).read_bytes()
    before = await phone.picture(f"{path}/document", card)
    await asyncio.to_thread(own_stack.demo.restart_server, kill=True)
    phone.nonce = ""
    after = await phone.call("GET", "/registrations/current")
    assert after == before
    details = details_of(after["document"], citizen)
    view = await answered(phone, await phone.post(f"{path}/details", details))
    assert view["state"] == "face"


@pytest.mark.parametrize(
    "kind",
    [
        "server-fault",
        "system-error",
        "broken-json",
        "foreign-id",
        "reset",
        "too-large",
    ],
)
async def test_a_registration_waits_while_the_register_is_away(
    sqlite_stack: Stack, http: httpx2.AsyncClient, kind: str
) -> None:
    stack = sqlite_stack
    phone = new_phone(stack, http)
    citizen = person("sovann")
    path = await start(stack, phone, number=number())
    card = (SPECIMENS / citizen["card"]).read_bytes()
    view = await phone.picture(f"{path}/document", card)
    stack.fault(kind, 1)
    view = await phone.post(f"{path}/details", details_of(view["document"], citizen))
    assert view["state"] in {"register", "face"}
    assert (await answered(phone, view))["state"] == "face"


async def test_a_name_the_register_does_not_know_comes_back_for_correction(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    stack = sqlite_stack
    phone = new_phone(stack, http)
    citizen = person("sovann")
    path = await start(stack, phone, number=number())
    card = (SPECIMENS / citizen["card"]).read_bytes()
    view = await phone.picture(f"{path}/document", card)
    wrong = {**details_of(view["document"], citizen), "given_name_khmer": "ដារា"}
    view = await answered(phone, await phone.post(f"{path}/details", wrong))
    assert view["state"] == "details"
    assert view["incorrect_fields"] == ["given_name_khmer"]
    right = details_of(view["document"], citizen)
    view = await answered(phone, await phone.post(f"{path}/details", right))
    assert view["state"] == "face"


async def film_of_another(told: dict[str, Any]) -> bytes:
    clip = await asyncio.to_thread(shoot, told, another_head())
    await asyncio.sleep(clip.lasts_ms / 1000)
    return write_clip(clip)


async def test_someone_elses_face_is_refused_with_advice(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    stack = sqlite_stack
    phone = new_phone(stack, http)
    citizen = person("sovann")
    path = await start(stack, phone, number=number())
    card = (SPECIMENS / citizen["card"]).read_bytes()
    view = await phone.picture(f"{path}/document", card)
    details = details_of(view["document"], citizen)
    await answered(phone, await phone.post(f"{path}/details", details))
    with pytest.raises(Problem) as caught:
        await phone.clip(path, film_of_another)
    assert caught.value.code == "evidence-insufficient"
    assert caught.value.body["attempts_left"] == 4


async def seeded_phone(stack: Stack, http: httpx2.AsyncClient) -> Phone:
    """Return a phone whose account was written beside the running server."""
    phone = new_phone(stack, http)
    citizen = person("sovann")
    facts = AccountFacts(
        surname_khmer=citizen["surname_khmer"],
        given_name_khmer=citizen["given_name_khmer"],
        surname_latin=citizen["surname_latin"],
        given_name_latin=citizen["given_name_latin"],
        birth_date=citizen["birth_date"],
        sex=citizen["sex"],
        document_number=citizen["number"],
        document_expires=citizen["expiry_date"],
        phone="+85512345678",
    )
    async with (
        open_services(stack.demo.settings()) as services,
        services.store.begin() as tx,
    ):
        account = await services.accounts.open(tx, facts, level="substantial")
        await services.devices.bind(
            tx,
            device_id=phone.keys.device_id,
            account_id=account.id,
            public_key=phone.keys.jwk,
            pin_key=phone.keys.pin_jwk(phone.pin),
            name="Phone",
        )
    phone.account_id = account.id
    return phone


@pytest.mark.filterwarnings("ignore::idp.engines.DevelopmentModeWarning")
async def test_an_approval_survives_a_killed_server(
    own_stack: Stack, http: httpx2.AsyncClient, browser: httpx2.AsyncClient
) -> None:
    phone = await seeded_phone(own_stack, http)
    page = await browser.get(f"{own_stack.demo.portal}/login")
    path = str(page.url).partition("?")[0]
    told = (await browser.get(f"{path}/status")).json()
    claimed = await phone.scan(told["data"]["codes"][0][1])
    await phone.approve(claimed)
    await asyncio.to_thread(own_stack.demo.restart_server, kill=True)
    answer = await browser.post(
        f"{path}/finish?challenge={claimed['challenge']}",
        headers={"Origin": own_stack.demo.issuer},
        data={},
    )
    assert "SOVANN" in answer.text
