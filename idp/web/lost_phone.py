"""Report a lost phone, without a phone and without a login (docs/devices.md).

GET  /lost-phone          the form
POST /lost-phone          `phone`         → the code's form, whoever has the number
POST /lost-phone/code     `case`, `code`  → suspended
"""

import re
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from idp.domain.phones import read_phone
from idp.domain.rate_limits import network_of
from idp.errors import CodeExpired, CodeWrong, Exhausted, PhoneInvalid
from idp.translations import say_number, translate
from idp.web import pages
from idp.web.guard import form_of, from_our_page, services_of

LONGEST_PHONE, LONGEST_CODE = 40, 16
CASE: Final = re.compile(r"[A-Za-z0-9_-]{22}")


def routes() -> list[BaseRoute]:
    """Return the routes of the page."""
    return [
        Route("/lost-phone", show, methods=["GET"]),
        Route("/lost-phone", begin, methods=["POST"]),
        Route("/lost-phone/code", prove, methods=["POST"]),
    ]


async def show(request: Request) -> Response:
    """Ask for the number."""
    return _form(request)


@from_our_page
async def begin(request: Request) -> Response:
    """Send a code if the number has an account, and never say whether it has."""
    services = services_of(request)
    typed = (await form_of(request)).get("phone", "")[:LONGEST_PHONE]
    host = request.client.host if request.client else ""
    try:
        phone = read_phone(typed)
        async with services.store.begin() as tx:
            case = await services.lost_phones.begin(
                tx, phone=phone, network=network_of(host)
            )
    except PhoneInvalid:
        return _form(request, error="phone")
    except Exhausted as exhausted:
        return pages.refusal(exhausted, locale=pages.locale_of(request))
    if case.code:
        # Apart from the answer: a gateway's time would tell who has an account.
        services.code_delivery.by_text_apart(
            owner=f"lost:{case.id}",
            to=phone,
            code=case.code,
            locale=pages.locale_of(request),
        )
    return _code_form(request, case.id)


@from_our_page
async def prove(request: Request) -> Response:
    """Check the code; suspend."""
    services = services_of(request)
    form = await form_of(request)
    case, code = form.get("case", ""), form.get("code", "")[:LONGEST_CODE]
    if CASE.fullmatch(case) is None:
        return _form(request, error="late")
    try:
        async with services.store.begin() as tx:
            await services.lost_phones.prove(tx, case, code)
    except CodeWrong as wrong:
        if wrong.attempts_left:
            return _code_form(request, case, left=wrong.attempts_left)
        return _form(request, error="late")
    except CodeExpired:
        return _form(request, error="late")
    await services.logouts.wake()
    return _done(request)


def _form(request: Request, *, error: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    locale = pages.locale_of(request)
    return pages.render(
        "lost_phone.html",
        locale=locale,
        status=status,
        switch=request.method == "GET",
        error=error,
    )


def _code_form(request: Request, case_id: str, *, left: int = 0) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if left else HTTPStatus.OK
    locale = pages.locale_of(request)
    return pages.render(
        "lost_phone_code.html",
        locale=locale,
        status=status,
        switch=False,
        case=case_id,
        left=say_number(left, locale) if left else None,
    )


def _done(request: Request) -> Response:
    locale = pages.locale_of(request)
    said = pages.Notice(
        title=translate("lost.done.title", locale),
        text=translate("lost.done.text", locale),
        next=translate("lost.done.next", locale),
        fine=translate("lost.done.fine", locale),
    )
    return pages.notice(said, locale=locale, status=HTTPStatus.OK)
