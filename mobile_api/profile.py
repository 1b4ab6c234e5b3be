"""What an unlocked phone shows of its person: profile and activity."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.accounts import Account
from idp.domain.documents import Document, level_until
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
        documents = await services.documents.of_account(tx, account.id)
    now = int(services.clock.now().timestamp() * SECOND)
    return JSONResponse({"profile": profile_view(account, documents, now=now)})


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


def profile_view(
    account: Account, documents: Sequence[Document], *, now: int
) -> dict[str, Any]:
    """Return the profile of docs/mobile-api.md; `now` in milliseconds. Pure."""
    facts = account.facts
    until = level_until(documents, at=now)
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
        "level_until": None if until is None else until // SECOND,
        "documents": [
            document_view(one, now=now)
            for one in reversed(documents)
            if one.replaced_at is None
        ],
    }


def document_view(document: Document, *, now: int) -> dict[str, Any]:
    """Return one document as the app shows it; `now` in milliseconds. Pure."""
    facts, replaced_at = document.facts, document.replaced_at
    return {
        "id": document.id,
        "kind": facts.kind,
        "issuer": facts.issuer,
        "number": facts.number,
        "expires": facts.expires,
        "level": document.level,
        "is_valid": document.is_valid_at(now),
        "added_at": document.added_at // SECOND,
        "replaced_at": None if replaced_at is None else replaced_at // SECOND,
    }
