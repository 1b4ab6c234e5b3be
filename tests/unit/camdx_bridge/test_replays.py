"""Somebody between us and the register who kept its answers and gives them again."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from camdx_bridge import (
    BridgeClient,
    HttpTransport,
    NationalIdClient,
    PlainHttp,
    Request,
    Response,
)
from camdx_bridge.simulator import (
    CLIENT,
    IDENTITY,
    SERVICE,
    Simulator,
    load_registry,
    running,
)
from camdx_bridge.transport import Transport
from mobile_api.national_register import BridgeRegister
from mobile_api.services import RegisterAnswer, RegisterAway
from tests.unit.camdx_bridge.bridge_world import no_pause
from tests.unit.idp.domain.registration_world import DETAILS


@dataclass
class Tape:
    """Keeps the first answer; once it replays, it gives nothing else.

    `forges_ids` puts the identifiers of the new question on the old answer, as far as
    somebody can who does not know what is asked.
    """

    wire: Transport
    kept: list[Response] = field(default_factory=list)
    replays: bool = False
    forges_ids: bool = False

    async def send(self, request: Request) -> Response:
        if not self.replays:
            self.kept.append(await self.wire.send(request))
            return self.kept[-1]
        old = self.kept[0]
        if not self.forges_ids:
            return old
        ours = tuple(
            (name, request.message_id if name.lower() == "x-road-id" else value)
            for name, value in old.headers
        )
        return replace(old, headers=ours)


async def asked_again(
    *, forges_ids: bool, **changes: str
) -> tuple[RegisterAnswer, RegisterAnswer]:
    """Ask of Sreypov, then ask again with `changes` and get the tape's answer."""
    simulator = Simulator(registry=load_registry(), identity=IDENTITY, clients=[CLIENT])
    async with (
        running(simulator) as address,
        HttpTransport(address, PlainHttp(), timeout_s=5.0) as wire,
    ):
        tape = Tape(wire, forges_ids=forges_ids)
        client = BridgeClient(transport=tape, client=CLIENT, sleep=no_pause)
        register = BridgeRegister(
            NationalIdClient(client, SERVICE, clock=lambda: 1_700_000_000.0)
        )
        first = await register.verify(DETAILS)
        tape.replays = True
        return first, await register.verify({**DETAILS, **changes})


@pytest.mark.parametrize("changes", [{}, {"surname_latin": "KEO"}])
@pytest.mark.parametrize("forges_ids", [False, True])
def test_an_answer_that_was_given_before_is_not_taken_again(
    *, forges_ids: bool, changes: dict[str, str]
) -> None:
    """Not even for the same person: each question wants an answer of its own."""
    with pytest.raises(RegisterAway):
        asyncio.run(asked_again(forges_ids=forges_ids, **changes))
