"""What a registration costs, and how many there are in a minute.

    python -m bench.registrations steps [--count 8]    CPU of the server, step by step
    python -m bench.registrations rate [--count 40]    whole registrations a minute

The product runs as `make demo` does: one server process, two image workers, SQLite
with `synchronous=FULL`, the shipped engines, the register simulator. `steps` counts
the CPU of the server and its workers alone; it can be measured on a busy machine.
`rate` is a figure of the whole machine, load and simulator included: it wants a quiet
one. Citizens come together and wait for the pool as the API tells them.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from bench.citizens import (
    Citizen,
    Queue,
    children_mib,
    join,
    prepare,
    served,
    tree_cpu_ms,
)
from camdigikey.demo.run import Demo
from camdigikey.phone import Phone


def phone_of(demo: Demo, http: httpx2.AsyncClient) -> Phone:
    return Phone(http, demo.app_origin, demo.issuer)


async def steps(demo: Demo, citizens: list[Citizen]) -> None:
    """Print the CPU of each step: of one registration after the other."""
    server = demo.processes.running["server"].pid
    spent: dict[str, list[float]] = {}
    queue = Queue(demo, asyncio.Lock())

    @asynccontextmanager
    async def measured(name: str) -> AsyncIterator[None]:
        before = tree_cpu_ms(server)
        yield
        spent.setdefault(name, []).append(tree_cpu_ms(server) - before)

    async with httpx2.AsyncClient(timeout=120) as http:
        for warm in citizens[:2]:  # each worker loads its engines once
            await join(phone_of(demo, http), warm, queue)
        for citizen in citizens[2:]:
            await join(phone_of(demo, http), citizen, queue, step=measured)
    print("| step | CPU, median | most |\n|---|---|---|")
    for name, values in spent.items():
        print(f"| {name} | {statistics.median(values):.0f} ms | {max(values):.0f} ms |")
    held = children_mib(server)
    whole = [sum(each) for each in zip(*spent.values(), strict=True)]
    print(f"| together | {statistics.median(whole):.0f} ms | {max(whole):.0f} ms |")
    print(f"processes of the server hold {held} MiB")


async def rate(demo: Demo, citizens: list[Citizen], together: int) -> None:
    """Print how many registrations a minute are finished."""
    server = demo.processes.running["server"].pid
    queue, waiting = Queue(demo, asyncio.Lock()), iter(citizens[2:])
    done: list[float] = []

    async def line(http: httpx2.AsyncClient) -> None:
        for citizen in waiting:
            begun = time.perf_counter()
            await join(phone_of(demo, http), citizen, queue)
            done.append(time.perf_counter() - begun)

    async with httpx2.AsyncClient(timeout=120) as http:
        for warm in citizens[:2]:
            await join(phone_of(demo, http), warm, queue)
        queue.busy = 0
        before, begun = tree_cpu_ms(server), time.perf_counter()
        await asyncio.gather(*(line(http) for _ in range(together)))
        took = time.perf_counter() - begun
        cpu = tree_cpu_ms(server) - before
    done.sort()
    print(f"{len(done)} registrations, {together} at a time, in {took:.1f} s:")
    print(f"{len(done) / took * 60:.1f} a minute, {cpu / len(done):.0f} ms CPU each;")
    print(
        f"one took {statistics.median(done):.1f} s (median), {done[-1]:.1f} s (most),"
    )
    print(f"the film included; the pool was full {queue.busy} times")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["steps", "rate"])
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--together", type=int, default=20)
    asked = parser.parse_args()
    with served() as demo:
        citizens = asyncio.run(prepare(demo, asked.count + 2))
        if asked.what == "steps":
            asyncio.run(steps(demo, citizens))
        else:
            asyncio.run(rate(demo, citizens, asked.together))


if __name__ == "__main__":
    main()
