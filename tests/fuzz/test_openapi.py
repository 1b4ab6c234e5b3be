"""docs/openapi.yaml against the routes, and Schemathesis against the provider."""

import asyncio
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from idp.app import create_app
from idp.domain.party_registration import Terms
from idp.domain.relying_parties import RelyingParty
from idp.services import open_services
from idp.settings import IdpSettings
from idp.storage.database import migrate

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "openapi.yaml"
DESCRIBED: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
SCHEMA = schemathesis.openapi.from_dict(DESCRIBED)
# What people's browsers visit: pages, their events, static files.
PAGES = (
    "/authorize",
    "/login",
    "/logout",
    "/consent",
    "/return",
    "/account",
    "/static",
    "/sandbox",
    "/lost-phone",
    "/messages/reports/",  # what providers of messages call
)
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


STOP_WITHIN = 30.0  # seconds


@dataclass(frozen=True)
class Running:
    """A provider on loopback, and credentials that it knows."""

    url: str
    credentials: tuple[dict[str, str], ...]


def settings_of(folder: Path, port: int) -> IdpSettings:
    return IdpSettings(
        environment="development",
        issuer=f"http://localhost:{port}",
        app_origin="http://localhost:1",
        store=f"sqlite:///{folder / 'store.sqlite3'}",
        master_key_file=folder / "master.key",
        sms_sender="idp.engines.development:create",
        party_registrations_per_prefix_an_hour=1_000_000,
    )


async def credentials_of(found: IdpSettings) -> tuple[dict[str, str], ...]:
    """Register a party and issue a token; return what a caller may show."""
    party = RelyingParty(
        id="fuzz",
        name_km="ក",
        name_en="Fuzz",
        domain="portal.example",
        purpose_km="",
        purpose_en="",
        redirect_uris=("https://portal.example/callback",),
    )
    async with open_services(found) as services, services.store.begin() as tx:
        _, secret = await services.relying_parties.add(tx, party)
        _, token = await services.party_registration.issue(
            tx, Terms(), uses=1000, life=timedelta(days=1)
        )
    basic = b64encode(f"fuzz:{secret}".encode()).decode()
    return (
        {},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": f"Bearer {token}"},
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run the provider in a thread, with its own loop and lifespan."""
    folder = tmp_path_factory.mktemp("fuzz")
    listener = socket.create_server(("127.0.0.1", 0))
    found = settings_of(folder, listener.getsockname()[1])
    migrate(found.store)
    credentials = asyncio.run(credentials_of(found))
    config = uvicorn.Config(create_app(found), log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Running(found.issuer, credentials)
    finally:
        server.should_exit = True
        thread.join(STOP_WITHIN)
        listener.close()


def operations() -> list[tuple[str, str]]:
    verbs = {"get", "put", "post", "delete", "patch", "head", "options"}
    return [
        (path, verb.upper())
        for path, item in DESCRIBED["paths"].items()
        for verb in item
        if verb in verbs
    ]


def test_every_json_route_is_described_and_nothing_else(tmp_path: Path) -> None:
    app = create_app(settings_of(tmp_path, 8000))
    routed = {
        (route.path, method)
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = set(operations())
    assert described <= routed
    others = {path for path, _ in routed - described}
    assert {
        path for path in others if path != "/" and not path.startswith(PAGES)
    } == set()


@SCHEMA.parametrize()
@EXAMPLES
def test_whatever_is_sent_the_answer_is_as_described(
    case: schemathesis.Case, running: Running
) -> None:
    for credentials in running.credentials:
        answer = case.call(base_url=running.url, headers=credentials)
        case.validate_response(answer, checks=list(CHECKS))
