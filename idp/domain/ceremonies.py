"""The challenge of a WebAuthn ceremony: of one owner, good for one answer.

    begun --spend--> gone

The owner is what asked (a parked login, a signed-in account): an answer that was made
for one is worth nothing to another. It is spent before the answer is looked at.
"""

import secrets
from dataclasses import dataclass

from idp.errors import ChallengeClosed, Exhausted
from idp.storage.columns import b64encode
from idp.storage.ephemeral import Ephemeral

CHALLENGE_BYTES = 32  # WebAuthn 3, 13.4.3: at least 16


@dataclass(frozen=True, slots=True)
class Ceremonies:
    """Begin ceremonies, and take each answer once."""

    ephemeral: Ephemeral

    async def begin(self, owner: str, *, seconds: float, most: int) -> bytes:
        """Return a fresh challenge for `owner`, good for so long.

        Raises Exhausted after `most` of them in that time.
        """
        await self.count(f"begun:{owner}", seconds=seconds, most=most)
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        record = {"owner": owner}
        await self.ephemeral.put(_key(challenge), record, seconds=seconds)
        return challenge

    async def spend(self, owner: str, challenge: bytes) -> None:
        """Use the challenge up; raises ChallengeClosed unless it is this owner's."""
        expect = {"owner": owner, "used": ""}
        if not await self.ephemeral.swap(
            _key(challenge), expect=expect, change={"used": "1"}
        ):
            raise ChallengeClosed("no such ceremony")
        await self.ephemeral.delete(_key(challenge))

    async def count(self, what: str, *, seconds: float, most: int) -> None:
        """Count one attempt; raises Exhausted after `most` in this time."""
        if await self.ephemeral.count(f"ceremony:{what}", seconds=seconds) > most:
            raise Exhausted("ceremonies", retry_after=int(seconds))


def _key(challenge: bytes) -> str:
    return f"ceremony:{b64encode(challenge)}"
