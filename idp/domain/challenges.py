"""A login challenge: shown by the browser, answered by the citizen's device.

    pending --claim--> claimed --approve--> approved --consume--> consumed
       |                  |-----deny-----> denied
       '----------------- cancel --------> cancelled

A pushed challenge belongs to one account from the start: any live device of it may
claim, without a code. Time ends every state but consumed. What is pending or claimed
is short-lived and may be lost; the decision is one durable row (decisions.py) for
which approve, deny and cancel race, and the short-lived state only follows it.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from idp.domain.challenge_records import (
    Challenge,
    Channel,
    ShownClaim,
    ShownParty,
    State,
    display_text,
    from_record,
    to_record,
)
from idp.domain.interactions import Interaction
from idp.domain.qr_codes import check_code, parse_code, qr_text
from idp.errors import (
    AssertionInvalid,
    ChallengeClosed,
    ChallengeTaken,
    Exhausted,
    NotFound,
)
from idp.interfaces import Clock
from idp.storage.columns import b64encode, new_id, to_millis
from idp.storage.ephemeral import Ephemeral, Record
from idp.storage.signals import Signals

SECRET_BYTES = 32
AHEAD = 5  # seconds of codes a page is given


@dataclass(frozen=True, slots=True)
class Lives:
    """How long each state lasts, and how many claims a device has a minute."""

    pending: timedelta
    claimed: timedelta
    approved: timedelta
    claims_a_minute: int


@dataclass(frozen=True, slots=True)
class Challenges:
    """Open challenges and move them along."""

    clock: Clock
    ephemeral: Ephemeral
    signals: Signals
    lives: Lives
    app_origin: str

    async def open(
        self,
        interaction: Interaction,
        *,
        party: ShownParty,
        claims: tuple[ShownClaim, ...],
        channel: Channel,
    ) -> Challenge:
        """Open a challenge for this interaction. The caller attaches it."""
        now = to_millis(self.clock.now())
        challenge = Challenge(
            id=new_id(),
            state=State.PENDING,
            channel=channel,
            interaction=interaction,
            nonce=new_id(octets=SECRET_BYTES),
            secret=secrets.token_bytes(SECRET_BYTES),
            made_at=now,
            deadline=now + _millis(self.lives.pending),
            display=display_text(interaction, party, claims, channel, now),
            rp_domain=party.domain,
        )
        await self.keep(challenge)
        return challenge

    def make_pushed(
        self,
        interaction: Interaction,
        *,
        party: ShownParty,
        claims: tuple[ShownClaim, ...],
        binding_message: str,
        life: timedelta,
    ) -> Challenge:
        """Return a challenge for the account that the request names. Writes nothing.

        The binding code is what the relying party shows and the person types.
        """
        assert interaction.request.required_account is not None
        now = to_millis(self.clock.now())
        display = display_text(
            interaction,
            party,
            claims,
            Channel.PUSH,
            now,
            binding_message=binding_message,
        )
        return Challenge(
            id=new_id(),
            state=State.PENDING,
            channel=Channel.PUSH,
            interaction=interaction,
            nonce=new_id(octets=SECRET_BYTES),
            secret=secrets.token_bytes(SECRET_BYTES),
            made_at=now,
            deadline=now + _millis(life),
            display=display,
            rp_domain=party.domain,
            binding_code=f"{secrets.randbelow(100):02d}",
            ends_at=now + _millis(life),
        )

    async def keep(self, challenge: Challenge) -> None:
        """Write a fresh challenge for as long as it can be of use."""
        pending = challenge.deadline - to_millis(self.clock.now())
        rest = self.lives.claimed + self.lives.approved
        seconds = pending / 1000 + rest.total_seconds() + AHEAD
        await self.ephemeral.put(
            _key(challenge.id), to_record(challenge), seconds=seconds
        )

    async def find(self, challenge_id: str) -> Challenge:
        """Return the challenge; raises NotFound."""
        record = await self.ephemeral.get(_key(challenge_id))
        if record is None:
            raise NotFound("challenge")
        return from_record(challenge_id, record)

    async def status(self, challenge_id: str) -> State:
        """Return where the challenge stands; a forgotten one has expired."""
        try:
            found = await self.find(challenge_id)
        except NotFound:
            return State.EXPIRED
        return self.state_of(found)

    def state_of(self, challenge: Challenge) -> State:
        """Return where a challenge that was read stands now."""
        return challenge.state_at(to_millis(self.clock.now()))

    def qr_texts(self, challenge: Challenge) -> list[tuple[int, str]]:
        """Return `(t, text)` for this second and the next few, never past the end."""
        now = to_millis(self.clock.now())
        first = max(0, (now - challenge.made_at) // 1000)
        last = min(first + AHEAD, (challenge.deadline - challenge.made_at) // 1000)
        return [
            (
                t,
                qr_text(
                    app_origin=self.app_origin,
                    challenge_id=challenge.id,
                    secret=challenge.secret,
                    t=t,
                ),
            )
            for t in range(first, last)
        ]

    def claim_secret(self, challenge: Challenge) -> str:
        """Return the 128-bit secret of a same-device link."""
        digest = hmac.digest(challenge.secret, b"claim1|", "sha256")
        return b64encode(digest[:16])

    async def claim(
        self,
        challenge_id: str,
        *,
        device_id: str,
        account_id: str,
        channel: Channel,
        proof: str,
    ) -> Challenge:
        """Bind the challenge to the first device that proves it saw it.

        `proof` is `<t>.<code>` for the QR, the claim secret for the same device and
        empty for a push, whose account was fixed when it was made.
        The same device repeating its claim gets the same answer. Raises Exhausted,
        NotFound, QrStale, ChallengeTaken or ChallengeClosed.
        """
        found = await self.find(challenge_id)
        required = found.interaction.request.required_account
        if required is not None and required != account_id:
            raise ChallengeClosed("another account is required")
        await self._spend_claim(device_id)
        self._check_proof(found, channel=channel, proof=proof)
        now = to_millis(self.clock.now())
        owner = {"device": device_id, "account": account_id}
        claimed = {
            "state": State.CLAIMED.value,
            "deadline": str(self._answer_by(found, now)),
            **owner,
        }
        if found.state_at(now) is State.PENDING and await self._swap(
            challenge_id, {"state": State.PENDING.value}, claimed
        ):
            return await self.find(challenge_id)
        return await self._repeated(challenge_id, device_id)

    async def decided(self, challenge: Challenge, state: State) -> None:
        """Follow a durable decision, and wake the browser."""
        end = to_millis(self.clock.now()) + _millis(self.lives.approved)
        change = {"state": state.value, "deadline": str(end)}
        await self._swap(challenge.id, {"state": State.CLAIMED.value}, change)

    async def cancel_pending(self, challenge: Challenge) -> bool:
        """End a challenge that nobody claimed; False when somebody did."""
        change = {"state": State.CANCELLED.value}
        return await self._swap(challenge.id, {"state": State.PENDING.value}, change)

    async def cancel(self, challenge: Challenge, *, was: State) -> None:
        """End a claimed or approved challenge, after its durable row."""
        await self._swap(
            challenge.id, {"state": was.value}, {"state": State.CANCELLED.value}
        )

    async def consume(self, challenge: Challenge) -> None:
        """Use an approved challenge up; raises ChallengeClosed the second time."""
        change = {"state": State.CONSUMED.value}
        if not await self._swap(challenge.id, {"state": State.APPROVED.value}, change):
            raise ChallengeClosed("used before")

    def check_open_for(self, challenge: Challenge, *, device_id: str) -> None:
        """Check that this device may decide now; raises ChallengeClosed."""
        if not hmac.compare_digest(challenge.device_id, device_id):
            raise AssertionInvalid("claimed by another device")
        if challenge.state_at(to_millis(self.clock.now())) is not State.CLAIMED:
            raise ChallengeClosed(challenge.state.value)

    def _answer_by(self, challenge: Challenge, now: int) -> int:
        deadline = now + _millis(self.lives.claimed)
        return min(deadline, challenge.ends_at or deadline)

    async def _repeated(self, challenge_id: str, device_id: str) -> Challenge:
        again = await self.find(challenge_id)
        state = again.state_at(to_millis(self.clock.now()))
        if state is State.CLAIMED and again.device_id == device_id:
            return again
        raise ChallengeTaken("") if state is State.CLAIMED else ChallengeClosed(state)

    def _check_proof(
        self, challenge: Challenge, *, channel: Channel, proof: str
    ) -> None:
        if channel is not challenge.channel:
            raise NotFound("challenge of another channel")
        if channel is Channel.PUSH:
            if challenge.interaction.request.required_account is None or proof:
                raise NotFound("a push has an account and no code")
            return
        if channel is Channel.SAME_DEVICE:
            if not hmac.compare_digest(
                self.claim_secret(challenge).encode(), proof.encode()
            ):
                raise NotFound("claim secret")
            return
        age = (to_millis(self.clock.now()) - challenge.made_at) / 1000
        check_code(
            challenge_id=challenge.id,
            secret=challenge.secret,
            scanned=parse_code(proof),
            age=age,
        )

    async def _spend_claim(self, device_id: str) -> None:
        counted = await self.ephemeral.count(f"claims:{device_id}", seconds=60)
        if counted > self.lives.claims_a_minute:
            raise Exhausted("claims", retry_after=60)

    async def _swap(self, challenge_id: str, expect: Record, change: Record) -> bool:
        done = await self.ephemeral.swap(
            _key(challenge_id), expect=expect, change=change
        )
        if done:
            await self.signals.wake(_key(challenge_id))
        return done


def signal_name(challenge_id: str) -> str:
    """Return the name that is woken whenever the challenge moves."""
    return _key(challenge_id)


def _key(challenge_id: str) -> str:
    return f"challenge:{challenge_id}"


def _millis(life: timedelta) -> int:
    return int(life.total_seconds() * 1000)
