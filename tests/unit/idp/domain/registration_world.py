"""A whole domain on a real SQLite file, with a clock that tests move."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from idp.domain.registration_decisions import Judged
from idp.domain.registrations import Registrations
from idp.engines.development import ConsoleSmsSender
from idp.services import Services, wire
from idp.settings import IdpSettings
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from idp.storage.opening import open_store
from idp.storage.signals import LocalSignals
from idp.storage.sqlite import SqliteStore
from idp.storage.store import Store
from tests.stores import with_tables

KEY = bytes(range(32))
SETTINGS = IdpSettings(
    environment="development",
    issuer="http://localhost:8000",
    app_origin="http://localhost:8001",
)
DOCUMENT = {
    "kind": "id_card",
    "number": "012345678",
    "surname_latin": "SOK",
    "given_name_latin": "SREYPOV",
    "birth_date": "1999-01-01",
    "sex": "F",
    "expiry_date": "2031-01-01",
    "nationality": "KHM",
    "proved": ["number", "birth_date", "expiry_date"],
}
DETAILS = {
    "number": "012345678",
    "surname_latin": "SOK",
    "given_name_latin": "SREYPOV",
    "surname_khmer": "សុខ",
    "given_name_khmer": "ស្រីពៅ",
    "birth_date": "1999-01-01",
    "sex": "F",
    "expiry_date": "2031-01-01",
    "issue_date": "2021-01-02",
}
PHONE = "+85512345678"
JUDGED = Judged(level="substantial", policy="test", policy_hash="00")
JWK = {"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"}


@dataclass
class MovingClock:
    instant: datetime = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def pass_time(self, **units: float) -> None:
        self.instant += timedelta(**units)


@dataclass
class World:
    services: Services

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def clock(self) -> MovingClock:
        assert isinstance(self.services.clock, MovingClock)
        return self.services.clock

    @property
    def sealer(self) -> Sealer:
        return self.services.sealer

    @property
    def registrations(self) -> Registrations:
        return self.services.registrations


def make_tables(path: Path) -> None:
    with_tables(f"sqlite:///{path}")


def open_world(path: Path, clock: MovingClock | None = None) -> World:
    """Open the file; it may already hold what another process wrote."""
    make_tables(path)
    return _world(SqliteStore(str(path)), clock)


async def open_world_at(url: str, clock: MovingClock | None = None) -> World:
    """Open a migrated database of either kind."""
    return _world(await open_store(url), clock)


def _world(store: Store, clock: MovingClock | None) -> World:
    services = wire(
        SETTINGS,
        store=store,
        sealer=Sealer([MasterKey.of(KEY)]),
        ephemeral=MemoryEphemeral(),
        signals=LocalSignals(),
        sms=ConsoleSmsSender(),
        clock=clock or MovingClock(),
    )
    return World(services)
