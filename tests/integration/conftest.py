"""The whole server in this process."""

from collections.abc import AsyncIterator

import pytest

from tests.world import World, open_world


@pytest.fixture
async def world(store_url: str) -> AsyncIterator[World]:
    async with open_world(store_url) as opened:
        yield opened


@pytest.fixture
async def quick(sqlite_url: str) -> AsyncIterator[World]:
    """One database is enough for what does not touch it."""
    async with open_world(sqlite_url) as opened:
        yield opened
