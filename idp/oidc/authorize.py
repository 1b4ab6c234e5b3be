"""The authorization endpoint: check, then answer at once or park the request.

    GET|POST /authorize          → 303 to the relying party (single sign-on, errors)
                                 → 303 to /login/<interaction>, with its cookie
    GET /authorize/resume        → 303 to the relying party, with a code or an error

Redirects are 303 (RFC 9700, 4.12) and carry `iss` (RFC 9207).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.domain.assurance import reaches
from idp.domain.interactions import (
    AuthorizationRequest,
    Interaction,
    Login,
    cookie_name,
)
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import Session
from idp.domain.sessions import cookie_name as session_cookie_name
from idp.errors import (
    AssuranceTooLow,
    ChallengeDenied,
    ConsentNeeded,
    Exhausted,
    IdentityError,
    LoginNeeded,
    Malformed,
    NotFound,
    Unavailable,
)
from idp.oidc.authorization_checks import (
    Asked,
    check_redirect_uri,
    checked_request,
    with_parameters,
)
from idp.oidc.context import services_of
from idp.oidc.errors import NO_STORE, ProtocolRefusal, spoken
from idp.oidc.id_token_hint import verify_hint
from idp.oidc.pages import Pages
from idp.oidc.parameters import read_form, read_query, required
from idp.oidc.requester import requester_of
from idp.services import Services
from idp.storage.columns import new_id, to_millis

HEADERS = {**NO_STORE, "Referrer-Policy": "no-referrer"}
ASKS_AGAIN = frozenset({"login", "consent", "select_account"})
RESUME_PATH = "/authorize/resume"


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """`/authorize` and `/authorize/resume`."""

    pages: Pages

    async def authorize(self, request: Request) -> Response:
        """Answer `GET` or `POST /authorize`."""
        services = services_of(request)
        try:
            is_form = request.method == "POST"
            parameters = await read_form(request) if is_form else read_query(request)
            party = await self._party(services, parameters)
            check_redirect_uri(party, parameters)
        except (IdentityError, ProtocolRefusal) as fact:
            return self._refused(request, fact)
        try:
            return await self._decide(request, party, parameters)
        except (IdentityError, ProtocolRefusal) as fact:
            return refusal_redirect(
                fact,
                redirect_uri=parameters["redirect_uri"],
                state=_safe_state(parameters),
                issuer=services.settings.issuer,
            )

    async def resume(self, request: Request) -> Response:
        """Answer `GET /authorize/resume?interaction=…`: the login is over."""
        services = services_of(request)
        try:
            interaction_id = required(read_query(request), "interaction")
            name = cookie_name(interaction_id, secure=services.settings.is_secure)
            interaction = await services.interactions.resume(
                interaction_id, cookie=request.cookies.get(name, "")
            )
        except (IdentityError, ProtocolRefusal) as fact:
            return self._refused(request, fact)
        response = finish(services, interaction)
        response.delete_cookie(
            name,
            path="/",
            secure=services.settings.is_secure,
            httponly=True,
            samesite="lax",
        )
        return response

    async def _decide(
        self, request: Request, party: RelyingParty, parameters: Mapping[str, str]
    ) -> Response:
        """Answer at once when session and consent allow it, else park."""
        services = services_of(request)
        issuer = services.settings.issuer
        asked = Asked(party=party, issuer=issuer, parameters=parameters)
        wanted = checked_request(asked)
        wanted = await with_required_account(services, wanted, asked)
        prompts = set(asked.words("prompt"))
        if prompts & ASKS_AGAIN:
            return await park(services, request, wanted)
        try:
            login = await standing_login(services, request, wanted)
        except (LoginNeeded, ConsentNeeded):
            if "none" in prompts:
                raise
            return await park(services, request, wanted)
        code = services.grants.make_code(wanted, login, is_single_sign_on=True)
        return code_redirect(wanted, code, issuer=issuer)

    async def _party(
        self, services: Services, parameters: Mapping[str, str]
    ) -> RelyingParty:
        client_id = required(parameters, "client_id")
        async with services.store.read() as tx:
            return await services.relying_parties.find(tx, client_id)

    def _refused(
        self, request: Request, fact: IdentityError | ProtocolRefusal
    ) -> Response:
        code = fact.code if isinstance(fact, IdentityError) else spoken(fact).error
        status = 503 if isinstance(fact, Unavailable) else 400
        return self.pages.refused(request, code=code, status=status)


async def with_required_account(
    services: Services, wanted: AuthorizationRequest, asked: Asked
) -> AuthorizationRequest:
    """Name the one account that an `id_token_hint` allows, if there is a hint."""
    text = asked.get("id_token_hint")
    if text is None:
        return wanted
    hint = await verify_hint(services, text)
    if hint.client_id != asked.party.id:
        raise Malformed("another client's hint")
    if hint.account_id is None:
        raise LoginNeeded("the hinted login is long gone")
    return replace(wanted, required_account=hint.account_id)


async def standing_login(
    services: Services, request: Request, wanted: AuthorizationRequest
) -> Login:
    """Return the login that stands in this browser and covers the request.

    Raises LoginNeeded and ConsentNeeded.
    """
    name = session_cookie_name(secure=services.settings.is_secure)
    async with services.store.read() as tx:
        session = await services.sessions.live(tx, request.cookies.get(name))
        if session is None or not serves(services, session, wanted):
            raise LoginNeeded("no session that would do")
        consent = await services.consents.find(
            tx, account_id=session.account_id, relying_party_id=wanted.client_id
        )
    if consent is None or not consent.covers(wanted.claims):
        raise ConsentNeeded("not decided yet")
    return Login(
        grant_id=new_id(),
        account_id=session.account_id,
        session_id=session.id,
        acr=session.acr,
        amr=session.amr,
        auth_time=session.auth_time,
        claims=tuple(claim for claim in wanted.claims if claim in consent.claims),
        device_id=session.device_id,
    )


def serves(services: Services, session: Session, wanted: AuthorizationRequest) -> bool:
    """Say whether a session is fresh, sure and this person's enough. Pure."""
    age = to_millis(services.clock.now()) - session.auth_time
    is_fresh = wanted.max_age is None or age < wanted.max_age * 1000
    is_person = wanted.required_account in {None, session.account_id}
    return is_fresh and is_person and reaches(session.acr, needed=wanted.acr)


