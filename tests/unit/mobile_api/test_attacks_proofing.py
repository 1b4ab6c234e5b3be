"""Thieves and insiders at the door of proofing: real store, keys and judgement."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from idp.domain.evidence import EvidenceKind
from idp.domain.liveness_sessions import Script
from idp.domain.operators import Role
from mobile_api.authentication import set_unlocked
from mobile_api.clips import read_clip, write_clip
from mobile_api.engines import Workers
from mobile_api.engines.development import development_picture
from mobile_api.images import Advice
from mobile_api.interfaces import (
    DocumentReading,
    Engine,
    LivenessReading,
    MrzReading,
)
from mobile_api.mrz import parse_mrz
from tests.unit.idp.domain.registration_world import DETAILS
from tests.unit.mobile_api.mobile_world import (
    DARA,
    MRZ,
    SREYPOV,
    Phone,
    World,
    clip_of,
    open_workers,
    open_world,
)
from tests.unit.mobile_api.test_registration_judged import (
    FOREIGN,
    PASSPORT,
    card,
    recovering,
)

pytestmark = pytest.mark.anyio
VICTIM = {**DETAILS, "number": "098765432", "given_name_latin": "MEALEA"}


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    opened = open_workers()
    yield opened
    opened.close()


async def agent_of(world: World) -> Phone:
    """Return the unlocked phone of an agent."""
    agent = world.phone()
    await agent.reach("done")
    async with world.services.store.begin() as tx:
        device = await world.services.devices.find(tx, agent.device_id)
        await world.services.operators.grant(
            tx, device.account_id, Role.AGENT, by="test"
        )
    await set_unlocked(world.services, device)
    return agent


async def helped(phone: Phone, agent: Phone) -> str:
    """Let the agent help with the phone's journey; return its path."""
    code = (await phone.step("assistance")).json()["code"]
    answer = await agent.post("/assistance", {"code": code})
    assert answer.status_code == 200, answer.text
    return f"/assistance/{phone.id}"


async def test_what_an_agent_typed_is_accepted_by_no_machine(
    tmp_path: Path, workers: Workers
) -> None:
    """His accomplice shows his own card and face; the agent types a victim's name."""
    async with open_world(tmp_path, workers) as world:
        agent = await agent_of(world)
        accomplice = world.phone()
        await accomplice.start("096 111 2233")
        await accomplice.prove_phone()
        own = development_picture(mrz=MRZ, faces=(DARA,))
        assert (await accomplice.show_card(own)).json()["state"] == "details"
        path = await helped(accomplice, agent)
        typed = {**VICTIM, "kind": "id_card", "issuer": "KHM"}
        assert (await agent.post(f"{path}/details", typed)).status_code == 204
        answer = await accomplice.show_face(DARA)
        assert answer.json().get("state") != "device", answer.json()
        async with world.services.store.read() as tx:
            pictures = await world.services.evidence.pictures(
                tx, accomplice.id, EvidenceKind.PORTRAIT, most=1
            )
        assert pictures == [], "the portrait of another document proves nothing here"


async def test_a_reviewer_hears_what_the_kept_faces_say_of_an_agents_picture(
    tmp_path: Path, workers: Workers
) -> None:
    """The agent's own face, which has an account, under a victim's name."""
    async with open_world(tmp_path, workers) as world:
        agent = await agent_of(world)
        accomplice = world.phone()
        await accomplice.start("096 111 2233")
        await accomplice.prove_phone()
        path = await helped(accomplice, agent)
        typed = {**VICTIM, "kind": "id_card", "issuer": "KHM"}
        await agent.post(f"{path}/details", typed)
        picture = development_picture(faces=(SREYPOV,))
        assert (await agent.upload(f"{path}/face", picture)).status_code == 204
        async with world.services.store.read() as tx:
            row = await tx.one("SELECT reasons FROM review")
        assert row == ('["assisted", "face-known"]',)


async def test_a_child_is_refused_at_an_agents_too(
    tmp_path: Path, workers: Workers
) -> None:
    async with open_world(tmp_path, workers) as world:
        agent = await agent_of(world)
        child = world.phone()
        await child.start("096 111 2233")
        await child.prove_phone()
        path = await helped(child, agent)
        typed = {**VICTIM, "birth_date": "2015-01-01", "kind": "id_card"}
        await agent.post(f"{path}/details", {**typed, "issuer": "KHM"})
        view = (await child.get("/registrations/current")).json()
        assert (view["state"], view["advice"]) == ("refused", ["under-age"])


async def test_what_the_register_said_of_a_card_is_not_said_of_a_passport(
    tmp_path: Path, workers: Workers
) -> None:
    """The card's portrait is wiped after a day; a passport is shown in its place."""
    async with open_world(tmp_path, workers) as world:
        phone = world.phone()
        await phone.reach("face")
        world.clock.pass_time(hours=25)
        async with world.services.store.begin() as tx:
            await world.services.evidence.sweep(tx)
        assert (await phone.show_face()).json()["advice"] == ["take-again"]
        await phone.show_card(PASSPORT)
        assert (await phone.step("details", FOREIGN)).json()["state"] == "face"
        assert (await phone.show_face("anna")).json()["level"] == "low"
        done = (await phone.enrol()).json()
        async with world.services.store.read() as tx:
            account_id = done["result"]["account_id"]
            rests_on = await world.services.evidence.proofing(tx, account_id)
        assert rests_on.register is None


