"""What an unlocked phone shows of its person: profile and activity."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.accounts import Account
from idp.domain.phones import phone_hint
from mobile_api.authentication import unlocked_device
from mobile_api.endpoints import read_empty, services_of

SECOND: Final = 1000


async def profile(request: Request) -> Response:
    """GET /profile."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, device.account_id)
    return JSONResponse({"profile": profile_view(account)})


async def activity(request: Request) -> Response:
    """GET /activity: what happened with the account, newest first."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.read() as tx:
        rows = await services.audit.of_account(tx, device.account_id)
        parties = await services.relying_parties.all(tx)
        live = await services.devices.of_account(tx, device.account_id)
    names = {one.id: one.name for one in live}
    named = {one.id: {"km": one.name_km, "en": one.name_en} for one in parties}
    events = [
        {
            "at": int(at or 0) // SECOND,
            "event": tag,
            "relying_party": named.get(str(party)),
            "device": names.get(str(device_id)),
        }
        for at, tag, party, device_id in rows
    ]
    return JSONResponse({"events": events})


def profile_view(account: Account) -> dict[str, Any]:
    """Return the profile of docs/mobile-api.md. Pure."""
    facts = account.facts
    return {
        "camdigikey_id": account.camdigikey_id,
        "account_id": account.id,
        "surname_khmer": facts.surname_khmer,
        "given_name_khmer": facts.given_name_khmer,
        "surname_latin": facts.surname_latin,
        "given_name_latin": facts.given_name_latin,
        "birth_date": facts.birth_date,
        "sex": facts.sex,
        "document_number": facts.document_number,
        "document_expires": facts.document_expires,
        "phone_hint": phone_hint(facts.phone),
        "level": account.level,
    }