async def park(
    services: Services, request: Request, wanted: AuthorizationRequest
) -> Response:
    """Park the request and send the browser to its login page."""
    address = request.client.host if request.client else None
    requester = requester_of(address=address, headers=request.headers)
    await _spend_login(services, requester.network)
    interaction, cookie = await services.interactions.park(wanted, requester=requester)
    response = RedirectResponse(f"/login/{interaction.id}", 303, headers=HEADERS)
    secure = services.settings.is_secure
    response.set_cookie(
        cookie_name(interaction.id, secure=secure),
        cookie,
        max_age=int(services.settings.interaction_life.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def _spend_login(services: Services, network: str) -> None:
    """Count one more login of this network; raises Exhausted."""
    counted = await services.ephemeral.count(f"logins:{network}", seconds=60)
    if counted > services.settings.logins_per_prefix_a_minute:
        raise Exhausted("logins a prefix", retry_after=60)


def finish(services: Services, interaction: Interaction) -> Response:
    """Return the redirect that a completed or refused interaction ends in."""
    wanted, login = interaction.request, interaction.login
    issuer = services.settings.issuer
    try:
        if login is None:
            raise ChallengeDenied("the person said no")
        if wanted.required_account not in {None, login.account_id}:
            raise LoginNeeded("another person logged in")
        if not reaches(login.acr, needed=wanted.acr):
            raise AssuranceTooLow(login.acr)
        if not set(login.claims) <= set(wanted.claims):
            raise NotFound("claims that were not asked")
    except IdentityError as fact:
        return refusal_redirect(
            fact, redirect_uri=wanted.redirect_uri, state=wanted.state, issuer=issuer
        )
    code = services.grants.make_code(wanted, login)
    return code_redirect(wanted, code, issuer=issuer)


def code_redirect(wanted: AuthorizationRequest, code: str, *, issuer: str) -> Response:
    """Return the successful answer."""
    answer = {"code": code, "state": wanted.state, "iss": issuer}
    uri = with_parameters(wanted.redirect_uri, answer)
    return RedirectResponse(uri, 303, headers=HEADERS)


def refusal_redirect(
    fact: IdentityError | ProtocolRefusal,
    *,
    redirect_uri: str,
    state: str | None,
    issuer: str,
) -> Response:
    """Return a refusal to a verified redirect URI (RFC 6749, 4.1.2.1)."""
    error = spoken(fact)
    answer = {
        "error": error.error,
        "error_description": error.description or None,
        "state": state,
        "iss": issuer,
    }
    uri = with_parameters(redirect_uri, answer)
    return RedirectResponse(uri, 303, headers=HEADERS)


def _safe_state(parameters: Mapping[str, str]) -> str | None:
    """Return `state` to be sent back as it came, unless it is unreasonably long."""
    state = parameters.get("state")
    return None if state is None or len(state) > 1024 else state  # noqa: PLR2004
