"""From an approval to a signed-in browser: spend, complete, set the cookie, go on."""

from http import HTTPStatus
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from idp.domain.decisions import Decision
from idp.domain.interactions import Interaction, Login
from idp.domain.sessions import cookie_name as session_cookie
from idp.errors import ChallengeClosed, NotFound
from idp.services import Services
from idp.storage.columns import new_id


async def finish(
    services: Services, interaction: Interaction, decision: Decision
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
        session_id=new_id(),
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


async def _consume(services: Services, challenge_id: str) -> None:
    try:
        challenge = await services.challenges.find(challenge_id)
    except NotFound:
        return  # only the durable decision is left; completing is still once
    await services.challenges.consume(challenge)


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
