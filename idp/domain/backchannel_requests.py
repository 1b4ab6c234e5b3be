"""A relying party asks one person without a browser (CIBA Core 1.0).

    open --(the phone decides)--> approved --spend--> issued
     |                               denied
     '------------ time -----------> expired

The request is a row, its answer the durable decision on the challenge of the same
id: both outlive every restart. One person has at most one open request and three
unanswered or refused ones an hour, whoever asks; who says no is not asked by that
party for a day.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import orjson

from idp.domain.audit import Audit, EventTag
from idp.domain.backchannel_rows import (
    DROP_OLD,
    DUE_NOW,
    FIND,
    INSERT,
    LOCK_ACCOUNT,
    OPEN_FOR,
    SPEND,
    UNANSWERED,
)
from idp.domain.challenge_records import Challenge, State, from_record, to_record
from idp.domain.challenges import Challenges, signal_name
from idp.domain.decisions import Decision, Decisions, Verdict
from idp.domain.grants import AuthorizationCode
from idp.domain.push_blocks import PushBlocks
from idp.errors import GrantSpent, NotFound, PushRefused
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.encryption import Sealer
from idp.storage.signals import Signals
from idp.storage.store import Row, Transaction

POLL, PING, PUSH = "poll", "ping", "push"
HOUR = timedelta(hours=1)
MAX_AUTH_REQ_ID = 128
DELIVERIES = "backchannel deliveries"  # woken when something is to be sent


class Outcome(StrEnum):
    """What became of a request."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PushLimits:
    """How often one person may be prompted."""

    unanswered_an_hour: int
    open_at_once: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BackchannelRequest:
    """One request. Instants in milliseconds; `challenge` as it was opened.

    `auth_req_id` and `notification_token` are secrets between us and the party.
    """

    id: str
    relying_party_id: str
    account_id: str
    delivery: str
    auth_req_id: str
    notification_token: str
    challenge: Challenge
    made_at: int
    expires_at: int
    issued_at: int | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class BackchannelRequests:
    """Open requests, follow their decisions, spend their approvals."""

    clock: Clock
    sealer: Sealer
    audit: Audit
    signals: Signals
    challenges: Challenges
    decisions: Decisions
    blocks: PushBlocks
    limits: PushLimits

    async def open(
        self,
        tx: Transaction,
        challenge: Challenge,
        *,
        delivery: str,
        notification_token: str = "",
    ) -> BackchannelRequest:
        """Write a request for a pushed challenge; raises PushRefused.

        The refusal never says why: a party learns nothing of a person's other
        prompts or blocks. `announce` follows once the row is durable.
        """
        asked = challenge.interaction.request
        account_id = asked.required_account or ""
        await self._may_prompt(tx, account_id, asked.client_id)
        request = BackchannelRequest(
            id=challenge.id,
            relying_party_id=asked.client_id,
            account_id=account_id,
            delivery=delivery,
            auth_req_id=f"{challenge.id}.{new_id()}",
            notification_token=notification_token,
            challenge=challenge,
            made_at=challenge.made_at,
            expires_at=challenge.ends_at,
        )
        await tx.run(
            INSERT,
            request.id,
            request.relying_party_id,
            request.account_id,
            request.delivery,
            self._seal(request),
            request.made_at,
            request.expires_at,
            None if delivery == POLL else request.expires_at,
        )
        await self.audit.record(
            tx,
            EventTag.PUSH_SENT,
            account=account_id,
            relying_party=asked.client_id,
            detail={"challenge": challenge.id},
        )
        return request

    async def announce(self, request: BackchannelRequest) -> None:
        """Let the person's open phones know of a request that is durable."""
        await self.challenges.keep(request.challenge)
        await self.signals.wake(notices_of(request.account_id))

    async def restore(self, tx: Transaction, challenge_id: str) -> Challenge:
        """Return the challenge of an open request, as it was; raises NotFound.

        For when everything short-lived was lost.
        """
        request = await self.get(tx, challenge_id)
        if await self.outcome(tx, request) != (Outcome.PENDING, None):
            raise NotFound("challenge")
        return request.challenge

    async def open_for(self, tx: Transaction, account_id: str) -> list[tuple[str, int]]:
        """Return `(challenge id, expires_at)` of what waits for this person."""
        now = self.clock.now()
        since, at = to_millis(now - HOUR), to_millis(now)
        rows = await tx.all(OPEN_FOR, account_id, since, at)
        return [(str(row[0]), int(row[1] or 0)) for row in rows]

    async def get(self, tx: Transaction, request_id: str) -> BackchannelRequest:
        """Return a request by its challenge's id; raises NotFound."""
        row = await tx.one(FIND, request_id)
        if row is None:
            raise NotFound("backchannel request")
        return self.read(row)

    async def find(
        self, tx: Transaction, auth_req_id: str, *, client_id: str
    ) -> BackchannelRequest:
        """Return this party's request; raises GrantSpent for any other id."""
        if len(auth_req_id) > MAX_AUTH_REQ_ID:
            raise GrantSpent("auth_req_id is too long")
        try:
            found = await self.get(tx, auth_req_id.partition(".")[0])
        except NotFound as error:
            raise GrantSpent("unknown auth_req_id") from error
        presented, known = auth_req_id.encode(), found.auth_req_id.encode()
        if not hmac.compare_digest(presented, known):
            raise GrantSpent("unknown auth_req_id")
        if found.relying_party_id != client_id:
            raise GrantSpent("another party's auth_req_id")
        return found

    async def outcome(
        self, tx: Transaction, request: BackchannelRequest
    ) -> tuple[Outcome, Decision | None]:
        """Return what became of it; a decision stands only beside APPROVED.

        An approval in the last moment can still be fetched for a while.
        """
        now = to_millis(self.clock.now())
        decision = await self.decisions.find(tx, request.id)
        if decision is None:
            is_over = now >= request.expires_at
            return (Outcome.EXPIRED if is_over else Outcome.PENDING), None
        if decision.verdict.state is not State.APPROVED:
            return Outcome.DENIED, None
        grace = int(self.decisions.approved_life.total_seconds() * 1000)
        if now >= max(request.expires_at, decision.decided_at + grace):
            return Outcome.EXPIRED, None
        return Outcome.APPROVED, decision

    async def spend(self, tx: Transaction, request: BackchannelRequest) -> None:
        """Use the approval up: tokens are issued once (CIBA Core 1.0, 10.1).

        Raises GrantSpent the second time.
        """
        now = to_millis(self.clock.now())
        if await tx.run(SPEND, request.id, now) != 1:
            raise GrantSpent("issued before")

    async def decided(self, challenge: Challenge, state: State) -> None:
        """Follow a durable decision: wake who polls, who delivers, other phones."""
        await self.challenges.decided(challenge, state)
        await self.challenges.cancel_pending(challenge)
        account_id = challenge.interaction.request.required_account or ""
        for name in (signal_name(challenge.id), DELIVERIES, notices_of(account_id)):
            await self.signals.wake(name)

    async def drop_old(self, tx: Transaction, *, kept: timedelta) -> int:
        """Delete requests that were over for longer than `kept`; return how many."""
        return await tx.run(DROP_OLD, to_millis(self.clock.now() - kept))

    def read(self, row: Row) -> BackchannelRequest:
        """Read a row of `COLUMNS`."""
        values: list[Any] = list(row)
        kept = orjson.loads(self.sealer.open_token(values[4], context=_at(values[0])))
        return BackchannelRequest(
            id=values[0],
            relying_party_id=values[1],
            account_id=values[2],
            delivery=values[3],
            auth_req_id=kept["auth_req_id"],
            notification_token=kept["notification_token"],
            challenge=from_record(values[0], kept["challenge"]),
            made_at=values[5],
            expires_at=values[6],
            issued_at=values[7],
            tries=values[8],
        )

    def _seal(self, request: BackchannelRequest) -> bytes:
        kept = {
            "auth_req_id": request.auth_req_id,
            "notification_token": request.notification_token,
            "challenge": to_record(request.challenge),
        }
        context = _at(request.id)
        return self.sealer.seal_token(orjson.dumps(kept), context=context)

    async def _may_prompt(
        self, tx: Transaction, account_id: str, party_id: str
    ) -> None:
        if await tx.run(LOCK_ACCOUNT, account_id) != 1:
            raise PushRefused("no such account")
        if await self.blocks.stands(
            tx, account_id=account_id, relying_party_id=party_id
        ):
            raise PushRefused("blocked by the person")
        now = self.clock.now()
        since, at = to_millis(now - HOUR), to_millis(now)
        row = await tx.one(UNANSWERED, account_id, since, at)
        assert row is not None
        unanswered, are_open = int(row[0] or 0), int(row[1] or 0)
        if are_open >= self.limits.open_at_once:
            raise PushRefused("another request is open")
        if unanswered >= self.limits.unanswered_an_hour:
            raise PushRefused("too many unanswered or refused requests")


