"""Which relying parties may not prompt the person now, and how that is lifted."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mobile_api.authentication import unlocked_device
from mobile_api.bodies import Body
from mobile_api.endpoints import read_empty, read_json, services_of

NO_CONTENT = 204


class LiftBody(Body):
    """The party that may prompt again."""

    relying_party: str = Field(min_length=1, max_length=64)


async def blocks(request: Request) -> Response:
    """GET /push-blocks: who may not prompt, and until when."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.read() as tx:
        standing = await services.push_blocks.of_account(tx, device.account_id)
        parties = await services.relying_parties.all(tx)
    named = {one.id: {"km": one.name_km, "en": one.name_en} for one in parties}
    found: list[dict[str, Any]] = [
        {
            "relying_party": {
                "id": block.relying_party_id,
                "name": named.get(block.relying_party_id),
            },
            "ends_at": block.ends_at // 1000,
        }
        for block in standing
    ]
    return JSONResponse({"blocks": found})


async def lift(request: Request) -> Response:
    """POST /push-blocks/removal: let a party prompt again."""
    services = services_of(request)
    proved, body = await read_json(request, LiftBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        await services.push_blocks.lift(
            tx, account_id=device.account_id, relying_party_id=body.relying_party
        )
    return Response(status_code=NO_CONTENT)
