"""A whole domain on a real SQLite file, with a clock that tests move."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine
from sqlmodel import SQLModel

from idp.domain.accounts import Accounts
from idp.domain.audit import Audit
from idp.domain.devices import Devices
from idp.domain.registrations import Registrations, open_registrations
from idp.settings import IdpSettings
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.sqlite import SqliteStore

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
    path: Path
    store: SqliteStore
    clock: MovingClock
    sealer: Sealer
    registrations: Registrations


def make_tables(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    SQLModel.metadata.create_all(engine)
    engine.dispose()


def open_world(path: Path, clock: MovingClock | None = None) -> World:
    """Open the file; it may already hold what another process wrote."""
    make_tables(path)
    clock, sealer = clock or MovingClock(), Sealer([MasterKey.of(KEY)])
    registrations = open_registrations(
        SETTINGS,
        clock=clock,
        sealer=sealer,
        audit=Audit(clock),
        accounts=Accounts(clock, sealer),
        devices=Devices(clock),
    )
    return World(path, SqliteStore(str(path)), clock, sealer, registrations)