async def decide_backchannel(
    requests: BackchannelRequests,
    tx: Transaction,
    challenge: Challenge,
    verdict: Verdict,
    *,
    is_refusal: bool = False,
) -> bool:
    """Write the one answer to a pushed challenge; False when another was first.

    Whoever is to be told is told as soon as this is durable; `requests.decided`
    follows. `is_refusal` says that the person said no: that stops the party's prompts
    for a while. A sandbox may call it for a citizen without a phone: then the verdict
    names no device.
    """
    if not await requests.decisions.decide(tx, challenge, verdict):
        return False
    await tx.run(DUE_NOW, challenge.id, to_millis(requests.clock.now()))
    if is_refusal:
        await requests.blocks.block(
            tx,
            account_id=verdict.account_id,
            relying_party_id=challenge.interaction.request.client_id,
        )
    return True


def code_of(decision: Decision, *, expires_at: int) -> AuthorizationCode:
    """Return an approval as the code it would be in a browser. Pure but for its id.

    Its grant is keyed on the challenge, so an approval becomes at most one.
    """
    asked, verdict = decision.interaction.request, decision.verdict
    return AuthorizationCode(
        grant_id=decision.challenge_id,
        client_id=asked.client_id,
        redirect_uri="",
        code_challenge="",
        scopes=asked.scopes,
        claims=verdict.claims,
        nonce=None,
        account_id=verdict.account_id,
        device_id=verdict.device_id or None,
        session_id=new_id(),
        acr=verdict.acr,
        amr=verdict.amr,
        auth_time=decision.decided_at,
        is_single_sign_on=False,
        expires_at=expires_at,
        resources=asked.resources,
    )


def notices_of(account_id: str) -> str:
    """Return the name that is woken when a person's phones have something to show."""
    return f"notices:{account_id}"


def _at(request_id: str) -> str:
    return f"backchannel_request:{request_id}"
