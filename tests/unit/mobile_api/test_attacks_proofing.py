"""Thieves and insiders at the door of proofing: real store, keys and judgement."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.domain.evidence import EvidenceKind
from idp.domain.operators import Role
from mobile_api.authentication import set_unlocked
from mobile_api.engines import Workers
from mobile_api.engines.development import development_picture
from tests.unit.idp.domain.registration_world import DETAILS
from tests.unit.mobile_api.mobile_world import (
    DARA,
    MRZ,
    Phone,
    World,
    open_workers,
    open_world,
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
