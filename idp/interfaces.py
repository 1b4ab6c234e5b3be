"""What the domain asks of the world: Protocols of one method where possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Literal, Protocol, runtime_checkable


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's instant, aware, in UTC."""
        return datetime.fromtimestamp(time(), UTC)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a provider took; `reference` is empty when it gave none."""

    provider: str
    reference: str = ""


@runtime_checkable
class SmsSender(Protocol):
    """Sends a text message."""

    async def send(self, *, to: str, text: str) -> Sent:
        """Send `text` to `to` (E.164). Raises PhoneInvalid or Unavailable."""
        ...


@runtime_checkable
class CodeSender(Protocol):
    """Brings a one-time code to a number: by text, or in a service's own words."""

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Bring `code` to `to` (E.164). Raises PhoneInvalid or Unavailable."""
        ...


class Allowance(Protocol):
    """Says whether a provider may still cost something today, and spends it."""

    async def allow(self, provider: str, *, parts: int) -> bool:
        """Spend the price of a message of so many parts; False when none is left."""
        ...


@runtime_checkable
class Budgeted(Protocol):
    """A sender with several providers, which passes over those that cost too much."""

    def within(self, allowance: Allowance) -> SmsSender:
        """Return the same sender, held to an allowance."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider says became of a message: `delivered`, `failed`, or neither."""

    reference: str
    state: Literal["delivered", "failed", ""]
    acknowledgement: str = ""  # what the provider wants to read in our answer


@runtime_checkable
class ReportReader(Protocol):
    """Reads the reports that a provider sends us."""

    def read_report(self, report: "ReceivedReport") -> DeliveryReport:
        """Return what is reported; raises ProofInvalid (forged) or Malformed."""
        ...


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    """A provider's call as it came. `url` is the public one; names are lower case."""

    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    now: float


@runtime_checkable
class StatusTeller(Protocol):
    """Can be asked what became of a message."""

    async def status_of(self, reference: str) -> DeliveryReport:
        """Return what is known; raises Unavailable."""
        ...


@runtime_checkable
class UseListener(Protocol):
    """Wants to hear that a code was typed."""

    async def code_used(self, reference: str) -> None:
        """Tell the provider; raises Unavailable."""
        ...


@runtime_checkable
class Provider(Protocol):
    """One provider, by the name under which its messages are noted."""

    @property
    def provider(self) -> str:
        """The name, as in `Sent.provider`."""
        ...


@runtime_checkable
class ManyProviders(Protocol):
    """A sender made of several providers."""

    @property
    def engines(self) -> Mapping[str, object]:
        """The providers by their names."""
        ...


@runtime_checkable
class EmailSender(Protocol):
    """Sends an e-mail."""

    async def send(self, *, to: str, subject: str, text: str, html: str) -> Sent:
        """Send to one address. Raises EmailInvalid or Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key pair: SubjectPublicKeyInfo (DER), and how its custody finds it."""

    public_der: bytes
    handle: bytes


class KeySigner(Protocol):
    """Signs with one private key, wherever that is."""

    async def sign(self, message: bytes) -> bytes:
        """Return the JWS signature (RFC 7518, 3). Raises idp.errors.Unavailable."""
        ...


@runtime_checkable
class KeyCustody(Protocol):
    """Keeps private signing keys. Each call raises idp.errors.Unavailable."""

    @property
    def name(self) -> str:
        """What the row of a key says about who keeps it; never changes."""
        ...

    async def make(self, alg: str) -> MadeKey:
        """Make a key pair for a JWS algorithm."""
        ...

    async def open(self, *, alg: str, kid: str, handle: bytes) -> KeySigner:
        """Return the signer of a key that was made here."""
        ...

    async def destroy(self, handle: bytes) -> None:
        """Destroy the private key; quiet when it is gone already."""
        ...

    async def close(self) -> None:
        """Let go of whatever is open."""
        ...


@runtime_checkable
class Outbound(Protocol):
    """Calls the servers of relying parties: addresses that somebody registered.

    Only https, no private address, no redirect, within limits of size and time; in
    development loopback is allowed too.
    """

    async def get(self, url: str, *, accept: str, limit: int) -> bytes:
        """Return the body of a 200, at most `limit` bytes. Raises Unavailable."""
        ...

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
        """Send the body, ignore the answer's, return its status. Raises Unavailable."""
        ...
