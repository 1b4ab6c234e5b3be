"""The provider of the drill, as a process: its keys rotate every ten minutes.

python -m bench.rotations.provider '{"issuer": …, "store": …, "parties": […]}'
"""

import asyncio
import json
import sys
from datetime import timedelta
from typing import Any

import uvicorn

from idp.app import create_app
from idp.domain.party_metadata import PartyMetadata
from idp.domain.relying_parties import RelyingParty
from idp.services import Services, open_services
from idp.settings import IdpSettings
from idp.storage.database import migrate

EVERY = timedelta(minutes=10)
# The slowest cache among the clients: Apache's module keeps our keys for an hour.
SLOWEST_CACHE = timedelta(hours=1)
TOKEN_LIFE = timedelta(minutes=10)
OVERLAP = SLOWEST_CACHE + TOKEN_LIFE + timedelta(minutes=5)


async def register(services: Services, wanted: dict[str, Any]) -> None:
    """Register one relying party of the drill."""
    party = RelyingParty(
        id=wanted["id"],
        name_km="វិបផតថល",
        name_en="Portal",
        domain="localhost",
        purpose_km="ដើម្បីសាកល្បង",
        purpose_en="To try",
        redirect_uris=tuple(wanted["redirect_uris"]),
        post_logout_redirect_uris=(),
        scopes=("openid", "profile", "offline_access"),
        auth_method="client_secret_basic" if wanted["secret"] else "none",
        metadata=PartyMetadata(id_token_signed_response_alg=wanted["alg"]),
    )
    async with services.store.begin() as tx:
        await services.relying_parties.add(tx, party, secret=wanted["secret"])


async def main() -> None:
    """Serve until killed."""
    wanted = json.loads(sys.argv[1])
    settings = IdpSettings(
        environment="development",
        sandbox=True,
        issuer=wanted["issuer"],
        app_origin="http://localhost:1",
        store=wanted["store"],
        master_key_file=wanted["master_key_file"],
        key_rotation=EVERY,
        key_publish_ahead=EVERY,
        key_overlap=OVERLAP,
        refresh_life=timedelta(hours=1),
    )
    migrate(settings.store)
    async with open_services(settings) as services:
        for party in wanted["parties"]:
            await register(services, party)
        app = create_app(settings, services)
        config = uvicorn.Config(
            app, host="127.0.0.1", port=wanted["port"], log_level="error", ws="none"
        )
        tending = asyncio.create_task(services.keys.run())
        print("ready", flush=True)
        await uvicorn.Server(config).serve()
        tending.cancel()


if __name__ == "__main__":
    asyncio.run(main())
