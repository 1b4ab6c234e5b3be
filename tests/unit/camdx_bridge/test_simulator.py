"""The simulator: a process of its own, of this machine only, and loud about it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from camdx_bridge import (
    BridgeClient,
    HttpTransport,
    NationalIdClient,
    PlainHttp,
    Verification,
)
from camdx_bridge.national_id import WIRE_NAMES
from camdx_bridge.simulator import (
    CLIENT,
    SERVICE,
    Citizen,
    NotLoopback,
    RegistryInvalid,
    create_simulator,
    listen,
    load_registry,
)
from camdx_bridge.simulator.server import LARGEST_QUESTION
from tests.specimens import persons
from tests.unit.camdx_bridge.bridge_world import SREYPOV, World, in_world

ROOT = Path(__file__).parents[3]
NEWCOMER = {
    "number": "110000001",
    "surname_khmer": "នូ",
    "given_name_khmer": "ច័ន្ទ",
    "surname_latin": "NOU",
    "given_name_latin": "CHAN",
    "sex": "M",
    "birth_date": "2000-02-29",
    "issue_date": "2024-01-01",
    "expiry_date": "2034-01-01",
}


async def post(world: World, path: str, **options: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=world.address) as http:
        return await http.post(path, **options)


def nine(citizen: Citizen) -> dict[str, Any]:
    assert citizen.face_score is None, "no specimen has a face on record"
    return {n: value for n, value in asdict(citizen).items() if n != "face_score"}


@pytest.mark.parametrize(
    "person",
    [persons.SREYPOV, persons.SOVANN, persons.BOPHA, persons.DARA, persons.SOPHEA],
    ids=lambda person: person.given_name_latin,
)
def test_the_register_holds_the_specimen_persons(person: persons.Person) -> None:
    assert nine(load_registry()[person.number]) == person.register_entry()


def test_the_register_agrees_with_the_specimen_cards() -> None:
    shown = json.loads((ROOT / "camdigikey/specimens/persons.json").read_bytes())
    assert shown
    for person in shown:
        known = nine(load_registry()[person["number"]])
        assert known == {name: person[name] for name in known}


def test_the_register_holds_old_and_young_men_and_women_and_an_expired_card() -> None:
    people = list(load_registry().values())
    assert {one.sex for one in people} == {"F", "M"}
    assert min(one.birth_date for one in people) < "1960"
    assert max(one.birth_date for one in people) > "2010"
    assert min(one.expiry_date for one in people).startswith("2019")


@in_world()
async def test_a_citizen_can_be_added(world: World) -> None:
    given = {**NEWCOMER}
    for name in ("birth_date", "issue_date", "expiry_date"):
        given[name] = date.fromisoformat(NEWCOMER[name])  # type: ignore[assignment]
    assert (await world.verify(**given)).score == 0
    added = await post(world, "/control/citizens", json=NEWCOMER)
    assert added.status_code == 201
    assert (await world.verify(**given)).score == 1


@in_world()
async def test_an_entry_that_is_none_is_not_added(world: World) -> None:
    for entry in (
        [],
        {},
        {**NEWCOMER, "sex": "X"},
        {**NEWCOMER, "number": "1"},
        {**NEWCOMER, "birth_date": "1999-02-29"},
        {**NEWCOMER, "birth_date": "19990228"},
        {**NEWCOMER, "surname_khmer": " "},
        {**NEWCOMER, "extra": ""},
    ):
        refused = await post(world, "/control/citizens", json=entry)
        assert refused.status_code == 400


@in_world()
async def test_control_takes_json_from_this_machine_only(world: World) -> None:
    fault = {"kind": "reset"}
    strange = {"Host": "rebound.example.kh"}
    path = "/control/fault"
    assert (await post(world, path, json=fault, headers=strange)).status_code == 403
    assert (await post(world, path, data=fault)).status_code == 415
    assert (await post(world, "/control/else", json=fault)).status_code == 404
    for wrong in (
        [],
        {"kind": "earthquake"},
        {"kind": ["reset"]},
        {"kind": "reset", "count": -1},
        {"kind": "reset", "count": True},
    ):
        assert (await post(world, path, json=wrong)).status_code == 400
    large = b'"' + b"a" * 70_000 + b'"'
    json_kind = {"Content-Type": "application/json"}
    answer = await post(world, path, content=large, headers=json_kind)
    assert answer.status_code == 400
    assert (await world.verify()).score == 1


@in_world()
async def test_none_ends_a_fault(world: World) -> None:
    await world.play("server-fault", 9)
    await world.play("none")
    assert (await world.verify()).score == 1


@in_world()
async def test_the_counters_count_and_name_nobody(world: World) -> None:
    await world.verify()
    counts = await world.counts()
    assert (counts["received"], counts["answered"], counts["refused"]) == (1, 1, 0)
    assert all(type(count) is int for count in counts.values())


@in_world()
async def test_a_question_that_is_none_is_refused_as_a_service_would(
    world: World,
) -> None:
    async def ask(**options: Any) -> httpx2.Response:
        headers = {"X-Road-Client": str(CLIENT), "X-Road-Id": "1"}
        return await post(world, f"/r1/{SERVICE}/info", headers=headers, **options)

    full = dict.fromkeys(WIRE_NAMES.values(), "x")
    for body in ([], {}, {**full, "dob": 1}, {**full, "extra": "x"}):
        assert (await ask(json=body)).json()["error"] == 400
    assert (await ask(content=b"{")).json()["error"] == 400
    assert (
        (await ask(content=b"x" * (LARGEST_QUESTION + 1)))
        .headers["X-Road-Error"]
        .startswith("Client.")
    )
    wrong = await post(world, "/r2/A/B/C/D/E/info")
    assert (wrong.status_code, wrong.headers["X-Simulator"]) == (400, "not CamDX")


def test_a_simulator_can_be_asked_in_process() -> None:
    async def scene() -> None:
        transport = httpx2.ASGITransport(app=create_simulator())
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://localhost"
        ) as http:
            assert (await http.get("/control/messages")).json()["received"] == 0
            await http.post("/control/fault", json={"kind": "reset"})
            with pytest.raises(ConnectionResetError):
                await http.post(f"/r1/{SERVICE}/info")

    asyncio.run(scene())


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "example.kh", "::"])
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(NotLoopback):
        listen(host, 0)


@pytest.mark.parametrize(
    "content", ["{", "{}", "[1]", json.dumps([NEWCOMER, NEWCOMER])]
)
def test_a_file_that_is_no_register_is_told(content: str, tmp_path: Path) -> None:
    path = tmp_path / "citizens.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RegistryInvalid, match=r"citizens\.json"):
        load_registry(path)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "camdx_bridge.simulator", *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def test_it_runs_as_a_process_and_says_what_it_is(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    process = start("--port", "0", "--port-file", str(port_file))
    try:
        assert process.stdout is not None
        assert "listening on http://127.0.0.1:" in process.stdout.readline()
        while not port_file.exists() or not port_file.read_text():
            time.sleep(0.01)
        found = asyncio.run(ask(f"http://127.0.0.1:{port_file.read_text().strip()}"))
        assert found.score == 1
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert "SIMULATOR: this is not CamDX" in said


async def ask(address: str) -> Verification:
    async with HttpTransport(address, PlainHttp()) as transport:
        client = BridgeClient(transport=transport, client=CLIENT)
        return await NationalIdClient(client, SERVICE).verify(**SREYPOV)


def test_the_process_does_not_start_off_loopback() -> None:
    process = start("--host", "0.0.0.0", "--port", "0")
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "NotLoopback" in said) == (2, True)
