import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from idp.domain.one_time_codes import MOST_SENDS, IssuedCode, OneTimeCodes, code_at
from idp.errors import CodeExpired, CodeWrong, Exhausted
from tests.unit.idp.domain.registration_world import World, open_world

OWNER = "registration"
Walk = Callable[[World, OneTimeCodes], Awaitable[None]]


def run(path: Path, walk: Walk) -> None:
    async def whole() -> None:
        world = open_world(path / "db")
        await walk(world, world.registrations.codes)
        await world.store.close()

    asyncio.run(whole())


async def issue(world: World, codes: OneTimeCodes) -> IssuedCode:
    async with world.store.begin() as tx:
        return await codes.issue(tx, OWNER)


async def check(world: World, codes: OneTimeCodes, typed: str) -> None:
    async with world.store.begin() as tx:
        await codes.check(tx, OWNER, typed)


def wrong(code: str) -> str:
    return str((int(code) + 1) % 1_000_000).zfill(6)


def test_the_right_code_is_right_once(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        issued = await issue(world, codes)
        assert len(issued.code) == 6
        await check(world, codes, issued.code)
        with pytest.raises(CodeExpired):
            await check(world, codes, issued.code)

    run(tmp_path, walk)


def test_khmer_digits_are_the_same_code(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        code = (await issue(world, codes)).code
        khmer = code.translate({48 + i: chr(0x17E0 + i) for i in range(10)})
        await check(world, codes, f" {khmer} ")

    run(tmp_path, walk)


def test_the_right_code_does_not_help_after_five_wrong_ones(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        code = (await issue(world, codes)).code
        for left in (4, 3, 2, 1, 0):
            with pytest.raises(CodeWrong) as refused:
                await check(world, codes, wrong(code))
            assert refused.value.attempts_left == left
        with pytest.raises(CodeExpired):
            await check(world, codes, code)

    run(tmp_path, walk)


def test_a_code_is_over_after_five_minutes(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        code = (await issue(world, codes)).code
        world.clock.pass_time(minutes=5)
        with pytest.raises(CodeExpired):
            await check(world, codes, code)

    run(tmp_path, walk)


def test_a_new_code_ends_the_one_before(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        first = await issue(world, codes)
        with pytest.raises(CodeWrong):
            await check(world, codes, wrong(first.code))
        world.clock.pass_time(seconds=30)
        second = await issue(world, codes)
        assert second.code != first.code
        with pytest.raises(CodeWrong) as refused:
            await check(world, codes, first.code)
        assert refused.value.attempts_left == 4
        await check(world, codes, second.code)

    run(tmp_path, walk)


def test_codes_are_sent_again_after_30_60_and_120_seconds(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        await issue(world, codes)
        for wait in (30, 60, 120, 120):
            world.clock.pass_time(seconds=wait - 1)
            with pytest.raises(Exhausted) as refused:
                await issue(world, codes)
            assert refused.value.retry_after == 1
            world.clock.pass_time(seconds=1)
            await issue(world, codes)

    run(tmp_path, walk)


def test_one_registration_gets_ten_codes_at_most(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        for _ in range(MOST_SENDS):
            await issue(world, codes)
            world.clock.pass_time(minutes=3)
        with pytest.raises(Exhausted) as refused:
            await issue(world, codes)
        assert refused.value.retry_after == 0

    run(tmp_path, walk)


def test_the_status_says_what_the_app_shows(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        async with world.store.read() as tx:
            assert await codes.status(tx, OWNER) is None
        issued = await issue(world, codes)
        async with world.store.read() as tx:
            status = await codes.status(tx, OWNER)
        assert status is not None
        assert status.attempts_left == 5
        assert status.expires_at == issued.expires_at
        now = world.clock.now()
        assert issued.resend_at == (now + timedelta(seconds=30)).timestamp() * 1000

    run(tmp_path, walk)


def test_of_many_at_once_only_one_right_answer_counts(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        code = (await issue(world, codes)).code
        answers = [check(world, codes, code) for _ in range(4)]
        results = await asyncio.gather(*answers, return_exceptions=True)
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, CodeExpired) for result in results) == 3

    run(tmp_path, walk)


def test_the_secret_does_not_stand_in_the_file(tmp_path: Path) -> None:
    async def walk(world: World, codes: OneTimeCodes) -> None:
        await issue(world, codes)
        async with world.store.read() as tx:
            row = await tx.one("SELECT secret FROM one_time_code")
        assert row is not None
        assert isinstance(row[0], bytes)
        context = f"one_time_code.secret:{OWNER}"
        secret = world.sealer.open(row[0], context=context)
        assert secret not in row[0]

    run(tmp_path, walk)


def test_codes_are_hotp_values() -> None:
    # RFC 4226, appendix D: the secret is the ASCII text 12345678901234567890.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    expected = ["755224", "287082", "359152", "969429", "338314"]
    assert [code_at(secret, n, digits=6) for n in range(5)] == expected
    assert pyotp.HOTP(secret).verify("755224", 0)
