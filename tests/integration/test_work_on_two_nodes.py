"""The puzzle before the first code, where two nodes share their short-lived records."""

import pytest

from idp.domain.proof_of_work import Work, solve
from idp.errors import WorkRequired
from tests.world import World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.redis]
HERE, DEVICE = "0a0102", "a-device"


async def asked(node: World, work: Work | None = None) -> WorkRequired:
    with pytest.raises(WorkRequired) as refusal:
        await node.services.proof_of_work.demand(
            network=HERE, device_id=DEVICE, work=work
        )
    return refusal.value


async def test_work_is_accepted_on_one_of_two_nodes_and_counts_on_both(
    sqlite_url: str, redis_url: str
) -> None:
    async with (
        open_world(sqlite_url, redis=redis_url, work_free_an_hour=1) as one,
        open_world(sqlite_url, redis=redis_url, work_free_an_hour=1) as two,
    ):
        await one.services.proof_of_work.demand(
            network=HERE, device_id=DEVICE, work=None
        )
        told = await asked(two)
        work = Work(told.challenge, solve(told.challenge, told.difficulty))
        await one.services.proof_of_work.demand(
            network=HERE, device_id=DEVICE, work=work
        )
        again = await asked(two, work)
        assert again.difficulty == told.difficulty + 1
