"""The puzzle before the first text message: bound, single use, dearer with load."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.proof_of_work import (
    LEAST,
    MOST,
    ProofOfWork,
    Work,
    difficulty_of,
    is_solved,
    solve,
    zero_bits,
)
from idp.errors import WorkRequired
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral

pytestmark = pytest.mark.anyio
HERE, DEVICE = "0a0102", "a-device"


@dataclass
class Clock:
    at: datetime = datetime(2026, 1, 5, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def demanding(free: int = 0, free_for_all: int = 1000) -> ProofOfWork:
    sealer = Sealer([MasterKey.of(bytes(range(32)))])
    return ProofOfWork(Clock(), sealer, MemoryEphemeral(), free, free_for_all)


async def asked(
    puzzle: ProofOfWork, work: Work | None = None, *, network: str = HERE
) -> WorkRequired:
    with pytest.raises(WorkRequired) as refusal:
        await puzzle.demand(network=network, device_id=DEVICE, work=work)
    return refusal.value


async def solved(puzzle: ProofOfWork) -> Work:
    told = await asked(puzzle)
    return Work(told.challenge, solve(told.challenge, told.difficulty))


async def test_the_first_pass_freely_and_the_next_one_works() -> None:
    puzzle = demanding(free=2)
    for _ in range(2):
        await puzzle.demand(network=HERE, device_id=DEVICE, work=None)
    told = await asked(puzzle)
    assert told.difficulty == LEAST
    await puzzle.demand(network="0a0103", device_id=DEVICE, work=None)


async def test_solved_work_passes_once() -> None:
    puzzle = demanding()
    work = await solved(puzzle)
    await puzzle.demand(network=HERE, device_id=DEVICE, work=work)
    await asked(puzzle, work)


async def test_work_is_good_in_its_own_network_and_for_its_own_phone_only() -> None:
    puzzle = demanding()
    work = await solved(puzzle)
    await asked(puzzle, work, network="0a0103")
    with pytest.raises(WorkRequired):
        await puzzle.demand(network=HERE, device_id="another", work=work)
    await puzzle.demand(network=HERE, device_id=DEVICE, work=work)


async def test_work_is_good_for_two_minutes() -> None:
    puzzle = demanding()
    work = await solved(puzzle)
    assert isinstance(puzzle.clock, Clock)
    puzzle.clock.at += timedelta(minutes=2)
    await asked(puzzle, work)


async def test_a_challenge_of_ones_own_making_or_an_unsolved_one_is_refused() -> None:
    puzzle = demanding()
    told = await asked(puzzle)
    unsolved = next(n for n in range(99) if not is_solved(Work(told.challenge, n), 14))
    await asked(puzzle, Work(told.challenge, unsolved))
    other = ProofOfWork(
        puzzle.clock, Sealer([MasterKey.of(bytes(32))]), MemoryEphemeral(), 0, 0
    )
    forged = other.challenge(HERE, DEVICE, difficulty=0)
    await asked(puzzle, Work(forged, 0))
    for text in ("", "!", "A" * 64, "A" * 5000, forged[:-1], forged + "A"):
        await asked(puzzle, Work(text, 0))


async def test_what_is_solved_here_or_anywhere_makes_the_next_one_dearer() -> None:
    puzzle = demanding(free=1, free_for_all=1_000_000)
    await puzzle.demand(network=HERE, device_id=DEVICE, work=None)
    work = await solved(puzzle)
    await puzzle.demand(network=HERE, device_id=DEVICE, work=work)
    assert (await asked(puzzle)).difficulty == LEAST + 1
    for _ in range(50):
        await asked(puzzle)
    assert (await asked(puzzle)).difficulty == LEAST + 1, "asking alone costs nobody"
    everywhere = demanding(free=1_000_000, free_for_all=1)
    await everywhere.demand(network=HERE, device_id=DEVICE, work=None)
    work = await solved(everywhere)
    await everywhere.demand(network=HERE, device_id=DEVICE, work=work)
    assert (await asked(everywhere, network="0a0103")).difficulty == LEAST + 1


@given(st.binary(min_size=32, max_size=32))
def test_zero_bits_are_those_of_the_binary_text(digest: bytes) -> None:
    text = "".join(f"{octet:08b}" for octet in digest)
    assert zero_bits(digest) == len(text) - len(text.lstrip("0"))


@given(st.integers(0, 10**9), st.integers(0, 10**6))
def test_difficulty_rises_within_its_bounds(done: int, free: int) -> None:
    now, more = difficulty_of(done, free=free), difficulty_of(done * 2 + 1, free=free)
    assert LEAST <= now <= more <= MOST


def test_what_solves_a_challenge_is_what_the_document_says() -> None:
    counter = solve("specimen", 12)
    digest = sha256(b"specimen." + str(counter).encode()).hexdigest()
    assert digest.startswith("000")
