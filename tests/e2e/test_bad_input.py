"""Bad input at the real door: each gets its own clear answer, and nothing is lost."""

import asyncio
import io
import secrets
import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from PIL import Image

from camdigikey.demo.film import film, shoot
from camdigikey.demo.run import SPECIMENS
from mobile_api.clips import write_clip
from tests.e2e.stack import Stack, person
from tests.phone import Phone, Problem, answered, details_of, new_phone, start

pytestmark = [pytest.mark.anyio, pytest.mark.e2e]


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=60) as client:
        yield client


async def refused(work: Any, code: str) -> dict[str, Any]:
    with pytest.raises(Problem) as caught:
        await work
    body = caught.value.body
    assert body["code"] == code, body
    assert body["title"]
    assert body["detail"]
    return body


def number() -> str:
    return f"+855 12 {secrets.randbelow(900) + 100} {secrets.randbelow(900) + 100}"


async def at_document(stack: Stack, http: httpx2.AsyncClient) -> tuple[Phone, str]:
    phone = new_phone(stack, http)
    return phone, await start(stack, phone, number=number())


def zip_bomb() -> bytes:
    """Return a small PNG whose header promises 30,000 × 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(30_000 * 30), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def picture(colour: str, size: tuple[int, int] = (800, 600)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "JPEG")
    return made.getvalue()


CARDS = [
    ("sophea-blurred.jpg", {"blurred"}),
    ("sophea-cut.jpg", {"cut-off"}),
    ("dara-wrong-check-digit.jpg", {"check-digit-wrong"}),
    ("bopha-card.jpg", {"document-expired"}),
    ("sreypov-selfie.jpg", {"not-a-document", "cut-off"}),
]


@pytest.mark.parametrize(("name", "advice"), CARDS)
async def test_a_bad_card_photo_is_answered_with_what_to_do(
    sqlite_stack: Stack, http: httpx2.AsyncClient, name: str, advice: set[str]
) -> None:
    phone, path = await at_document(sqlite_stack, http)
    work = phone.picture(f"{path}/document", (SPECIMENS / name).read_bytes())
    body = await refused(work, "evidence-insufficient")
    assert advice & set(body["advice"]), body
    view = await phone.call("GET", "/registrations/current")
    assert view["state"] == "document"


async def test_files_that_are_no_picture_are_refused_and_nothing_is_lost(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone, path = await at_document(sqlite_stack, http)
    for data in (b"not a picture", zip_bomb(), picture("white")):
        await refused(phone.picture(f"{path}/document", data), "evidence-insufficient")
    assert b'"too-large"' in await said_before_the_upload(sqlite_stack, path)
    view = await phone.call("GET", "/registrations/current")
    assert view["state"] == "document"


async def said_before_the_upload(stack: Stack, path: str) -> bytes:
    """Announce 50 MB and return what the server says before they are sent."""
    port = stack.demo.ports.app
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(
        f"POST {path}/document HTTP/1.1\r\nHost: localhost:{port}\r\n"
        "Content-Type: image/jpeg\r\nContent-Length: 50000000\r\n\r\n".encode()
    )
    said = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    writer.close()
    assert said.startswith(b"HTTP/1.1 413")
    return said


async def test_broken_json_unknown_fields_and_repeated_members_are_malformed(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone = new_phone(sqlite_stack, http)
    for body in (
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"phone":"012345678","locale":"km","extra":1}',
        b'{"phone":"012345678","phone":"012345678","locale":"km"}',
        b"{}",
        b"[" * 5000 + b"]" * 5000,
    ):
        work = phone.call("POST", "/registrations", body, kind="application/json")
        await refused(work, "malformed")
    for body, name in (
        (b'{"phone":12345678,"locale":"km"}', "phone"),
        (b'{"phone":"012345678","locale":"fr"}', "locale"),
    ):
        work = phone.call("POST", "/registrations", body, kind="application/json")
        told = await refused(work, "fields-invalid")
        assert name in {field["name"] for field in told["fields"]}


async def test_numbers_are_accepted_in_khmer_digits_and_refused_when_wrong(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone = new_phone(sqlite_stack, http)
    for bad in ("123", "", "023 999 999", "hello", "+1 555 0100", "012345678901234"):
        body = {"phone": bad, "locale": "km"}
        await refused(phone.post("/registrations", body), "phone-invalid")
    khmer = "០១២ ៣៤" + "".join(chr(0x17E0 + secrets.randbelow(10)) for _ in range(4))
    view = await phone.start(khmer, locale="km")
    assert view["state"] == "phone_code"
    assert view["phone_hint"].startswith("+855")


async def test_a_wrong_code_is_counted_and_the_sixth_is_refused(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    stack = sqlite_stack
    phone, seen = new_phone(stack, http), stack.printed()
    view = await phone.start(number())
    path = f"/registrations/{view['id']}/phone-code"
    code = stack.sms_code(seen)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for left in (4, 3, 2, 1, 0):
        body = await refused(phone.post(path, {"code": wrong}), "code-wrong")
        assert body["attempts_left"] == left
    with pytest.raises(Problem) as caught:
        await phone.post(path, {"code": code})
    assert caught.value.code in {"code-wrong", "code-expired", "exhausted"}


async def test_fields_that_cannot_be_right_are_named_one_by_one(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone, path = await at_document(sqlite_stack, http)
    citizen = person("sophea")
    card = (SPECIMENS / citizen["card"]).read_bytes()
    view = await phone.picture(f"{path}/document", card)
    good = details_of(view["document"], citizen)
    for name, value in (
        ("surname_khmer", "Sok"),
        ("given_name_khmer", ""),
        ("issue_date", "2999-01-01"),
        ("issue_date", "yesterday"),
        ("number", "999999999"),
        ("birth_date", "1990-01-01"),
    ):
        work = phone.post(f"{path}/details", {**good, name: value})
        body = await refused(work, "fields-invalid")
        assert name in {field["name"] for field in body["fields"]}, body
    khmer = {**good, "issue_date": _khmer(good["issue_date"])}
    view = await answered(phone, await phone.post(f"{path}/details", khmer))
    assert view["state"] == "face"


def _khmer(text: str) -> str:
    return "".join(chr(0x17E0 + int(c)) if c.isdigit() else c for c in text)


async def test_faces_that_prove_nothing_are_refused_with_advice(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone, path = await at_document(sqlite_stack, http)
    citizen = person("sophea")
    card = (SPECIMENS / citizen["card"]).read_bytes()
    view = await phone.picture(f"{path}/document", card)
    await answered(
        phone,
        await phone.post(f"{path}/details", details_of(view["document"], citizen)),
    )
    with pytest.raises(Problem) as caught:
        await phone.clip(path, film_of_nobody)
    assert caught.value.code == "evidence-insufficient"
    assert "no-face" in caught.value.body["advice"]
    await refused(phone.picture(f"{path}/face", card), "malformed")
    view = await phone.clip(path, film)
    assert view["state"] == "device"


async def film_of_nobody(told: dict[str, Any]) -> bytes:
    """Film a grey wall for as long as the steps take."""
    clip = await asyncio.to_thread(shoot, told)
    await asyncio.sleep(clip.lasts_ms / 1000)
    wall = picture("grey", (480, 640))
    frames = tuple(replace(frame, picture=wall) for frame in clip.frames)
    return write_clip(replace(clip, frames=frames))


async def test_another_device_cannot_touch_a_registration(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    _, path = await at_document(sqlite_stack, http)
    thief = new_phone(sqlite_stack, http)
    card = (SPECIMENS / "sophea-card.jpg").read_bytes()
    await refused(thief.picture(f"{path}/document", card), "not-found")
    await refused(thief.call("GET", "/registrations/current"), "not-found")


async def test_a_step_out_of_order_is_refused(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    phone, path = await at_document(sqlite_stack, http)
    await refused(phone.post(f"{path}/liveness"), "wrong-step")
    await refused(phone.bind(path.rsplit("/", 1)[1]), "wrong-step")


async def test_a_redirect_uri_that_is_not_registered_is_never_followed(
    sqlite_stack: Stack, http: httpx2.AsyncClient
) -> None:
    demo = sqlite_stack.demo
    good = f"{demo.portal}/callback"
    for bad in (
        good + "/",
        good + "#x",
        good.replace("localhost", "evil.localhost"),
        good.replace("//", "//x@"),
        "",
    ):
        answer = await http.get(
            f"{demo.issuer}/authorize",
            params={
                "client_id": "online-business-registration",
                "redirect_uri": bad,
                "response_type": "code",
                "scope": "openid",
                "code_challenge": "c" * 43,
                "code_challenge_method": "S256",
            },
        )
        assert answer.status_code == 400
        assert "location" not in answer.headers