async def test_who_shows_no_face_does_not_hear_whether_a_document_has_an_account(
    tmp_path: Path, workers: Workers
) -> None:
    """Somebody asks for document after document, with the clip of a photograph."""
    async with open_world(tmp_path, workers) as world:
        owner = world.phone()
        await owner.reach("done")
        said = []
        for number in ("012345678", "076543210"):
            thief = world.phone()
            body = {"phone": "096 111 2233", "locale": "km"}
            world.clock.pass_time(hours=1)
            thief.id = (await thief.post("/recoveries", body)).json()["id"]
            await thief.prove_phone()
            await thief.show_card(card(number))
            assert (await thief.confirm(number=number)).json()["state"] == "face"
            for face, film in ((SREYPOV, {"flat": True}), (DARA, {})):
                answer = (await thief.show_face(face, **film)).json()
                said.append((answer["code"], answer["attempts_left"]))
                assert "no-account" not in answer["advice"]
        assert said[:2] == said[2:]


async def test_a_recovery_without_a_kept_face_goes_to_a_person(
    tmp_path: Path, workers: Workers
) -> None:
    """Of an account that an agent opened, or whose engine is another one now."""
    async with open_world(tmp_path, workers) as world:
        owner = world.phone()
        view = await owner.reach("done")
        async with world.services.store.begin() as tx:
            account_id = view["result"]["account_id"]
            await world.services.face_enrolments.forget(tx, account_id)
        thief = world.phone()
        await recovering(thief)
        assert (await thief.show_face()).json()["state"] == "review"
        async with world.services.store.read() as tx:
            row = await tx.one("SELECT reasons FROM review")
        assert row == ('["enrolment-missing"]',)


async def test_the_bytes_that_a_phone_sent_go_to_nobody_else(
    tmp_path: Path, workers: Workers
) -> None:
    """The register and a reviewer see the picture that was judged, and no other."""
    async with open_world(tmp_path, workers) as world:
        phone = world.phone()
        await phone.reach("face")
        told = (await phone.step("liveness")).json()
        world.clock.pass_time(seconds=20)
        clip = read_clip(clip_of(told, SREYPOV))
        frames = [replace(f, picture=f.picture + b"<script>") for f in clip.frames]
        sent = write_clip(replace(clip, frames=tuple(frames)))
        assert (await phone.send_clip(sent)).json()["state"] == "device"
        (face,) = [one for one in world.register.faces if one is not None]
        assert b"<script>" not in face


@dataclass
class Slow:
    """Measures, and keeps the first clip's measures back until it is told."""

    workers: Workers
    held: asyncio.Event = field(default_factory=asyncio.Event)
    measured: asyncio.Event = field(default_factory=asyncio.Event)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.workers, name)

    async def measure_clip(self, clip: bytes, script: Script) -> LivenessReading:
        reading = await self.workers.measure_clip(clip, script)
        if not self.measured.is_set():
            self.measured.set()
            await self.held.wait()
        return reading


async def test_a_clip_that_was_overtaken_leaves_nothing_behind(
    tmp_path: Path, workers: Workers
) -> None:
    """Or a reviewer would look at another face than the one that was judged."""
    async with open_world(tmp_path, workers) as world:
        phone, slow = world.phone(), Slow(workers)
        await phone.reach("face")
        world.mobile = replace(world.mobile, workers=slow)
        world.use(world.services)
        told = (await phone.step("liveness")).json()
        world.clock.pass_time(seconds=20)
        first = asyncio.create_task(phone.send_clip(clip_of(told, SREYPOV)))
        await slow.measured.wait()
        assert (await phone.show_face()).json()["state"] == "device"
        slow.held.set()
        assert (await first).json()["code"] == "wrong-step"
        async with world.services.store.read() as tx:
            kept = await world.services.evidence.of_registration(tx, phone.id)
        assert [one.kind for one in kept].count("liveness") == 1


@dataclass
class Reads:
    """Says of pictures of documents what a test says; does all else."""

    workers: Workers
    readings: list[DocumentReading]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.workers, name)

    async def read_document(self, picture: bytes, *, today: date) -> DocumentReading:
        del picture, today
        return self.readings.pop(0)


async def test_one_cards_zone_does_not_go_with_another_cards_portrait(
    tmp_path: Path, workers: Workers
) -> None:
    """First a victim's card with its portrait covered, then the thief's, worn."""
    async with open_world(tmp_path, workers) as world:
        phone, engine = world.phone(), Engine(name="test", version="1")
        mrz = parse_mrz(MRZ, today=world.clock.now().date())
        victim = MrzReading(engine=engine, mrz=mrz)
        lines = (*(line[::-1] for line in MRZ),)
        worn = MrzReading(engine=engine, lines=lines, advice=(Advice.BLURRED,))
        thief = development_picture(mrz=(), faces=(DARA,))
        readings = [
            DocumentReading(zone=victim),
            DocumentReading(zone=worn, faces=(200,), portrait=thief),
        ]
        world.mobile = replace(world.mobile, workers=Reads(workers, readings))
        world.use(world.services)
        await phone.start()
        await phone.prove_phone()
        assert (await phone.show_card()).json()["advice"] == ["no-portrait"]
        answer = await phone.show_card()
        assert answer.json().get("advice") == ["blurred"], answer.json()
