"""The row of a registration: its states, what is sealed in it, and its one move.

Every change is a compare-and-set on (id, state, version), and `NEXT` says which
states may follow: of two racers one moves, the other raises WrongStep. The person's
data is one sealed value bound to the row; the device is known by its key's
thumbprint alone.
"""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlmodel import BigInteger, Column, Field, Index, LargeBinary, SQLModel

from idp.errors import NotFound, WrongStep
from idp.interfaces import Clock
from idp.storage.columns import to_millis
from idp.storage.encryption import Sealer
from idp.storage.store import Row, Transaction

SWEEP: Final = 100


class State(StrEnum):
    """Where a registration stands: what is asked of the person next."""

    PHONE_CODE = "phone_code"
    DOCUMENT = "document"
    DETAILS = "details"
    REGISTER = "register"
    FACE = "face"
    REVIEW = "review"
    WAITING = "waiting"
    DEVICE = "device"
    DONE = "done"
    STOPPED = "stopped"
    REFUSED = "refused"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.PHONE_CODE: frozenset({State.DOCUMENT}),
    State.DOCUMENT: frozenset({State.DETAILS, State.FACE, State.STOPPED}),
    State.DETAILS: frozenset(
        {State.DETAILS, State.REGISTER, State.FACE, State.STOPPED, State.REFUSED}
    ),
    State.REGISTER: frozenset({State.FACE, State.DETAILS, State.STOPPED}),
    State.FACE: frozenset(
        {
            State.WAITING,
            State.DEVICE,
            State.REVIEW,
            State.DONE,
            State.DETAILS,
            State.DOCUMENT,
        }
        | {State.STOPPED, State.REFUSED}
    ),
    State.REVIEW: frozenset(
        {State.WAITING, State.DEVICE, State.DONE, State.FACE, State.DOCUMENT}
        | {State.STOPPED, State.REFUSED}
    ),
    State.WAITING: frozenset({State.DONE, State.STOPPED}),
    State.DEVICE: frozenset({State.DONE, State.STOPPED}),
    State.DONE: frozenset(),
    State.STOPPED: frozenset(),
    State.REFUSED: frozenset(),
}


REPLACEABLE: Final = frozenset(
    {State.PHONE_CODE, State.STOPPED, State.DONE, State.REFUSED}
)


