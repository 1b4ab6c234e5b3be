"""The login page and its buttons.

    GET  /login/{interaction}               the page, with or without JavaScript
    POST /login/{interaction}/renew         a new code (`automatic` when by itself)
    POST /login/{interaction}/same-device   a link into the app on this device
    POST /login/{interaction}/cancel        end it; `reason=not_me` is recorded
    POST /login/{interaction}/leave         back to the relying party, without a login
    POST /login/{interaction}/finish        "Continue as …": signed in, once

Every one of them wants the interaction's cookie; every POST wants our Origin.
"""

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from idp.domain.audit import EventTag
from idp.domain.challenge_records import Channel, State
from idp.domain.interactions import Interaction
from idp.errors import ChallengeClosed
from idp.services import Services
from idp.web import pages, passkeys
from idp.web.challenging import (
    end_current,
    may_renew,
    offers_qr,
    open_first,
    open_next,
)
from idp.web.finishing import finish as finish_login
from idp.web.finishing import go_on, to_consent
from idp.web.guard import (
    for_its_browser,
    form_of,
    from_our_page,
    own_interaction,
    services_of,
)
from idp.web.qr import draw
from idp.web.sandbox import offers
from idp.web.shown import parties_of, shown_in
from idp.web.view import View, look

JSON = "application/json"
SAID = frozenset(name for _, name in passkeys.SAID)
TICKS = frozenset({State.PENDING, State.CLAIMED})


@for_its_browser
async def show(request: Request) -> Response:
    """Show the page; the first look opens the challenge."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    if interaction.proposed is not None:
        return to_consent(interaction.id)
    try:
        interaction = await open_first(services, interaction)
    except ChallengeClosed:  # another tab was first: show what it opened
        interaction = await own_interaction(request)
    return await _page(request, interaction)


@for_its_browser
@from_our_page
async def renew(request: Request) -> Response:
    """End the challenge and open the next."""
    automatic = (await form_of(request)).get("automatic") == "1"
    return await _replace(request, channel=Channel.QR, automatic=automatic)


@for_its_browser
@from_our_page
async def same_device(request: Request) -> Response:
    """Replace the QR by a link that opens the app on this device."""
    return await _replace(request, channel=Channel.SAME_DEVICE, automatic=False)


@for_its_browser
@from_our_page
async def cancel(request: Request) -> Response:
    """End the login attempt; "not me" is on record."""
    services = services_of(request)
    not_me = (await form_of(request)).get("reason") == "not_me"
    interaction = await own_interaction(request)
    tag = EventTag.LOGIN_NOT_ME if not_me else EventTag.LOGIN_CANCELLED
    with suppress(ChallengeClosed):  # the page will show how it ended instead
        await end_current(services, interaction, tag=tag, automatic=False)
    return _back(request, interaction)


@for_its_browser
@from_our_page
async def leave(request: Request) -> Response:
    """Go back to the relying party with a no, unless the login is finished."""
    services = services_of(request)
    interaction = await own_interaction(request)
    with suppress(ChallengeClosed):  # finished: then it goes back with a yes
        tag = EventTag.LOGIN_CANCELLED
        if interaction.challenge_id:
            await end_current(services, interaction, tag=tag, automatic=False)
        await services.interactions.refuse(interaction)
    return go_on(interaction.id)


@for_its_browser
@from_our_page
async def finish(request: Request) -> Response:
    """Complete the login when its approval is there and fresh."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    async with services.store.read() as tx:
        decision = await services.decisions.find(tx, interaction.challenge_id)
    # A same-device approval comes back by /return and in no other way.
    if decision is None or decision.verdict.return_hash:
        return _back(request, interaction)
    try:
        return await finish_login(
            services, interaction, decision, cookies=request.cookies
        )
    except ChallengeClosed:
        return _back(request, interaction)


async def _replace(request: Request, *, channel: Channel, automatic: bool) -> Response:
    services = services_of(request)
    interaction = await own_interaction(request)
    wanted = channel is not Channel.QR or offers_qr(interaction)
    if wanted and may_renew(services, interaction, automatic=automatic):
        tag = EventTag.LOGIN_CANCELLED
        try:
            await end_current(services, interaction, tag=tag, automatic=automatic)
            interaction = await open_next(services, interaction, channel=channel)
        except ChallengeClosed:
            interaction = await own_interaction(request)
    if JSON in request.headers.get("accept", ""):
        view = await look(services, interaction)
        return JSONResponse(
            {
                "state": view.state,
                "challenge": view.challenge_id,
                "link": view.link,
            },
            headers={"cache-control": "no-store"},
        )
    return _back(request, interaction)


async def _page(request: Request, interaction: Interaction) -> Response:
    services = services_of(request)
    asked = interaction.request
    locale = pages.locale_of(request, asked.locale)
    parties = await parties_of(services, asked)
    view = await look(services, interaction)
    return pages.render(
        "login.html",
        locale=locale,
        form_targets=(asked.redirect_uri,),
        shown=shown_in(parties, asked, locale),
        view=view,
        panel=_panel(services, interaction, view),
        picture=draw(view.codes[0][1]) if view.codes else None,
        path=f"/login/{interaction.id}",
        query=_query(request),
        ticks=view.state in TICKS and bool(interaction.challenge_id),
        may_renew=may_renew(services, interaction, automatic=False),
        renews_itself=may_renew(services, interaction, automatic=True),
        has_qr=offers_qr(interaction),
        app_origin=services.settings.app_origin,
        on_phone=_is_phone(request),
        said=said if (said := request.query_params.get("said")) in SAID else "",
        citizens=offers(services, locale),
    )


def _panel(services: Services, interaction: Interaction, view: View) -> str:
    """Return which part of the page is shown."""
    if not interaction.challenge_id:
        return "start"
    if view.is_open:
        prefix = "app_" if view.channel is Channel.SAME_DEVICE else ""
        return prefix + view.state.value
    if not may_renew(services, interaction, automatic=False):
        return "renewals"
    return view.reason


def _back(request: Request, interaction: Interaction) -> RedirectResponse:
    return RedirectResponse(
        f"/login/{interaction.id}{_query(request)}",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"cache-control": "no-store"},
    )


def _query(request: Request) -> str:
    """Keep the language that was switched to."""
    chosen = request.query_params.get("lang")
    if chosen is None:
        return ""
    return "?" + urlencode({"lang": pages.locale_of(request)})


def _is_phone(request: Request) -> bool:
    """Guess, for the order of the page only, whether this is a phone."""
    hint = request.headers.get("sec-ch-ua-mobile")
    return hint == "?1" or "Mobi" in request.headers.get("user-agent", "")
