from collections.abc import AsyncIterator

import pytest

from tests.unit.idp.oidc.world import World, open_world


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with open_world(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def any_world(store_url: str) -> AsyncIterator[World]:
    """The same on each kind of database."""
    async with open_world(store_url) as opened:
        yield opened
