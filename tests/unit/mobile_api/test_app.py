import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mobile_api.app import ROUTES
from mobile_api.clips import CLIP_TYPE
from mobile_api.engines import Workers
from mobile_api.middleware import CONTENT_SECURITY_POLICY
from tests.unit.mobile_api.mobile_world import Phone, World, open_world

Walk = Callable[[World, Phone], Awaitable[None]]
FOLDER = Path(__file__).parents[3] / "mobile_api" / "citizen_app"
PUBLIC = {"/nonce", "/configuration", "/health"}


def run(folder: Path, walk: Walk) -> None:
    async def whole() -> None:
        async with open_world(folder, Workers()) as world:
            await walk(world, world.phone())

    asyncio.run(whole())


@pytest.mark.parametrize("path", ["/", "/q/challenge.1.code", "/s/challenge.secret"])
def test_the_app_is_one_page(tmp_path: Path, path: str) -> None:
    async def walk(world: World, _: Phone) -> None:
        page = await world.http.get(path)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.content == (FOLDER / "index.html").read_bytes()
        assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert "unsafe-inline" not in CONTENT_SECURITY_POLICY
        assert page.headers["cache-control"] == "no-cache"
        assert "camera=(self)" in page.headers["permissions-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"

    run(tmp_path, walk)


def test_files_are_compressed_and_not_sent_twice(tmp_path: Path) -> None:
    async def walk(world: World, _: Phone) -> None:
        script = await world.http.get("/app.js")
        assert script.headers["content-encoding"] == "gzip"
        assert script.content == (FOLDER / "app.js").read_bytes()
        plain = await world.http.get("/app.js", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        etag = {"If-None-Match": script.headers["etag"]}
        again = await world.http.get("/app.js", headers=etag)
        assert (again.status_code, again.content) == (304, b"")
        assert (await world.http.get("/sw.js")).headers["cache-control"] == "no-cache"
        font = await world.http.get("/vendor/kantumruy-pro-khmer-400.woff2")
        assert font.headers["cache-control"] == "public, max-age=86400"
        wasm = await world.http.get("/vendor/zxing_reader.wasm")
        assert wasm.headers["content-type"] == "application/wasm"

    run(tmp_path, walk)


@pytest.mark.parametrize(
    "path", ["/none.js", "/../settings.py", "/%2e%2e/settings.py", "/vendor", "/q/a/b"]
)
def test_what_is_no_file_of_the_app_is_not_found(tmp_path: Path, path: str) -> None:
    async def walk(world: World, _: Phone) -> None:
        answer = await world.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    run(tmp_path, walk)


def test_the_configuration_says_where_the_app_belongs(tmp_path: Path) -> None:
    async def walk(world: World, _: Phone) -> None:
        answer = await world.http.get("/configuration")
        assert answer.json() == {
            "issuer": "http://localhost:8000",
            "app": "http://localhost:8001",
            "rp_id": "localhost",
        }
        health = (await world.http.get("/health")).json()
        assert health == {"status": "ok", "disabled": []}

    run(tmp_path, walk)


def test_every_call_of_the_api_needs_a_proof(tmp_path: Path) -> None:
    async def walk(world: World, _: Phone) -> None:
        for route in ROUTES:
            if route.path in PUBLIC:
                continue
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            kinds = {"document": "image/png", "face": CLIP_TYPE}
            last = route.path.rpartition("/")[2]
            kind = kinds.get(last, "application/json")
            if route.path.startswith("/assistance/") and last == "face":
                kind = "image/jpeg"
            answer = await world.http.request(
                method, route.path.format(id="x"), headers={"Content-Type": kind}
            )
            assert answer.status_code == 401, route.path
            assert answer.json()["code"] == "proof-invalid"
            assert answer.headers["proof-nonce"]

    run(tmp_path, walk)


def test_every_answer_carries_a_fresh_nonce_and_is_not_kept(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        answer = await phone.get("/registrations/current")
        assert answer.status_code == 404
        assert answer.headers["cache-control"] == "no-store"
        proofs = world.services.request_proofs
        await proofs.check_nonce(answer.headers["proof-nonce"])

    run(tmp_path, walk)


def test_an_old_nonce_is_answered_with_a_new_one(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        old = await phone.proof("GET", "/registrations/current", b"")
        world.clock.pass_time(minutes=6)
        answer = await world.http.get(
            "/registrations/current", headers={"Device-Proof": old}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "proof-nonce")
        await world.services.request_proofs.check_nonce(answer.headers["proof-nonce"])

    run(tmp_path, walk)


def test_fifty_megabytes_are_refused_while_they_arrive(tmp_path: Path) -> None:
    sent = 0

    async def picture() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1
            yield bytes(1024 * 1024)

    async def walk(world: World, _: Phone) -> None:
        headers = {"Content-Type": "image/jpeg"}
        path = "/registrations/x/document"
        tracemalloc.start()
        answer = await world.http.post(path, content=picture(), headers=headers)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
        assert most < 150 * 1024 * 1024
        announced = {**headers, "Content-Length": str(50 * 1024 * 1024)}
        early = await world.http.post(path, content=b"x", headers=announced)
        assert early.status_code == 413

    run(tmp_path, walk)


def test_a_json_body_is_sixteen_kibibytes_at_most(tmp_path: Path) -> None:
    async def walk(_: World, phone: Phone) -> None:
        body = b'{"phone":"' + b"1" * 16_384 + b'"}'
        answer = await phone.send("POST", "/registrations", body, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    run(tmp_path, walk)


@pytest.mark.parametrize("media", ["", "text/plain", "multipart/form-data"])
def test_another_content_type_is_refused(tmp_path: Path, media: str) -> None:
    async def walk(_: World, phone: Phone) -> None:
        answer = await phone.send("POST", "/registrations", b'{"phone":"1"}', media)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")

    run(tmp_path, walk)


def test_unknown_fields_are_refused(tmp_path: Path) -> None:
    async def walk(_: World, phone: Phone) -> None:
        answer = await phone.post("/registrations", {"phone": "012345678", "x": 1})
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")

    run(tmp_path, walk)


def test_a_failure_of_ours_says_nothing_in_the_persons_language(tmp_path: Path) -> None:
    async def walk(world: World, phone: Phone) -> None:
        phone.locale = "km"
        async with world.services.store.begin() as tx:
            await tx.run("DROP TABLE registration")
        answer = await phone.get("/registrations/current")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert answer.headers["content-language"] == "km"
        assert "registration" not in answer.text
        assert answer.headers["content-security-policy"]

    run(tmp_path, walk)


def test_another_method_is_refused(tmp_path: Path) -> None:
    async def walk(world: World, _: Phone) -> None:
        answer = await world.http.get("/registrations")
        assert answer.status_code in {404, 405}
        assert answer.json()["code"] in {"not-found", "malformed"}

    run(tmp_path, walk)


def test_compression_loses_nothing() -> None:
    from mobile_api.citizen_files import load_citizen_files  # noqa: PLC0415

    for name, found in load_citizen_files(FOLDER).files.items():
        if found.compressed is not None:
            assert gzip.decompress(found.compressed) == found.plain, name
