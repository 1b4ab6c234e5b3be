"""Running stacks: one on SQLite and one on PostgreSQL with Redis, per test process."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.browsers import (  # noqa: F401 - fixtures are found by being here
    browser_stack,
    chromium,
    citizen,
    desk,
    kept,
    new_phone,
    other_phone,
    phone,
    playwright,
    registered,
)
from tests.e2e.stack import Stack, running_stack
from tests.servers import create_database
from tests.specimens.strangers import stranger


@pytest.fixture(scope="session")
def sqlite_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="session")
def postgres_stack(
    tmp_path_factory: pytest.TempPathFactory, postgres_folder: Path, redis_url: str
) -> Iterator[Stack]:
    url = create_database(postgres_folder, f"stack_{secrets.token_hex(6)}")
    folder = tmp_path_factory.mktemp("stack")
    with running_stack(folder, store=url, redis=redis_url) as stack:
        yield stack


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def stack(request: pytest.FixtureRequest) -> Stack:
    name = "sqlite_stack" if request.param == "sqlite" else "postgres_stack"
    found: Stack = request.getfixturevalue(name)
    return found


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that a test may kill."""
    with running_stack(tmp_path / "stack") as stack:
        yield stack


@pytest.fixture(scope="session")
def other_face() -> bytes:
    """Return a picture of somebody who is on no card."""
    return stranger()
