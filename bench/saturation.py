"""What a login feels of proofing: its latency with the pool idle, and with it full.

    python -m bench.saturation [--logins 200]

The product runs as `make demo` does (one server process, two image workers, SQLite
with `synchronous=FULL`). Twelve phones send the dearest picture, one that cannot be
read, again and again: two are worked on, eight wait, the others are told to come back.
Logins follow each other; the time is from the approval on the phone to the tokens at
the portal. It is a figure of the whole machine: it wants a quiet one.
"""

import argparse
import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

import httpx2

from bench.citizens import OpenDemo, Queue, served
from bench.rates import log_in, portal, seeded_phone
from camdigikey.demo.run import SPECIMENS
from camdigikey.phone import Phone, Problem
from sdk_web import CamDigiKeyClient

SENDERS = 12
PHONES = 8
WARM = 10


@dataclass(slots=True)
class Load:
    """What the senders saw."""

    pictures: int = 0
    turned_away: int = 0


async def at_document(phone: Phone, number: str, queue: Queue) -> str:
    """Register up to the proved number; return the path."""
    async with queue.turn:
        seen = len(queue.demo.outbox())
        view = await phone.start(number)
        path = f"/registrations/{view['id']}"
        await phone.post(f"{path}/phone-code", {"code": await queue.code(seen)})
    return path


async def send(phone: Phone, path: str, load: Load) -> None:
    """Send the picture until cancelled."""
    picture = (SPECIMENS / "sophea-blurred.jpg").read_bytes()
    while True:
        try:
            await phone.picture(f"{path}/document", picture)
        except Problem as problem:
            if problem.body.get("status") == 503:
                load.turned_away += 1
                await asyncio.sleep(1)
            elif problem.code == "evidence-insufficient":
                load.pictures += 1
            else:
                raise


async def latencies(
    demo: OpenDemo, phones: list[Phone], client: CamDigiKeyClient, count: int
) -> list[float]:
    """Return the milliseconds of each login, sorted."""
    took = []
    for n in range(WARM + count):
        _, seconds = await log_in(demo, phones[n % len(phones)], client)
        took.append(seconds * 1000)
    return sorted(took[WARM:])


def say(name: str, took: list[float], load: Load, seconds: float) -> None:
    middle, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(
        f"| {name} | {len(took)} | {middle:.0f} ms | {p99:.0f} ms | {took[-1]:.0f} ms"
        f" | {load.pictures / seconds:.1f} /s | {load.turned_away} |"
    )


async def measure(demo: OpenDemo, count: int) -> None:
    client, queue = portal(demo), Queue(demo, asyncio.Lock())
    async with httpx2.AsyncClient(timeout=120) as http:
        phones = [await seeded_phone(demo, http, n) for n in range(PHONES)]
        senders = [Phone(http, demo.app_origin, demo.issuer) for _ in range(SENDERS)]
        paths = [
            await at_document(one, f"+8559{n:07}", queue)
            for n, one in enumerate(senders)
        ]
        print("| pool | logins | median | p99 | most | pictures | turned away |")
        print("|---|---|---|---|---|---|---|")
        for name, busy in (("idle", 0), ("full", SENDERS), ("idle again", 0)):
            load = Load()
            pairs = zip(senders[:busy], paths, strict=False)
            tasks = [asyncio.create_task(send(one, at, load)) for one, at in pairs]
            await asyncio.sleep(3 if busy else 0)
            load.pictures = load.turned_away = 0
            begun = time.perf_counter()
            took = await latencies(demo, phones, client, count)
            say(name, took, load, time.perf_counter() - begun)
            for task in tasks:
                assert not task.done(), task.exception()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await asyncio.sleep(20 if busy else 0)  # what still waited is worked off
    await client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--logins", type=int, default=200)
    asked = parser.parse_args()
    with served() as demo:
        time.sleep(15)  # the image workers finish loading
        asyncio.run(measure(demo, asked.logins))


if __name__ == "__main__":
    main()
