"""Log in as a test citizen: for portals' own tests, never in production.

    GET  /sandbox                          who the test citizens are, and how to script
    POST /login/{interaction}/sandbox      `citizen=<name>`, or `decision=deny`
    POST /sandbox/backchannel              `auth_req_id=…`, `decision=approve|deny`
                                           (`allow`, as conformance suites say it)

The login page shows the same as plain forms, so a person and a browser without
JavaScript (a conformance suite) use one door. Cookie and Origin are asked for as
everywhere; without the setting both addresses are not there.
"""

from contextlib import suppress
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.domain.audit import EventTag
from idp.domain.sandbox import CITIZENS, Sandbox, citizen_of
from idp.errors import ChallengeClosed, NotFound
from idp.services import Services
from idp.web import pages
from idp.web.challenging import end_current
from idp.web.finishing import go_on, next_session, sign_in
from idp.web.guard import (
    for_its_browser,
    form_of,
    from_our_page,
    own_interaction,
    services_of,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A test citizen in one language."""

    slug: str
    label: str
    case: str


def offers(services: Services, locale: str) -> tuple[Offer, ...]:
    """Return whom a login page offers: nobody outside the sandbox."""
    if services.sandbox is None:
        return ()
    in_khmer = locale == "km"
    return tuple(
        Offer(
            citizen.slug,
            citizen.label.km if in_khmer else citizen.label.en,
            citizen.case.km if in_khmer else citizen.case.en,
        )
        for citizen in CITIZENS
    )


def sandbox_of(services: Services) -> Sandbox:
    """Return the sandbox; raises NotFound where there is none."""
    if services.sandbox is None:
        raise NotFound("sandbox")
    return services.sandbox


@for_its_browser
async def about(request: Request) -> Response:
    """Show the test citizens."""
    services = services_of(request)
    sandbox_of(services)
    locale = pages.locale_of(request)
    return pages.render(
        "sandbox.html",
        locale=locale,
        citizens=offers(services, locale),
        issuer=services.settings.issuer,
    )


@for_its_browser
@from_our_page
async def decide(request: Request) -> Response:
    """Approve a parked request as a test citizen, or deny it."""
    services = services_of(request)
    sandbox = sandbox_of(services)
    interaction = await own_interaction(request)
    form = await form_of(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    is_denied = form.get("decision") == "deny"
    citizen = None if is_denied else citizen_of(form.get("citizen", ""))
    if interaction.challenge_id:
        with suppress(ChallengeClosed):
            await end_current(
                services, interaction, tag=EventTag.LOGIN_CANCELLED, automatic=False
            )
        interaction = await own_interaction(request)
    if citizen is None:
        await services.interactions.refuse(interaction)
        return go_on(interaction.id)
    async with services.store.begin() as tx:
        login = await sandbox.login(
            tx,
            citizen.slug,
            interaction.request,
            withheld=form.get("withhold", "").split(),
        )
    login = replace(login, session_id=next_session(services, request.cookies))
    await services.interactions.complete(interaction, login)
    answer = go_on(interaction.id)
    sign_in(services, answer, login.session_id)
    return answer


async def answer_backchannel(request: Request) -> Response:
    """Answer a CIBA request for its test citizen; the id is the only secret."""
    services = services_of(request)
    said = {**request.query_params, **await form_of(request)}
    try:
        async with services.store.begin() as tx:
            challenge, state = await sandbox_of(services).answer(
                tx,
                said.get("auth_req_id", ""),
                is_approved=said.get("decision") in {"approve", "allow"},
            )
    except NotFound:
        return JSONResponse({"error": "not_found"}, status_code=404)
    await services.backchannel.decided(challenge, state)
    return JSONResponse({"state": state.value})
