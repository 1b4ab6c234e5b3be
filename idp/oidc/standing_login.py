"""Whether a login that stands in this browser answers the request.

Who is meant (`id_token_hint`, `sub` of the claims request), how fresh and how sure
the login is, and what the person released: read here before a code is made without
asking anybody, and again when a parked request comes back.
"""

from dataclasses import replace

from starlette.requests import Request

from idp.domain.assurance import reaches
from idp.domain.interactions import AuthorizationRequest, Login
from idp.domain.relying_parties import RelyingParty
from idp.domain.sessions import Session, cookie_name
from idp.domain.subjects import subject_key, subject_of
from idp.errors import (
    AssuranceTooLow,
    ConsentNeeded,
    LoginNeeded,
    Malformed,
    NotFound,
)
from idp.oidc.authorization_request import Asked
from idp.oidc.claims_request import check_subject, needs_subject, parse_claims_request
from idp.oidc.id_token_hint import verify_hint
from idp.services import Services
from idp.storage.columns import new_id, to_millis

# Nodes may disagree about the time by this much (milliseconds).
SKEW = 5000


async def with_required_account(
    services: Services, wanted: AuthorizationRequest, asked: Asked
) -> AuthorizationRequest:
    """Name the one account that an `id_token_hint` allows, if there is a hint.

    Raises Malformed, and LoginNeeded when nobody knows any more whose hint it was.
    """
    text = asked.get("id_token_hint")
    if text is None:
        return wanted
    hint = await verify_hint(services, text)
    if hint.client_id != asked.party.id:
        raise Malformed("another client's hint")
    if hint.account_id is None:
        raise LoginNeeded("the hinted login is long gone")
    return replace(wanted, required_account=hint.account_id)


async def standing_session(
    services: Services,
    request: Request,
    party: RelyingParty,
    wanted: AuthorizationRequest,
) -> Session:
    """Return the session of this browser that will do; raises LoginNeeded."""
    name = cookie_name(secure=services.settings.is_secure)
    async with services.store.read() as tx:
        session = await services.sessions.live(tx, request.cookies.get(name))
    now = to_millis(services.clock.now())
    if session is None or not serves(session, wanted, now=now):
        raise LoginNeeded("no session that would do")
    check_person(services, party, wanted, account_id=session.account_id)
    return session


def serves(session: Session, wanted: AuthorizationRequest, *, now: int) -> bool:
    """Say whether a session is fresh and sure enough. Pure.

    `max_age=0` asks for a login that is yet to come (Core, 3.1.2.1): a session is
    always older than that.
    """
    is_fresh = wanted.fresh_since == 0 or wanted.fresh_since < session.auth_time <= now
    return is_fresh and reaches(session.acr, needed=wanted.acr)


def check_person(
    services: Services,
    party: RelyingParty,
    wanted: AuthorizationRequest,
    *,
    account_id: str,
) -> None:
    """Refuse another person than the request names; raises LoginNeeded."""
    if wanted.required_account not in {None, account_id}:
        raise LoginNeeded("another person logged in")
    claims = parse_claims_request(wanted.claims_request)
    if needs_subject(claims):
        key = subject_key(services.sealer)
        subject = subject_of(key, sector=party.sector, account_id=account_id)
        check_subject(claims, subject=subject)


async def released_claims(
    services: Services, session: Session, wanted: AuthorizationRequest
) -> tuple[str, ...]:
    """Return what of the asked the person released before; raises ConsentNeeded.

    A claim that may be withheld and was is decided too: it is not asked again.
    """
    async with services.store.read() as tx:
        consent = await services.consents.find(
            tx, account_id=session.account_id, relying_party_id=wanted.client_id
        )
    if wanted.asks_consent or consent is None:
        raise ConsentNeeded("not decided yet")
    asked, needed = set(wanted.claims), set(wanted.claims) - set(wanted.voluntary)
    if not asked <= set(consent.asked) or not needed <= set(consent.claims):
        raise ConsentNeeded("more is asked than was decided")
    return tuple(claim for claim in wanted.claims if claim in consent.claims)


def login_of(session: Session, *, claims: tuple[str, ...]) -> Login:
    """Return the session's login for one more party. A grant id of its own."""
    return Login(
        grant_id=new_id(),
        account_id=session.account_id,
        session_id=session.id,
        acr=session.acr,
        amr=session.amr,
        auth_time=session.auth_time,
        claims=claims,
        device_id=session.device_id,
    )


def check_login(
    services: Services,
    party: RelyingParty,
    wanted: AuthorizationRequest,
    login: Login,
) -> None:
    """Check that a finished login answers what was asked.

    Raises LoginNeeded, AssuranceTooLow, NotFound.
    """
    check_person(services, party, wanted, account_id=login.account_id)
    if login.auth_time < wanted.fresh_since - SKEW:
        raise LoginNeeded("the login is older than it may be")
    if not reaches(login.acr, needed=wanted.acr):
        raise AssuranceTooLow(login.acr)
    if not set(login.claims) <= set(wanted.claims):
        raise NotFound("claims that were not asked")
