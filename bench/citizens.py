"""Citizens who register at a running server: real cards, real films, real keys.

    prepare(count) -> citizens --join--> an account, step by step

Cards are drawn and photographed beforehand, and the film is put together of frames
that were drawn beforehand, so that the load costs the machine as little as phones do.
They are kept in `.tools/bench`. Every film takes the time that it shows.
"""

import asyncio
import re
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from camdigikey.demo.film import shoot
from camdigikey.demo.run import Demo
from camdigikey.phone import Phone, Problem
from mobile_api.clips import Clip, Frame, read_clip, write_clip
from tests.e2e.stack import Ports, free_ports
from tests.phone import details_of
from tests.specimens import camera
from tests.specimens.card import draw_card
from tests.specimens.persons import Person, invent

KEPT = Path(__file__).parent.parent / ".tools" / "bench"
FIRST_SEED = 30_000
EVERY_MS = 100
HOLD_MS, NEUTRAL_MS = 2_600, 1_800
ACTIONS = ("turn_left", "turn_right", "blink", "smile", "nod")
NO_LIMIT = "1000000"
TABLE = b"\xff\xdb\x00\x43\x00"  # the first quantization table of a JPEG
CHANGED = 24  # of its 64 values, the coarse ones


class OpenDemo(Demo):
    """The demo without the budgets of one network: all citizens share it here."""

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the server."""
        names = ("CODES_PER_PREFIX", "CODES_PER_NUMBER_PREFIX", "WORK_FREE")
        budgets = {f"IDP_{name}_AN_HOUR": NO_LIMIT for name in names}
        budgets["IDP_DOCUMENTS_AN_HOUR"] = NO_LIMIT
        budgets["IDP_WORK_FREE_FOR_ALL_AN_HOUR"] = NO_LIMIT
        budgets["IDP_LOGINS_PER_PREFIX_A_MINUTE"] = NO_LIMIT
        return {**super().environment(), **budgets}


@contextmanager
def served() -> Iterator[OpenDemo]:
    """Run the whole product in a folder of its own."""
    with TemporaryDirectory() as folder:
        demo = OpenDemo(folder=Path(folder), ports=Ports(*free_ports(4)))
        try:
            demo.start()
            yield demo
        finally:
            demo.stop()


def tree(pid: int) -> dict[int, list[str]]:
    """Return what /proc says of a process and of all that it started."""
    found: dict[int, list[str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(stat.parent.name)] = stat.read_text().rpartition(")")[2].split()
    ours = {pid}
    for _ in range(4):
        ours |= {one for one, said in found.items() if int(said[1]) in ours}
    return {one: found[one] for one in ours if one in found}


def tree_cpu_ms(pid: int) -> float:
    """Return the CPU that a process, its children and its dead children have used."""
    return sum(sum(map(int, said[11:15])) for said in tree(pid).values()) * 10.0


def children_mib(pid: int) -> list[int]:
    """Return what each process that it started holds, the largest first."""
    held = [int(said[21]) * 4 // 1024 for one, said in tree(pid).items() if one != pid]
    return sorted(held, reverse=True)


@cache
def take(action: str, number: int) -> Clip:
    """Return one movement, drawn: neutral, the movement held longest, neutral."""
    path = KEPT / f"{action}-{number}.clip"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        # Another wait before it, and no two takes have a frame in common.
        told = {
            "session": "bench",
            "steps": [{"action": action, "hold_ms": HOLD_MS}],
            "neutral_ms": NEUTRAL_MS + 200 * number,
            "frames_per_second": 1000 // EVERY_MS,
        }
        path.write_bytes(write_clip(shoot(told)))
    return read_clip(path.read_bytes())


def film(told: dict[str, Any], person: int = 0) -> Clip:
    """Return the clip of somebody who does what is told, of frames that are drawn.

    Each person's frames are seen by another camera: the same ones would be known faces.
    """
    pictures = [(0, frame.picture) for frame in _part(take("blink", 1), 0)]
    pictures = pictures[: int(told["neutral_ms"]) // EVERY_MS]
    seen: dict[str, int] = {}
    for step, one in enumerate(told["steps"], start=1):
        action = str(one["action"])
        number = seen[action] = seen.get(action, -1) + 1
        held = _part(take(action, number), 1)
        until = int(HOLD_MS / EVERY_MS)
        pictures += [(step, f.picture) for f in held[: one["hold_ms"] // EVERY_MS]]
        after = held[until : until + told["neutral_ms"] // EVERY_MS]
        pictures += [(step, frame.picture) for frame in after]
    last = _part(take("nod", 1), 2)
    pictures += [(len(told["steps"]) + 1, frame.picture) for frame in last]
    frames = tuple(
        Frame(at=EVERY_MS * n, step=step, picture=_by_camera(picture, person))
        for n, (step, picture) in enumerate(pictures)
    )
    return Clip(session=str(told["session"]), mirrored=False, frames=frames)


def _by_camera(picture: bytes, person: int) -> bytes:
    """Return the JPEG with another table of luminance: a little less or more relief."""
    start = picture.index(TABLE) + len(TABLE)
    coarser = bytes(
        value + (person >> n & 1) if 0 < n <= CHANGED else value
        for n, value in enumerate(picture[start : start + 64])
    )
    return picture[:start] + coarser + picture[start + 64 :]


def _part(clip: Clip, step: int) -> list[Frame]:
    return [frame for frame in clip.frames if frame.step == step]


@dataclass(frozen=True, slots=True)
class Citizen:
    """Somebody with a card that the register knows, and a number."""

    person: Person
    card: bytes
    number: str


async def prepare(demo: Demo, count: int) -> list[Citizen]:
    """Draw what is missing; let the register know everybody."""
    for action in ACTIONS:
        take(action, 0), take(action, 1)
    address = f"http://127.0.0.1:{demo.ports.register}/control/citizens"
    found = []
    async with httpx2.AsyncClient() as http:
        for n in range(count):
            seed = FIRST_SEED + n
            person = replace(invent(seed), number=f"1{seed:08}")
            entry = dict(person.register_entry())
            (await http.post(address, json=entry)).raise_for_status()
            found.append(Citizen(person, photograph(person, seed), f"+8551{n:07}"))
    return found


def photograph(person: Person, seed: int) -> bytes:
    """Return the photograph of a card, drawn once."""
    path = KEPT / f"card-{person.number}.jpg"
    if not path.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        photo = camera.photograph(draw_card(person), seed)
        path.write_bytes(camera.jpeg(photo))
    return path.read_bytes()


Measured = Callable[[str], Any]


@asynccontextmanager
async def unmeasured(name: str) -> AsyncIterator[None]:
    del name
    yield


@dataclass(slots=True)
class Queue:
    """Codes of text messages, one at a time: the console hides the numbers."""

    demo: Demo
    turn: asyncio.Lock
    busy: int = 0

    async def code(self, seen: int) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            said = re.findall(r"SMS to .*?\b(\d{6})\b", self.demo.outbox()[seen:])
            if said:
                return str(said[-1])
            await asyncio.sleep(0.02)
        raise TimeoutError("no text message came")

    async def patiently(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do it; when the pool is full, again when it says."""
        while True:
            try:
                return await work()
            except Problem as problem:
                if problem.body.get("status") != 503:
                    raise
                self.busy += 1
                await asyncio.sleep(float(problem.body.get("retry_after", 5)))


