"""GET /documents and POST /documents/renewals: what the account rests on, over time.

A renewal is a registration without a telephone number and without a device: its steps
are those of registration_pictures.py, and it ends with a new document for the account
that the device is bound to.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.services import Services
from mobile_api.authentication import unlocked_device
from mobile_api.bodies import RenewalBody
from mobile_api.endpoints import read_empty, read_json, services_of
from mobile_api.profile import document_view
from mobile_api.registration_steps import answer_view


async def documents(request: Request) -> Response:
    """GET /documents: every document of the account, the newest first."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.read() as tx:
        found = await services.documents.of_account(tx, device.account_id)
    now = _now(services)
    shown = [document_view(one, now=now) for one in reversed(found)]
    return JSONResponse({"documents": shown})


async def renew(request: Request) -> Response:
    """POST /documents/renewals: begin with the pictures of the new document."""
    services = services_of(request)
    proved, body = await read_json(request, RenewalBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        account = await services.accounts.active(tx, device.account_id)
        await services.registrations.renew(
            tx, device_id=device.id, account=account, locale=body.locale
        )
    return await answer_view(services, device.id, status=201)


def _now(services: Services) -> int:
    return int(services.clock.now().timestamp() * 1000)
