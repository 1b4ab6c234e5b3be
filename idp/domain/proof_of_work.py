"""A puzzle before the first text message, when many ask: cheap for one, dear for many.

    challenge = base64url(nonce 16 | ends at 8 | difficulty 1 | MAC 16)
    solved by a counter with  SHA-256(challenge "." counter)  =  d zero bits …

The challenge is not stored: its MAC binds it to the network and the device key that
asked, and its nonce is remembered once it is used. The first askers of an hour pass
freely; from then on each doubling of what was solved in the network, or in all, asks
for one bit more. What is asked for and never solved raises nothing.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from idp.errors import WorkRequired
from idp.interfaces import Clock
from idp.storage.columns import b64decode, b64encode, to_millis
from idp.storage.encryption import Sealer
from idp.storage.ephemeral import Ephemeral

LIFE: Final = timedelta(minutes=2)
HOUR: Final = 3600.0  # seconds
LEAST, MOST = 14, 20  # bits: a cheap phone must solve it within the two minutes
NONCE, INSTANT, MAC = 16, 8, 16  # bytes
LONGEST: Final = 64  # characters
EVERYBODY: Final = "*"


@dataclass(frozen=True, slots=True)
class Work:
    """What the phone found: a challenge of ours and a counter that solves it."""

    challenge: str
    counter: int


def zero_bits(digest: bytes) -> int:
    """Return how many bits a digest begins with that are zero. Pure."""
    return len(digest) * 8 - int.from_bytes(digest).bit_length()


def is_solved(work: Work, difficulty: int) -> bool:
    """Say whether the counter solves the challenge. Pure."""
    text = f"{work.challenge}.{work.counter}"
    return zero_bits(sha256(text.encode()).digest()) >= difficulty


def solve(challenge: str, difficulty: int) -> int:
    """Look for the smallest counter that solves the challenge. Pure."""
    counter = 0
    while not is_solved(Work(challenge, counter), difficulty):
        counter += 1
    return counter


def difficulty_of(solved: int, *, free: int) -> int:
    """Return the bits asked for after so many were solved in this hour. Pure."""
    return min(LEAST + (solved // max(free, 1)).bit_length(), MOST)


@dataclass(frozen=True, slots=True)
class ProofOfWork:
    """Demand work, and accept it once. `free` and `free_for_all` are an hour's."""

    clock: Clock
    sealer: Sealer
    ephemeral: Ephemeral
    free: int
    free_for_all: int

    async def demand(self, *, network: str, device_id: str, work: Work | None) -> None:
        """Let the caller pass, or raise WorkRequired with a fresh challenge."""
        if work is None and await self._is_free(network):
            return
        if work is not None and await self._accepts(work, network, device_id):
            for name in (network, EVERYBODY):
                solved = await self.ephemeral.count(f"work-done:{name}", seconds=HOUR)
                level = {"n": str(solved)}
                await self.ephemeral.put(f"work-level:{name}", level, seconds=HOUR)
            return
        difficulty = await self._difficulty(network)
        challenge = self.challenge(network, device_id, difficulty=difficulty)
        raise WorkRequired(challenge, difficulty=difficulty)

    def challenge(self, network: str, device_id: str, *, difficulty: int) -> str:
        """Return a fresh challenge for one network and device key."""
        ends_at = to_millis(self.clock.now() + LIFE)
        told = secrets.token_bytes(NONCE) + ends_at.to_bytes(INSTANT)
        told += difficulty.to_bytes(1)
        return b64encode(told + self._mac(told, network, device_id))

    async def _is_free(self, network: str) -> bool:
        asked = [
            await self.ephemeral.count(f"work-free:{name}", seconds=HOUR)
            for name in (network, EVERYBODY)
        ]
        return asked[0] <= self.free and asked[1] <= self.free_for_all

    async def _difficulty(self, network: str) -> int:
        here = difficulty_of(await self._solved(network), free=self.free)
        all_of_us = await self._solved(EVERYBODY)
        return max(here, difficulty_of(all_of_us, free=self.free_for_all))

    async def _solved(self, name: str) -> int:
        found = await self.ephemeral.get(f"work-level:{name}")
        return int(found["n"]) if found else 0

    async def _accepts(self, work: Work, network: str, device_id: str) -> bool:
        """Say whether this is our challenge, still good, solved, and not used."""
        try:
            raw = b64decode(work.challenge) if len(work.challenge) <= LONGEST else b""
        except ValueError:
            return False
        told, mac = raw[:-MAC], raw[-MAC:]
        if len(told) != NONCE + INSTANT + 1:
            return False
        if not hmac.compare_digest(mac, self._mac(told, network, device_id)):
            return False
        ends_at = int.from_bytes(told[NONCE : NONCE + INSTANT])
        if ends_at <= to_millis(self.clock.now()) or not is_solved(work, told[-1]):
            return False
        key = f"work-used:{b64encode(told[:NONCE])}"
        return await self.ephemeral.add_once(key, seconds=LIFE.total_seconds() + 1)

    def _mac(self, told: bytes, network: str, device_id: str) -> bytes:
        key = self.sealer.derived_key("proof of work")
        message = told + f"{network}|{device_id}".encode()
        return hmac.digest(key, message, "sha256")[:MAC]