class RegistrationRow(SQLModel, table=True):
    """One journey. `live_device` is the device while this is its registration."""

    __tablename__ = "registration"
    __table_args__ = (Index("registration_expires", "expires_at"),)
    id: str = Field(primary_key=True)
    device_id: str
    live_device: str | None = Field(default=None, unique=True)
    state: str
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    face_left: int = Field(sa_column=Column(BigInteger, nullable=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    started_at: int = Field(sa_column=Column(BigInteger, nullable=False))
    expires_at: int = Field(sa_column=Column(BigInteger, nullable=False))


@dataclass(frozen=True, slots=True)
class Told:
    """What is known so far; sealed as one value.

    `document` is what the picture says, `details` what the person confirmed (the
    names of docs/mobile-api.md), `result` the identifiers at the end. `judged` is how
    it was decided (registration_decisions.Judged), `face` the embedding to keep when
    the account is open. `account_id` is set when a document of an account is renewed;
    `recovery` (`way`, `account`, `ready_at`) when an account is recovered;
    `assisted_by` is the account of the agent who helps.
    """

    phone: str
    locale: str
    document: dict[str, Any] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    incorrect_fields: tuple[str, ...] = ()
    disagreements: int = 0
    result: dict[str, str] = field(default_factory=dict)
    judged: dict[str, Any] = field(default_factory=dict)
    face: dict[str, str] = field(default_factory=dict)
    account_id: str = ""
    recovery: dict[str, Any] = field(default_factory=dict)
    assisted_by: str = ""

    @property
    def purpose(self) -> str:
        """Return what the journey is for: registration, renewal or recovery."""
        if self.recovery:
            return "recovery"
        return "renewal" if self.account_id else "registration"


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration as it was when it was read. `expires_at` in milliseconds."""

    id: str
    device_id: str
    state: State
    version: int
    face_left: int
    expires_at: int
    told: Told


INSERT = (
    "INSERT INTO registration (id, device_id, live_device, state, version, face_left,"
    " sealed, started_at, expires_at) VALUES ($1, $2, $2, $3, 0, $4, $5, $6, $7)"
    " ON CONFLICT DO NOTHING"
)
_FOUND = (
    "SELECT id, device_id, state, version, face_left, expires_at, sealed"
    " FROM registration WHERE "
)
CURRENT = _FOUND + "live_device = $1 AND expires_at > $2"
FIND = _FOUND + "id = $1 AND expires_at > $2"
MOVE = (
    "UPDATE registration SET state = $4, version = version + 1, sealed = $5,"
    " face_left = $6 WHERE id = $1 AND state = $2 AND version = $3"
)
HOLD = (
    "UPDATE registration SET version = version"
    " WHERE id = $1 AND state = $2 AND version = $3"
)
EXTEND = "UPDATE registration SET expires_at = $2 WHERE id = $1"
SPEND_FACE_TRY = (
    "UPDATE registration SET face_left = face_left - 1, version = version + 1"
    " WHERE id = $1 AND state = 'face' AND version = $2 AND face_left > 0"
    " RETURNING face_left, version"
)
RETURN_FACE_TRY = (
    "UPDATE registration SET face_left = face_left + 1, version = version + 1"
    " WHERE id = $1 AND state = 'face' AND version = $2"
)
RELEASE = (
    "DELETE FROM registration WHERE live_device = $1 AND"
    " (expires_at <= $2 OR state IN ('phone_code', 'stopped', 'done', 'refused'))"
    " RETURNING id"
)
# Decisions that wait for a person while the pictures are gone (24 h at most).
UNDECIDABLE = (
    "SELECT id FROM registration WHERE state = 'review' AND expires_at > $2"
    " AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.picture IS NOT NULL"
    " AND e.registration_id = registration.id) LIMIT $1"
)
DELETE = "DELETE FROM registration WHERE id = $1 AND version = $2"
DELETE_EXPIRED = (
    "DELETE FROM registration WHERE id IN"
    " (SELECT id FROM registration WHERE expires_at <= $1 LIMIT $2) RETURNING id"
)


@dataclass(frozen=True, slots=True)
class RegistrationRows:
    """Insert, find, move and delete registrations."""

    clock: Clock
    sealer: Sealer

    async def insert(self, tx: Transaction, registration: Registration) -> None:
        """Write a new one; raises WrongStep when the device has one."""
        head = (registration.id, registration.device_id, registration.state.value)
        tail = (registration.face_left, self._seal(registration), self._now())
        if not await tx.run(INSERT, *head, *tail, registration.expires_at):
            raise WrongStep("another registration is under way")

    async def current(self, tx: Transaction, device_id: str) -> Registration:
        """Return the device's registration; raises NotFound."""
        return self._read(await tx.one(CURRENT, device_id, self._now()))

    async def find(self, tx: Transaction, registration_id: str) -> Registration:
        """Return a registration, whoever asks; raises NotFound."""
        return self._read(await tx.one(FIND, registration_id, self._now()))

    async def move(
        self,
        tx: Transaction,
        registration: Registration,
        to: State,
        told: Told | None = None,
    ) -> Registration:
        """Compare and set; raises WrongStep when the step is not next, or was taken."""
        if to not in NEXT[registration.state]:
            raise WrongStep(f"{registration.state} is not followed by {to}")
        return await self.settle(tx, registration, to, told)

    async def settle(
        self,
        tx: Transaction,
        registration: Registration,
        to: State,
        told: Told | None = None,
    ) -> Registration:
        """Write a state inside the transaction that has already won the move."""
        moved = replace(
            registration,
            state=to,
            version=registration.version + 1,
            told=told or registration.told,
        )
        was = (registration.id, registration.state.value, registration.version)
        values = (to.value, self._seal(moved), moved.face_left)
        if not await tx.run(MOVE, *was, *values):
            raise WrongStep("the registration has moved on")
        return moved

    async def hold(self, tx: Transaction, registration: Registration) -> None:
        """Let nobody move it until the transaction ends; raises WrongStep."""
        was = (registration.id, registration.state.value, registration.version)
        if not await tx.run(HOLD, *was):
            raise WrongStep("the registration has moved on")

    async def amend(
        self, tx: Transaction, registration: Registration, told: Told
    ) -> Registration:
        """Keep something more without a step; raises WrongStep when it has moved."""
        return await self.settle(tx, registration, registration.state, told)

    async def extend(
        self, tx: Transaction, registration: Registration, *, expires_at: int
    ) -> None:
        """Let it live until then (milliseconds)."""
        await tx.run(EXTEND, registration.id, expires_at)

    async def spend_face_try(
        self, tx: Transaction, registration: Registration
    ) -> Registration:
        """Count one face before it is looked at; raises WrongStep."""
        row = await tx.one(SPEND_FACE_TRY, registration.id, registration.version)
        if row is None:
            raise WrongStep("the registration has moved on")
        left, version = row
        assert isinstance(left, int)
        assert isinstance(version, int)
        return replace(registration, face_left=left, version=version)

    async def return_face_try(
        self, tx: Transaction, registration: Registration
    ) -> None:
        """Give back a try that nobody could look at."""
        await tx.run(RETURN_FACE_TRY, registration.id, registration.version)

    async def release(self, tx: Transaction, device_id: str) -> list[str]:
        """Delete what may be started anew on this device; return the ids."""
        gone = await tx.all(RELEASE, device_id, self._now())
        return [str(row[0]) for row in gone]

    async def undecidable(self, tx: Transaction) -> list[str]:
        """Return ids that wait for a review whose pictures were wiped meanwhile."""
        return [str(row[0]) for row in await tx.all(UNDECIDABLE, SWEEP, self._now())]

    async def delete(self, tx: Transaction, registration: Registration) -> None:
        """Delete it; raises WrongStep when it has moved on."""
        if not await tx.run(DELETE, registration.id, registration.version):
            raise WrongStep("the registration has moved on")

    async def delete_expired(self, tx: Transaction) -> list[str]:
        """Delete a batch whose time is over; return the ids."""
        gone = await tx.all(DELETE_EXPIRED, self._now(), SWEEP)
        return [str(row[0]) for row in gone]

    def _now(self) -> int:
        return to_millis(self.clock.now())

    def _seal(self, registration: Registration) -> bytes:
        plain = orjson.dumps(asdict(registration.told))
        return self.sealer.seal(plain, context=f"registration:{registration.id}")

    def _read(self, row: Row | None) -> Registration:
        if row is None:
            raise NotFound("registration")
        values: list[Any] = list(row)
        plain = self.sealer.open(values[6], context=f"registration:{values[0]}")
        raw = orjson.loads(plain)
        told = Told(**{**raw, "incorrect_fields": tuple(raw["incorrect_fields"])})
        return Registration(
            id=values[0],
            device_id=values[1],
            state=State(values[2]),
            version=values[3],
            face_left=values[4],
            expires_at=values[5],
            told=told,
        )
