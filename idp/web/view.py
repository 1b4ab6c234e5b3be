"""What a browser may know of its login: where it stands, and nothing of the person.

    pending   the codes of the next five seconds (qr), or a link (same device)
    claimed   a phone has scanned; who, is not told
    approved  the initials of the person
    closed    expired, denied, cancelled, or over

The page, the event stream and the long poll all tell it from here.
"""

import re
from dataclasses import dataclass

from idp.domain.challenge_records import Challenge, Channel, State
from idp.domain.interactions import Interaction
from idp.errors import NotFound
from idp.services import Services
from idp.storage.columns import to_millis

SEEN = re.compile(r"([A-Za-z0-9_-]{22})\.([a-z]{1,12})\.(0|[1-9][0-9]{0,3})", re.ASCII)
FRESH_CODES = 3  # seconds after which a page wants the next codes
OPEN = frozenset({State.PENDING, State.CLAIMED, State.APPROVED})


@dataclass(frozen=True, slots=True)
class View:
    """One look at a login. `ends_in` is in seconds, `second` the challenge's age."""

    challenge_id: str
    state: State
    channel: Channel = Channel.QR
    second: int = 0
    ends_in: float = 0
    codes: tuple[tuple[int, str], ...] = ()
    initials: str = ""
    link: str = ""

    @property
    def is_open(self) -> bool:
        """Whether anything can still happen without the person asking for it."""
        return self.state in OPEN

    @property
    def reason(self) -> str:
        """Why a closed login is closed: `expired`, `denied`, `cancelled`, `ended`."""
        return "ended" if self.state is State.CONSUMED else self.state.value

    @property
    def token(self) -> str:
        """What a page that has seen this sends to be told of the next change."""
        return f"{self.challenge_id}.{self.state.value}.{self.second}"

    def is_news(self, seen: "Seen | None") -> bool:
        """Say whether a page that has seen that much wants to be told."""
        if seen is None or seen.challenge_id != self.challenge_id:
            return True
        if seen.state != self.state.value:
            return True
        return bool(self.codes) and self.second - seen.second >= FRESH_CODES

    def told(self) -> tuple[str, dict[str, object]]:
        """Return the event's name and its data."""
        match self.state:
            case State.PENDING:
                return "codes", {"codes": self.codes}
            case State.CLAIMED:
                return "claimed", {}
            case State.APPROVED:
                return "approved", {"initials": self.initials}
            case State.DENIED | State.CANCELLED | State.CONSUMED | State.EXPIRED:
                return "closed", {"reason": self.reason}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a long-polling page has seen last."""

    challenge_id: str
    state: str
    second: int


def parse_seen(text: str) -> Seen | None:
    """Read a token; whoever sends anything else has seen nothing."""
    found = SEEN.fullmatch(text)
    return Seen(found[1], found[2], int(found[3])) if found else None


async def look(services: Services, interaction: Interaction) -> View:
    """Return where the login stands now."""
    try:
        challenge = await services.challenges.find(interaction.challenge_id)
    except NotFound:
        return await _remembered(services, interaction.challenge_id)
    now = to_millis(services.clock.now())
    state = challenge.state_at(now)
    return View(
        challenge_id=challenge.id,
        state=state,
        channel=challenge.channel,
        second=min(9999, max(0, now - challenge.made_at) // 1000),
        ends_in=max(0, challenge.deadline - now) / 1000,
        codes=_codes(services, challenge, state),
        initials=await _initials(services, challenge.id, state),
        link=_link(services, challenge, state),
    )


async def _remembered(services: Services, challenge_id: str) -> View:
    """Look at the durable decision of a challenge whose record is gone."""
    async with services.store.read() as tx:
        decision = await services.decisions.find(tx, challenge_id)
        if decision is None:
            return View(challenge_id, State.EXPIRED)
    state = decision.verdict.state
    if state is State.APPROVED and not services.decisions.may_finish(decision):
        state = State.EXPIRED
    initials = await _initials(services, challenge_id, state)
    is_return = bool(decision.verdict.return_hash)
    channel = Channel.SAME_DEVICE if is_return else Channel.QR
    return View(challenge_id, state, channel, initials=initials)


def _codes(
    services: Services, challenge: Challenge, state: State
) -> tuple[tuple[int, str], ...]:
    if state is not State.PENDING or challenge.channel is not Channel.QR:
        return ()
    return tuple(services.challenges.qr_texts(challenge))


def _link(services: Services, challenge: Challenge, state: State) -> str:
    if state is not State.PENDING or challenge.channel is not Channel.SAME_DEVICE:
        return ""
    secret = services.challenges.claim_secret(challenge)
    return f"{services.settings.app_origin}/s/{challenge.id}.{secret}"


async def _initials(services: Services, challenge_id: str, state: State) -> str:
    """Return the initials once approved; nothing is told before."""
    if state is not State.APPROVED:
        return ""
    async with services.store.read() as tx:
        decision = await services.decisions.find(tx, challenge_id)
        if decision is None:
            return ""
        account = await services.accounts.find(tx, decision.verdict.account_id)
    return account.facts.initials
