"""An authorization request parked while the person logs in.

    parked --complete--> completed --resume--> (a code is made)
           --refuse----> refused ----resume--> (access_denied)

The door that parks it (`oidc`) knows nothing of how people log in; the door that
completes it (`web`) knows nothing of the protocol. An interaction belongs to one
browser by a cookie of 256 random bits, lives 30 minutes and is completed once, by
one compare-and-set: the first method wins.
"""

import hmac
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson

from idp.errors import ChallengeClosed, NotFound
from idp.storage.columns import b64encode, new_id
from idp.storage.ephemeral import Ephemeral

PARKED = "parked"
COMPLETED = "completed"
REFUSED = "refused"
RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a relying party asked for, checked: enough to make a code later.

    `claims` are all claim names that the person will be asked to release;
    `voluntary` those among them that may be switched off. `acr` is the least
    level that will do (`low`, `substantial`, `high`). `required_account` is set
    when only one account may answer (id_token_hint). `max_age` is in seconds.
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    scopes: tuple[str, ...]
    claims: tuple[str, ...]
    voluntary: tuple[str, ...] = ()
    state: str | None = None
    nonce: str | None = None
    acr: str = "substantial"
    required_account: str | None = None
    max_age: int | None = None
    locale: str = "km"


@dataclass(frozen=True, slots=True)
class Requester:
    """Where a login was started: an address prefix, a browser family, a place."""

    network: str
    browser: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """How a person logged in, once it is done. Instants are epoch milliseconds.

    `grant_id` is the challenge id (or an id of its own for single sign-on): a
    code can be redeemed at most once for it.
    """

    grant_id: str
    account_id: str
    session_id: str
    acr: str
    amr: tuple[str, ...]
    auth_time: int
    claims: tuple[str, ...]
    device_id: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A parked request as its browser sees it."""

    id: str
    request: AuthorizationRequest
    requester: Requester
    cookie_hash: str
    challenge_id: str = ""
    renewals: int = 0
    login: Login | None = None

    def owns(self, cookie: str) -> bool:
        """Say, in constant time, whether the cookie is this interaction's."""
        return hmac.compare_digest(self.cookie_hash, hash_cookie(cookie))


def cookie_name(interaction_id: str, *, secure: bool) -> str:
    """Return the name of the cookie that owns an interaction."""
    name = f"login-{interaction_id[:8]}"
    return f"__Host-{name}" if secure else name


def hash_cookie(cookie: str) -> str:
    """Return what is kept of the cookie."""
    return b64encode(sha256(cookie.encode()).digest())


def freeze(interaction: Interaction) -> bytes:
    """Return the interaction as JSON, to be kept or sealed."""
    return orjson.dumps(asdict(interaction))


def thaw(data: bytes | str) -> Interaction:
    """Read what `freeze` wrote."""
    raw = orjson.loads(data)
    login = raw["login"]
    return Interaction(
        **{
            **raw,
            "request": AuthorizationRequest(**_tuples(raw["request"])),
            "requester": Requester(**raw["requester"]),
            "login": None if login is None else Login(**_tuples(login)),
        }
    )


def _tuples(raw: Any) -> Any:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}


def _key(interaction_id: str) -> str:
    return f"interaction:{interaction_id}"


@dataclass(frozen=True, slots=True)
class Interactions:
    """Park requests and complete them, once."""

    ephemeral: Ephemeral
    life: timedelta

    async def park(
        self, request: AuthorizationRequest, *, requester: Requester
    ) -> tuple[Interaction, str]:
        """Park a request; return it with the cookie its browser must show."""
        cookie = new_id(octets=32)
        interaction = Interaction(new_id(), request, requester, hash_cookie(cookie))
        await self._write(interaction, PARKED)
        return interaction, cookie

    async def find(self, interaction_id: str, *, cookie: str) -> Interaction:
        """Return this browser's interaction; raises NotFound."""
        record = await self.ephemeral.get(_key(interaction_id))
        if record is None:
            raise NotFound("interaction")
        found = thaw(record["data"])
        if not found.owns(cookie):
            raise NotFound("interaction")
        return found

    async def restore(self, interaction: Interaction) -> None:
        """Park again what a decision kept, after the short-lived copy was lost."""
        if await self.ephemeral.get(_key(interaction.id)) is None:
            await self._write(interaction, PARKED)

    async def attach(
        self, interaction: Interaction, *, challenge_id: str
    ) -> Interaction:
        """Name the open challenge; raises ChallengeClosed when another was first."""
        renewals = interaction.renewals + (1 if interaction.challenge_id else 0)
        changed = replace(interaction, challenge_id=challenge_id, renewals=renewals)
        expect = {"state": PARKED, "challenge": interaction.challenge_id}
        change = {"data": freeze(changed).decode(), "challenge": challenge_id}
        if not await self.ephemeral.swap(
            _key(interaction.id), expect=expect, change=change
        ):
            raise ChallengeClosed("interaction has moved on")
        return changed

    async def complete(self, interaction: Interaction, login: Login) -> None:
        """Complete it, once; raises ChallengeClosed when it already was."""
        done = replace(interaction, login=login)
        change = {"state": COMPLETED, "data": freeze(done).decode()}
        expect = {"state": PARKED}
        if not await self.ephemeral.swap(
            _key(interaction.id), expect=expect, change=change
        ):
            raise ChallengeClosed("interaction was completed")

    async def refuse(self, interaction: Interaction) -> None:
        """End it with a no; raises ChallengeClosed when it was completed."""
        if not await self.ephemeral.swap(
            _key(interaction.id), expect={"state": PARKED}, change={"state": REFUSED}
        ):
            raise ChallengeClosed("interaction was completed")

    async def resume(self, interaction_id: str, *, cookie: str) -> Interaction:
        """Return it once it is completed or refused, and never again.

        A refused one has no login. Raises NotFound.
        """
        found = await self.find(interaction_id, cookie=cookie)
        expect = {"state": REFUSED if found.login is None else COMPLETED}
        if not await self.ephemeral.swap(
            _key(interaction_id), expect=expect, change={"state": RESUMED}
        ):
            raise NotFound("interaction")
        return found

    async def _write(self, interaction: Interaction, state: str) -> None:
        record = {
            "state": state,
            "challenge": interaction.challenge_id,
            "data": freeze(interaction).decode(),
        }
        seconds = self.life.total_seconds()
        await self.ephemeral.put(_key(interaction.id), record, seconds=seconds)
