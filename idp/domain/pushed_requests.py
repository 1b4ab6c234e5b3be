"""Authorization requests that a relying party pushed before its browser comes.

    pushed --find--> (as often as the person reloads) --spend--> gone, for good

A pushed request is already checked, belongs to one party and lives 90 seconds
(RFC 9126, 2.2: short, under ten minutes for FAPI 2.0, 5.3.2.2). It may be fetched
again until it is answered and not after: the answer spends it, and two logins that
began from the same one race for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import orjson

from idp.errors import GrantSpent, NotFound
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.ephemeral import Ephemeral

LIFE = timedelta(seconds=90)
OCTETS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """What was pushed: its parameters, were they signed, the key it is bound to."""

    id: str
    client_id: str
    parameters: Mapping[str, str]
    is_signed: bool
    dpop_jkt: str = ""


def _key(request_id: str) -> str:
    return f"pushed:{request_id}"


@dataclass(frozen=True, slots=True)
class PushedRequests:
    """Keep pushed requests, hand them out to their party, spend them once.

    `login_life` is how long a login may take that began from one.
    """

    clock: Clock
    ephemeral: Ephemeral
    login_life: timedelta
    life: timedelta = LIFE

    async def push(
        self,
        parameters: Mapping[str, str],
        *,
        client_id: str,
        is_signed: bool,
        dpop_jkt: str = "",
    ) -> str:
        """Keep a checked request; return its id of 256 random bits."""
        request_id = new_id(octets=OCTETS)
        kept = {
            "client_id": client_id,
            "parameters": orjson.dumps(dict(parameters)).decode(),
            "is_signed": "1" if is_signed else "",
            "dpop_jkt": dpop_jkt,
            "expires_at": str(to_millis(self.clock.now() + self.life)),
        }
        seconds = self.life.total_seconds()
        await self.ephemeral.put(_key(request_id), kept, seconds=seconds)
        return request_id

    async def find(self, request_id: str, *, client_id: str) -> PushedRequest:
        """Return this party's request.

        Raises NotFound when it is unknown, over, answered or another party's.
        """
        record = await self.ephemeral.get(_key(request_id))
        if record is None or record["client_id"] != client_id:
            raise NotFound("pushed request")
        if int(record["expires_at"]) <= to_millis(self.clock.now()):
            raise NotFound("pushed request")
        return PushedRequest(
            id=request_id,
            client_id=client_id,
            parameters=orjson.loads(record["parameters"]),
            is_signed=bool(record["is_signed"]),
            dpop_jkt=record["dpop_jkt"],
        )

    async def spend(self, request_id: str) -> None:
        """Note that it is answered; raises GrantSpent when it was before.

        The note outlives every login that began while the request could be fetched.
        """
        seconds = (2 * self.login_life + self.life).total_seconds()
        is_first = await self.ephemeral.add_once(
            f"pushed-answered:{request_id}", seconds=seconds
        )
        await self.ephemeral.delete(_key(request_id))
        if not is_first:
            raise GrantSpent("the pushed request was answered")
