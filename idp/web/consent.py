"""The consent page: what a login that is done may tell the relying party.

    GET  /consent/{interaction}          who asks for what, and who is signed in
    POST /consent/{interaction}          release the required claims and those left on
    POST /consent/{interaction}/refuse   back to the relying party with a no
    POST /consent/{interaction}/another  another account: the login page

It serves a passkey login, and a browser session of before that no consent covers:
both were proposed to the interaction. What the page showed is named by `proposal`, so
that an answer never releases another person's claims, or to another proposal.
"""

import hmac
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.domain.audit import EventTag
from idp.domain.challenge_records import Channel
from idp.domain.interactions import AuthorizationRequest, Interaction, Login
from idp.errors import ChallengeClosed
from idp.services import Services
from idp.web import pages
from idp.web.challenging import may_renew, offers_qr, open_next
from idp.web.finishing import go_on, release
from idp.web.guard import (
    for_its_browser,
    form_of,
    from_our_page,
    own_interaction,
    services_of,
)
from idp.web.shown import parties_of, shown_in

CLAIM = "claim."  # the switch of a voluntary claim is called `claim.<name>`


@for_its_browser
async def show(request: Request) -> Response:
    """Show what would be released, and to whom."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    if interaction.proposed is None:
        return _to_login(request, interaction)
    return await _page(request, interaction, interaction.proposed, services)


@for_its_browser
@from_our_page
async def decide(request: Request) -> Response:
    """Release what the person left on; once."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    form = await form_of(request)
    _check_proposal(interaction, form.get("proposal", ""))
    chosen = {name.removeprefix(CLAIM) for name in form if name.startswith(CLAIM)}
    return await release(
        services, interaction, claims=released(interaction.request, chosen)
    )


@for_its_browser
@from_our_page
async def refuse(request: Request) -> Response:
    """End the login with a no; the person is on record as having said it."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    _check_proposal(interaction, (await form_of(request)).get("proposal", ""))
    await services.interactions.refuse(interaction)
    assert interaction.proposed is not None
    async with services.store.begin() as tx:
        await services.audit.record(
            tx,
            EventTag.LOGIN_DENIED,
            account=interaction.proposed.account_id,
            relying_party=interaction.request.client_id,
        )
    return go_on(interaction.id)


@for_its_browser
@from_our_page
async def another(request: Request) -> Response:
    """Forget the proposal and let somebody else log in, with a fresh code."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    with suppress(ChallengeClosed):  # another tab was first: it shows what is
        interaction = await services.interactions.propose(interaction, None)
        is_spent = bool(interaction.challenge_id) and offers_qr(interaction)
        if is_spent and may_renew(services, interaction, automatic=False):
            await open_next(services, interaction, channel=Channel.QR)
    return _to_login(request, interaction)


def released(asked: AuthorizationRequest, chosen: set[str]) -> tuple[str, ...]:
    """Return what is released: all that is required, and what was left on. Pure."""
    return tuple(
        claim
        for claim in asked.claims
        if claim not in asked.voluntary or claim in chosen
    )


def _check_proposal(interaction: Interaction, shown: str) -> None:
    """Check that the answer is to what stands now; raises ChallengeClosed."""
    stands = interaction.proposal
    if not stands or not hmac.compare_digest(stands.encode(), shown.encode()):
        raise ChallengeClosed("another proposal")


async def _page(
    request: Request, interaction: Interaction, login: Login, services: Services
) -> Response:
    asked = interaction.request
    locale = pages.locale_of(request, asked.locale)
    parties = await parties_of(services, asked)
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, login.account_id)
    return pages.render(
        "consent.html",
        locale=locale,
        form_targets=(asked.redirect_uri,),
        shown=shown_in(parties, asked, locale),
        path=f"/consent/{interaction.id}",
        query=_query(request),
        proposal=interaction.proposal,
        initials=account.facts.initials,
        may_change=asked.required_account is None,
    )


def _to_login(request: Request, interaction: Interaction) -> Response:
    return RedirectResponse(
        f"/login/{interaction.id}{_query(request)}",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"cache-control": "no-store"},
    )


def _query(request: Request) -> str:
    if "lang" not in request.query_params:
        return ""
    return "?" + urlencode({"lang": pages.locale_of(request)})