async def join(
    phone: Phone, citizen: Citizen, queue: Queue, *, step: Measured = unmeasured
) -> None:
    """Register from the number to the PIN; `step` measures each part."""
    async with queue.turn:
        seen = len(queue.demo.outbox())
        async with step("number, code sent"):
            view = await phone.start(citizen.number)
        path = f"/registrations/{view['id']}"
        code = await queue.code(seen)
        async with step("code"):
            await phone.post(f"{path}/phone-code", {"code": code})
    async with step("card: zone and portrait"):
        view = await queue.patiently(
            lambda: phone.picture(f"{path}/document", citizen.card)
        )
    told = dict(citizen.person.register_entry())
    async with step("details, the register asked"):
        view = await phone.post(f"{path}/details", details_of(view["document"], told))
    while view["state"] == "register":
        await asyncio.sleep(0.2)
        view = await phone.call("GET", "/registrations/current")

    async def be_seen() -> None:
        async with step("what to do before the camera"):
            told = await phone.post(f"{path}/liveness")
        clip = film(told, zlib.crc32(citizen.person.number.encode()))
        await asyncio.sleep(clip.lasts_ms / 1000)
        kind = "application/vnd.camdigikey.clip"
        async with step("film: liveness, face, register"):
            await phone.call("POST", f"{path}/face", write_clip(clip), kind=kind)

    await queue.patiently(be_seen)
    async with step("PIN and device bound"):
        await phone.bind(view["id"])
