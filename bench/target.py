"""One server process of ours for a side-by-side benchmark, in its sandbox.

    python -m bench.target --port 9105

Served as `camdigikey serve` does, with SQLite and `synchronous=FULL`, on loopback.
Registered: `bench-web` (code flow, secret), `bench-svc` (client_credentials, scope
`api`), both with the secret `<client_id>-secret`; a login page's first form logs in
the test citizen.
"""

import argparse
import asyncio
import tempfile

import uvicorn

from camdigikey.commands.serve import behind_proxies
from idp.app import create_app
from idp.domain.party_metadata import PartyMetadata
from idp.domain.relying_parties import RelyingParty
from idp.services import open_services
from idp.settings import IdpSettings
from idp.storage.columns import b64encode
from idp.storage.database import migrate

BACK = "http://127.0.0.1:9999/cb"


def parties() -> list[RelyingParty]:
    """Return who asks."""
    about = {
        "name_km": "វិបផតថល",
        "name_en": "Portal",
        "domain": "127.0.0.1",
        "purpose_km": "វាស់ល្បឿន",
        "purpose_en": "To measure",
        "redirect_uris": (BACK,),
        "sector": "bench",
    }
    scopes = ("openid", "profile", "offline_access")
    service = PartyMetadata(
        grant_types=("client_credentials",), api_scopes=("api",), resources=()
    )
    return [
        RelyingParty(id="bench-web", scopes=scopes, **about),
        RelyingParty(id="bench-svc", metadata=service, **about),
    ]


async def serve(port: int, folder: str) -> None:
    """Serve until stopped."""
    store = f"sqlite:///{folder}/bench.sqlite3"
    migrate(store)
    settings = IdpSettings(
        environment="development",
        sandbox=True,
        issuer=f"http://127.0.0.1:{port}",
        app_origin=f"http://localhost:{port}",
        store=store,
        master_key=b64encode(b"b" * 32),
        sms_sender="idp.engines.development:create",
        logins_per_prefix_a_minute=10_000_000,
        access_token_life="PT1H",
    )
    async with open_services(settings) as services:
        async with services.store.begin() as tx:
            for party in parties():
                secret = f"{party.id}-secret"
                await services.relying_parties.add(tx, party, secret=secret)
        app = behind_proxies(create_app(settings, services), settings.trusted_proxies)
        config = uvicorn.Config(
            app,
            port=port,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        await uvicorn.Server(config).serve()


def main() -> None:
    """Start it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9105)
    asked = parser.parse_args()
    loops = uvicorn.Config("").get_loop_factory()  # as `uvicorn.Server.run` chooses
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=loops) as runner,
    ):
        runner.run(serve(asked.port, folder))


if __name__ == "__main__":
    main()
