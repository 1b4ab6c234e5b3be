"""An authorization request parked while the person logs in.

    parked --complete---------------> completed --resume--> (a code is made)
      |    --refuse-----------------> refused ----resume--> (access_denied)
      '--propose--> parked, with a login --release--> completed

A login that is done but whose claims nobody has released yet (a passkey, or a
session of before) is proposed: the consent page shows it, and what the person
decides there completes the interaction.

The door that parks it (`oidc`) knows nothing of how people log in; the door that
completes it (`web`) knows nothing of the protocol. An interaction belongs to one
browser by a cookie of 256 random bits, lives 30 minutes and is completed once, by
one compare-and-set: the first method wins.
"""

import hmac
from dataclasses import dataclass, replace
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
    `asks_consent` says that a standing consent does not answer (`prompt=consent`).
    `claims_request` is the canonical JSON of the `claims` parameter ("" without),
    `resources` the resource indicators (RFC 8707), `dpop_jkt` the key that the code
    is bound to (RFC 9449, 10), `pushed_id` the pushed request it came from.
    `fresh_since` is the instant (epoch ms) before which the person must not have
    logged in (`prompt=login`, `max_age`); 0 when any login will do.
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
    response_mode: str = "query"
    resources: tuple[str, ...] = ()
    claims_request: str = ""
    dpop_jkt: str = ""
    pushed_id: str = ""
    asks_consent: bool = False
    fresh_since: int = 0


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
    """A parked request as its browser sees it.

    `proposed` is a login that waits for the consent page; `login` the one that
    completed it.
    """

    id: str
    request: AuthorizationRequest
    requester: Requester
    cookie_hash: str
    challenge_id: str = ""
    renewals: int = 0
    login: Login | None = None
    proposed: Login | None = None

    @property
    def proposal(self) -> str:
        """What names the proposed login: its grant id, or "" without one."""
        return "" if self.proposed is None else self.proposed.grant_id

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
    return orjson.dumps(interaction)


def thaw(data: bytes | str) -> Interaction:
    """Read what `freeze` wrote."""
    raw = orjson.loads(data)
    return Interaction(
        **{
            **raw,
            "request": AuthorizationRequest(**_tuples(raw["request"])),
            "requester": Requester(**raw["requester"]),
            "login": _login(raw["login"]),
            "proposed": _login(raw.get("proposed")),
        }
    )


def _login(raw: Any) -> Login | None:
    return None if raw is None else Login(**_tuples(raw))


def _tuples(raw: Any) -> Any:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}


def _as_seen(interaction: Interaction) -> dict[str, str]:
    """Return what the record must hold for nobody to have moved it since."""
    return {
        "state": PARKED,
        "challenge": interaction.challenge_id,
        "proposed": interaction.proposal,
    }


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
        await self._move(interaction, changed)
        return changed

    async def propose(
        self, interaction: Interaction, login: Login | None
    ) -> Interaction:
        """Keep a login whose claims the person is yet to release; None drops it.

        `login.claims` are then what was asked, not what was released. The browser
        goes on to `/consent/<interaction>`. Raises ChallengeClosed when something
        else happened to the interaction meanwhile.
        """
        changed = replace(interaction, proposed=login)
        await self._move(interaction, changed)
        return changed

    async def release(
        self, interaction: Interaction, *, claims: tuple[str, ...]
    ) -> Login:
        """Complete it by the proposed login with the claims that were released.

        Once, and only while that proposal stands: raises ChallengeClosed.
        """
        if interaction.proposed is None:
            raise ChallengeClosed("nothing was proposed")
        login = replace(interaction.proposed, claims=claims)
        done = replace(interaction, login=login, proposed=None)
        change = {"state": COMPLETED, "data": freeze(done).decode()}
        if not await self.ephemeral.swap(
            _key(interaction.id), expect=_as_seen(interaction), change=change
        ):
            raise ChallengeClosed("interaction has moved on")
        return login

    async def complete(self, interaction: Interaction, login: Login) -> None:
        """Complete it, once; raises ChallengeClosed when it already was."""
        done = replace(interaction, login=login, proposed=None)
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

    async def _move(self, seen: Interaction, changed: Interaction) -> None:
        """Write what changed, unless somebody moved the interaction since."""
        change = {
            "data": freeze(changed).decode(),
            "challenge": changed.challenge_id,
            "proposed": changed.proposal,
        }
        if not await self.ephemeral.swap(
            _key(seen.id), expect=_as_seen(seen), change=change
        ):
            raise ChallengeClosed("interaction has moved on")

    async def _write(self, interaction: Interaction, state: str) -> None:
        record = {
            "state": state,
            "challenge": interaction.challenge_id,
            "proposed": interaction.proposal,
            "data": freeze(interaction).decode(),
        }
        seconds = self.life.total_seconds()
        await self.ephemeral.put(_key(interaction.id), record, seconds=seconds)
