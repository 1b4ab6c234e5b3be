from collections.abc import AsyncIterator

import pytest

from tests.portal import HeadlessPortal
from tests.unit.sdk_web.provider import Client, Provider

CALLBACK = "http://localhost:8002/callback"
HOME = "http://localhost:8002/"


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def provider(watch: Watch) -> Provider:
    portal = Client((CALLBACK,), (HOME,), secret="päss:wörd &=")
    return Provider(clock=watch, clients={"portal": portal})


@pytest.fixture
async def portal(provider: Provider, watch: Watch) -> AsyncIterator[HeadlessPortal]:
    portal = HeadlessPortal(
        issuer=provider.issuer,
        client_id="portal",
        client_secret=provider.clients["portal"].secret,
        transport=provider.transport,
        clock=watch,
    )
    yield portal
    await portal.aclose()
