"""What a challenge is: its states, what the phone is shown, how it is kept. Pure.

The service that opens and moves challenges stands in challenges.py.
"""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import orjson

from idp.domain.interactions import Interaction, freeze, thaw
from idp.storage.columns import b64decode, b64encode
from idp.storage.ephemeral import Record


class Channel(StrEnum):
    """How the device learns of a challenge."""

    QR = "qr"
    SAME_DEVICE = "same_device"
    PUSH = "push"


class State(StrEnum):
    """Where a challenge stands; EXPIRED is what time makes of the others."""

    PENDING = "pending"
    CLAIMED = "claimed"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    CONSUMED = "consumed"
    EXPIRED = "expired"


NEXT: dict[State, frozenset[State]] = {
    State.PENDING: frozenset({State.CLAIMED, State.CANCELLED}),
    State.CLAIMED: frozenset({State.APPROVED, State.DENIED, State.CANCELLED}),
    State.APPROVED: frozenset({State.CONSUMED, State.CANCELLED}),
    State.DENIED: frozenset(),
    State.CANCELLED: frozenset(),
    State.CONSUMED: frozenset(),
    State.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people, in both languages."""

    km: str
    en: str


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """A claim as the phone names it; a voluntary one can be switched off."""

    name: str
    label: Text
    voluntary: bool


@dataclass(frozen=True, slots=True)
class ShownParty:
    """The relying party as the phone shows it.

    `names_itself` says that nobody has vouched for its name, only for its domain.
    """

    id: str
    name: Text
    domain: str
    purpose: Text
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge and what it was opened for. Instants in milliseconds.

    `binding_code` (two digits) and `ends_at`, past which no claim can carry it, are
    those of a pushed challenge; elsewhere they are empty and 0.
    """

    id: str
    state: State
    channel: Channel
    interaction: Interaction
    nonce: str
    secret: bytes
    made_at: int
    deadline: int
    display: str
    rp_domain: str
    device_id: str = ""
    account_id: str = ""
    binding_code: str = ""
    ends_at: int = 0

    @property
    def shown(self) -> str:
        """base64url(SHA-256) of the display text: what the assertion must name."""
        return b64encode(sha256(self.display.encode()).digest())

    def state_at(self, millis: int) -> State:
        """Return the state, with time taken into account."""
        open_states = (State.PENDING, State.CLAIMED, State.APPROVED)
        if self.state in open_states and millis > self.deadline:
            return State.EXPIRED
        return self.state


def to_record(challenge: Challenge) -> Record:
    """Return the challenge as it is kept while it is short-lived."""
    return {
        "state": challenge.state.value,
        "channel": challenge.channel.value,
        "interaction": freeze(challenge.interaction).decode(),
        "nonce": challenge.nonce,
        "secret": b64encode(challenge.secret),
        "made_at": str(challenge.made_at),
        "deadline": str(challenge.deadline),
        "display": challenge.display,
        "rp_domain": challenge.rp_domain,
        "binding_code": challenge.binding_code,
        "ends_at": str(challenge.ends_at),
    }


def from_record(challenge_id: str, record: Record) -> Challenge:
    """Read what `to_record` wrote."""
    return Challenge(
        id=challenge_id,
        state=State(record["state"]),
        channel=Channel(record["channel"]),
        interaction=thaw(record["interaction"]),
        nonce=record["nonce"],
        secret=b64decode(record["secret"]),
        made_at=int(record["made_at"]),
        deadline=int(record["deadline"]),
        display=record["display"],
        rp_domain=record["rp_domain"],
        device_id=record.get("device", ""),
        account_id=record.get("account", ""),
        binding_code=record.get("binding_code", ""),
        ends_at=int(record.get("ends_at", "0")),
    )


def display_text(
    interaction: Interaction,
    party: ShownParty,
    claims: tuple[ShownClaim, ...],
    channel: Channel,
    now: int,
    *,
    binding_message: str = "",
) -> str:
    """Return the JSON text that the phone hashes as received and then renders.

    A pushed challenge also carries the relying party's own words (CIBA Core 1.0,
    7.1), so that the phone's signature covers them.
    """
    asked = interaction.requester
    pushed = {"binding_message": binding_message} if channel is Channel.PUSH else {}
    shown = {
        "version": 1,
        "relying_party": {
            "id": party.id,
            "name": party.name,
            "domain": party.domain,
            "logo": None,
            "names_itself": party.names_itself,
        },
        "purpose": party.purpose,
        "claims": claims,
        "requester": {
            "browser": asked.browser,
            "network": asked.network,
            "place": asked.place,
        },
        "started_at": now // 1000,
        "channel": channel.value,
        "locale": interaction.request.locale,
        **pushed,
    }
    return orjson.dumps(shown).decode()
