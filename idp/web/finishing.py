"""From an approval to a signed-in browser: spend, complete, set the cookie, go on.

finish    a phone's approval: it was the consent, too
propose   a passkey: at once when a consent stands, else by the consent page
release   what the consent page was answered
"""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from idp.domain.audit import EventTag
from idp.domain.challenge_records import State
from idp.domain.consents import Consent
from idp.domain.decisions import Decision
from idp.domain.interactions import AuthorizationRequest, Interaction, Login
from idp.domain.sessions import cookie_name as session_cookie
from idp.errors import ChallengeClosed, NotFound
from idp.services import Services
from idp.web.challenging import end_current


async def propose(
    services: Services, interaction: Interaction, login: Login
) -> Response:
    """Let a passkey's login win over the QR code; raises ChallengeClosed.

    It is complete at once where a standing consent covers what is asked.
    """
    await _end_other_method(services, interaction)
    proposed = await services.interactions.propose(interaction, login)
    asked = interaction.request
    async with services.store.read() as tx:
        consent = await services.consents.find(
            tx, account_id=login.account_id, relying_party_id=asked.client_id
        )
    if asked.asks_consent or consent is None or not answers(consent, asked):
        return to_consent(interaction.id)
    claims = tuple(claim for claim in asked.claims if claim in consent.claims)
    return await release(services, proposed, claims=claims)


def answers(consent: Consent, asked: AuthorizationRequest) -> bool:
    """Say whether all was decided, and all that is required was released. Pure."""
    needed = set(asked.claims) - set(asked.voluntary)
    return set(asked.claims) <= set(consent.asked) and needed <= set(consent.claims)


async def release(
    services: Services, interaction: Interaction, *, claims: tuple[str, ...]
) -> Response:
    """Complete a proposed login, once; raises ChallengeClosed.

    A login that is new gets the cookie of its new session; one that rests on a
    session of before leaves the browser's cookie as it is.
    """
    if interaction.proposed is None:
        raise ChallengeClosed("nothing was proposed")
    client_id = interaction.request.client_id
    async with services.store.read() as tx:
        is_new = await services.releases.check(
            tx, interaction.proposed, client_id=client_id
        )
    login = await services.interactions.release(interaction, claims=claims)
    answer = go_on(interaction.id)
    if is_new:
        sign_in(services, answer, login.session_id)
    return answer


async def finish(
    services: Services,
    interaction: Interaction,
    decision: Decision,
    *,
    cookies: Mapping[str, str],
) -> Response:
    """Finish a login, once; raises ChallengeClosed the second time.

    The approval is spent before anything else, so that a crash costs a new scan and
    never gives two logins. The session gets a fresh identifier; its row is written
    when the code is redeemed.
    """
    if not services.decisions.may_finish(decision):
        raise ChallengeClosed("no fresh approval")
    verdict = decision.verdict
    async with services.store.read() as tx:
        await services.accounts.active(tx, verdict.account_id)
        client_id = interaction.request.client_id
        if not await services.grants.may_become(
            tx, decision.challenge_id, client_id=client_id
        ):
            raise ChallengeClosed("no longer allowed")
    await _consume(services, decision.challenge_id)
    login = Login(
        grant_id=decision.challenge_id,
        account_id=verdict.account_id,
        session_id=next_session(services, cookies),
        acr=verdict.acr,
        amr=verdict.amr,
        auth_time=decision.decided_at,
        claims=verdict.claims,
        device_id=verdict.device_id,
    )
    await services.interactions.complete(interaction, login)
    answer = go_on(interaction.id)
    sign_in(services, answer, login.session_id)
    return answer


def go_on(interaction_id: str) -> RedirectResponse:
    """Send the browser on to where the parked request continues."""
    query = urlencode({"interaction": interaction_id})
    return RedirectResponse(
        f"/authorize/resume?{query}",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"cache-control": "no-store"},
    )


def to_consent(interaction_id: str) -> RedirectResponse:
    """Send the browser to the page that asks what may be released."""
    return RedirectResponse(
        f"/consent/{interaction_id}",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"cache-control": "no-store"},
    )


async def _end_other_method(services: Services, interaction: Interaction) -> None:
    """End the phone's challenge, unless the phone was first: ChallengeClosed."""
    if await services.challenges.status(interaction.challenge_id) is State.APPROVED:
        raise ChallengeClosed("the phone was first")
    tag = EventTag.LOGIN_CANCELLED
    await end_current(services, interaction, tag=tag, automatic=False)


async def _consume(services: Services, challenge_id: str) -> None:
    try:
        challenge = await services.challenges.find(challenge_id)
    except NotFound:
        return  # only the durable decision is left; completing is still once
    await services.challenges.consume(challenge)


def next_session(services: Services, cookies: Mapping[str, str]) -> str:
    """Return a fresh session id in the line of the browser's session, if any."""
    cookie = cookies.get(session_cookie(secure=services.settings.is_secure))
    return services.sessions.new_id(cookie)


def sign_in(services: Services, answer: Response, session_id: str) -> None:
    """Set the cookie of a session that is new with this login."""
    secure = services.settings.is_secure
    answer.set_cookie(
        session_cookie(secure=secure),
        services.sessions.cookie_value(session_id),
        secure=secure,
        httponly=True,
        samesite="lax",
        path="/",
    )
