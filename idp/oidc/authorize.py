"""The authorization endpoint: check, then answer at once or park the request.

    GET|POST /authorize          → an answer (single sign-on, errors)
                                 → 303 to /login/<interaction>, with its cookie
                                 → 303 to /consent/<interaction>, with its cookie
    GET /authorize/resume        → an answer: a code or an error

An answer is a redirect or a page that posts (`authorization_response.py`). Until the
redirect URI is known good everything is told by a page and nothing is redirected.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.interactions import AuthorizationRequest, Interaction, cookie_name
from idp.domain.relying_parties import RelyingParty
from idp.errors import (
    ChallengeDenied,
    ConsentNeeded,
    IdentityError,
    LoginNeeded,
    Unavailable,
)
from idp.oidc.authorization_checks import check_way_back
from idp.oidc.authorization_request import Asked, read_request
from idp.oidc.authorization_response import Answers, WayBack
from idp.oidc.checked_request import checked_request
from idp.oidc.context import services_of
from idp.oidc.errors import ProtocolRefusal, spoken
from idp.oidc.pages import Pages
from idp.oidc.parameters import read_form, read_query, required
from idp.oidc.parking import park
from idp.oidc.standing_login import (
    check_login,
    login_of,
    released_claims,
    standing_session,
    with_required_account,
)
from idp.services import Services

RESUME_PATH = "/authorize/resume"
Fact = IdentityError | ProtocolRefusal


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """`/authorize` and `/authorize/resume`."""

    pages: Pages

    async def authorize(self, request: Request) -> Response:
        """Answer `GET` or `POST /authorize`."""
        services = services_of(request)
        try:
            is_form = request.method == "POST"
            outer = await read_form(request) if is_form else read_query(request)
            party = await find_party(services, required(outer, "client_id"))
            asked = await read_request(services, party, outer)
            check_way_back(asked)
        except (IdentityError, ProtocolRefusal) as fact:
            return self._refused(request, fact)
        try:
            return await self._decide(request, asked)
        except (IdentityError, ProtocolRefusal) as fact:
            return await self._send_back(request, WayBack.of_asked(asked), fact)

    async def resume(self, request: Request) -> Response:
        """Answer `GET /authorize/resume?interaction=…`: the login is over."""
        services = services_of(request)
        secure = services.settings.is_secure
        try:
            interaction_id = required(read_query(request), "interaction")
            name = cookie_name(interaction_id, secure=secure)
            interaction = await services.interactions.resume(
                interaction_id, cookie=request.cookies.get(name, "")
            )
            party = await find_party(services, interaction.request.client_id)
            await spend_pushed(services, interaction.request)
        except (IdentityError, ProtocolRefusal) as fact:
            return self._refused(request, fact)
        response = await self._finish(request, party, interaction)
        response.delete_cookie(
            name, path="/", secure=secure, httponly=True, samesite="lax"
        )
        return response

    async def _decide(self, request: Request, asked: Asked) -> Response:
        """Answer at once when session and consent allow it, else park.

        `prompt=login` needs no word here: `fresh_since` lets no session do.
        """
        services = services_of(request)
        wanted = checked_request(asked, now=services.clock.now())
        wanted = await with_required_account(services, wanted, asked)
        prompts = frozenset(asked.words("prompt"))
        try:
            session = await standing_session(services, request, asked.party, wanted)
        except LoginNeeded:
            if "none" in prompts:
                raise
            return await park(request, wanted)
        proposed = login_of(session, claims=wanted.claims)
        if "select_account" in prompts:
            return await park(request, wanted, proposed=proposed)
        try:
            claims = await released_claims(services, session, wanted)
        except ConsentNeeded:
            if "none" in prompts:
                raise
            return await park(request, wanted, proposed=proposed)
        await spend_pushed(services, wanted)
        login = login_of(session, claims=claims)
        code = services.grants.make_code(wanted, login, is_single_sign_on=True)
        way = WayBack.of_parked(asked.party, wanted)
        return await Answers(self.pages).grant(request, way, code)

    async def _finish(
        self, request: Request, party: RelyingParty, interaction: Interaction
    ) -> Response:
        """Return the answer that a completed or refused interaction ends in."""
        services = services_of(request)
        wanted, login = interaction.request, interaction.login
        way = WayBack.of_parked(party, wanted)
        try:
            if login is None:
                raise ChallengeDenied("the person said no")
            check_login(services, party, wanted, login)
            code = services.grants.make_code(wanted, login)
            return await Answers(self.pages).grant(request, way, code)
        except (IdentityError, ProtocolRefusal) as fact:
            return await self._send_back(request, way, fact)

    async def _send_back(self, request: Request, way: WayBack, fact: Fact) -> Response:
        """Tell the party; when not even that can be signed, tell the person."""
        try:
            return await Answers(self.pages).refuse(request, way, fact)
        except (IdentityError, ProtocolRefusal) as failure:
            return self._refused(request, failure)

    def _refused(self, request: Request, fact: Fact) -> Response:
        code = fact.code if isinstance(fact, IdentityError) else spoken(fact).error
        status = 503 if isinstance(fact, Unavailable) else 400
        return self.pages.refused(request, code=code, status=status)


async def find_party(services: Services, client_id: str) -> RelyingParty:
    """Return a live party; raises RelyingPartyUnknown."""
    async with services.store.read() as tx:
        return await services.relying_parties.find(tx, client_id)


async def spend_pushed(services: Services, wanted: AuthorizationRequest) -> None:
    """Note that a pushed request is answered; raises GrantSpent the second time."""
    if wanted.pushed_id:
        await services.pushed_requests.spend(wanted.pushed_id)
