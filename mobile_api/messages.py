"""What the person was told: the app's list of notices, in both languages."""

from typing import Annotated, Any, Final

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.message_texts import body_of_notice, title_of_notice
from idp.domain.messages import ToldNotice
from mobile_api.authentication import unlocked_device
from mobile_api.bodies import Body
from mobile_api.endpoints import read_empty, read_json, services_of

SECOND: Final = 1000
LANGUAGES: Final = ("km", "en")


class SeenMessagesBody(Body):
    """The notices that were on the screen."""

    ids: list[Annotated[str, Field(max_length=64)]] = Field(max_length=100)


async def messages(request: Request) -> Response:
    """GET /messages: the account's notices, newest first."""
    services = services_of(request)
    device = await unlocked_device(services, await read_empty(request))
    async with services.store.read() as tx:
        found = await services.messages.notices_of(tx, device.account_id)
    return JSONResponse({"messages": [message_view(one) for one in found]})


async def seen(request: Request) -> Response:
    """POST /messages/seen: these were read."""
    services = services_of(request)
    proved, body = await read_json(request, SeenMessagesBody)
    device = await unlocked_device(services, proved)
    async with services.store.begin() as tx:
        await services.messages.mark_seen(tx, device.account_id, tuple(body.ids))
    return Response(status_code=204)


def message_view(told: ToldNotice) -> dict[str, Any]:
    """Return one notice of docs/mobile-api.md. Pure."""
    notice = told.notice.value
    return {
        "id": told.id,
        "notice": notice,
        "at": told.made_at // SECOND,
        "seen": told.seen_at is not None,
        "title": {one: title_of_notice(notice, one) for one in LANGUAGES},
        "text": {one: body_of_notice(notice, one) for one in LANGUAGES},
        "detail": dict(told.detail),
    }
