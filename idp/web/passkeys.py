"""Log in with a passkey, beside the QR code: the first of them wins.

    GET  /login/{interaction}/passkey   what the authenticator is to sign, once
    POST /login/{interaction}/passkey   its answer, in the form field `credential`

The credential is discoverable: nobody types a name. An answer that is refused leads
back to the login page, which says so in its own language; the QR code is still there.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from webauthn import generate_authentication_options, options_to_json
from webauthn.helpers.structs import UserVerificationRequirement

from idp.domain.assurance import (
    UserVerification,
    amr_of,
    authenticator_level,
    lowest,
    reaches,
)
from idp.domain.audit import EventTag
from idp.domain.interactions import AuthorizationRequest, Interaction, Login
from idp.domain.passkey_answers import UnverifiedAnswer, read_answer, verify_use
from idp.domain.passkeys import Passkey
from idp.errors import (
    AccountSuspended,
    AssertionInvalid,
    AssuranceTooLow,
    ChallengeClosed,
    Exhausted,
    IdentityError,
    LoginNeeded,
)
from idp.services import Services
from idp.storage.columns import new_id, to_millis
from idp.web import pages
from idp.web.finishing import go_on, next_session, propose
from idp.web.guard import (
    for_its_browser,
    form_of,
    from_our_page,
    own_interaction,
    services_of,
)

MOST_CHALLENGES: Final = 40  # of one interaction
MOST_ANSWERS: Final = 10
# What the login page says of a refusal; anything else is answered as elsewhere.
SAID: Final[tuple[tuple[type[IdentityError], str], ...]] = (
    (AssertionInvalid, "refused"),
    (AccountSuspended, "suspended"),
    (AssuranceTooLow, "too_low"),
    (ChallengeClosed, "late"),
    (Exhausted, "exhausted"),
    (LoginNeeded, "other_account"),
)


@for_its_browser
async def options(request: Request) -> Response:
    """Answer GET: options for `navigator.credentials.get`."""
    services = services_of(request)
    interaction = await own_interaction(request)
    challenge = await services.ceremonies.begin(
        _owner(interaction),
        seconds=services.settings.interaction_life.total_seconds(),
        most=MOST_CHALLENGES,
    )
    made = generate_authentication_options(
        rp_id=services.passkeys.party.rp_id,
        challenge=challenge,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return JSONResponse(
        orjson.loads(options_to_json(made)), headers={"cache-control": "no-store"}
    )


@for_its_browser
@from_our_page
async def answer(request: Request) -> Response:
    """Answer POST: log in, or say on the login page why not."""
    services = services_of(request)
    interaction = await own_interaction(request)
    if interaction.login is not None:
        return go_on(interaction.id)
    text = (await form_of(request)).get("credential", "")
    try:
        login = await log_in(services, interaction, text)
        login = replace(login, session_id=next_session(services, request.cookies))
        return await propose(services, interaction, login)
    except IdentityError as fact:
        said = next((name for kind, name in SAID if isinstance(fact, kind)), None)
        if said is None:
            raise
        return _back(request, interaction, said)


async def log_in(services: Services, interaction: Interaction, text: str) -> Login:
    """Return the login that an answer makes; raises what `SAID` names.

    The attempt is counted and the challenge spent before anything is checked.
    """
    life = services.settings.interaction_life.total_seconds()
    owner = _owner(interaction)
    await services.ceremonies.count(
        f"answered:{owner}", seconds=life, most=MOST_ANSWERS
    )
    unverified = read_answer(text)
    await services.ceremonies.spend(owner, unverified.challenge)
    async with services.store.read() as tx:
        passkey = await services.passkeys.find(tx, unverified.credential_id)
    await _use(services, interaction, passkey, unverified)
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, passkey.account_id)
        await services.relying_parties.find(tx, interaction.request.client_id)
    level = authenticator_level(
        UserVerification.WEBAUTHN,
        is_attested_hardware=passkey.is_attested_hardware,
        is_synced=passkey.is_synced,
        is_cross_device=False,  # bound to our origin: nothing can be relayed
    )
    acr = lowest(account.level, level)
    _check_asked(interaction.request, account_id=account.id, acr=acr)
    return Login(
        grant_id=new_id(),
        account_id=account.id,
        session_id="",  # the browser's next, set by the endpoint
        acr=acr,
        amr=amr_of(
            UserVerification.WEBAUTHN,
            is_attested_hardware=passkey.is_attested_hardware,
        ),
        auth_time=to_millis(services.clock.now()),
        claims=interaction.request.claims,
    )


async def _use(
    services: Services,
    interaction: Interaction,
    passkey: Passkey,
    unverified: UnverifiedAnswer,
) -> None:
    """Check the answer, and keep its sign count; raises AssertionInvalid."""
    use = verify_use(
        unverified,
        public_key=passkey.public_key,
        is_synced=passkey.is_synced,
        user_handle=services.passkeys.user_handle(passkey.account_id),
        party=services.passkeys.party,
    )
    async with services.store.begin() as tx:
        await services.passkeys.was_used(tx, passkey, use)
        await services.audit.record(
            tx,
            EventTag.LOGIN_PASSKEY,
            account=passkey.account_id,
            relying_party=interaction.request.client_id,
            detail={"passkey": passkey.id},
        )


def _check_asked(asked: AuthorizationRequest, *, account_id: str, acr: str) -> None:
    """Check that this person and this level will do. Pure."""
    if asked.required_account not in {None, account_id}:
        raise LoginNeeded("another account is required")
    if not reaches(acr, needed=asked.acr):
        raise AssuranceTooLow(acr)


def _owner(interaction: Interaction) -> str:
    return f"login:{interaction.id}"


def _back(request: Request, interaction: Interaction, said: str) -> Response:
    query = {"said": said}
    if "lang" in request.query_params:
        query["lang"] = pages.locale_of(request)
    return RedirectResponse(
        f"/login/{interaction.id}?{urlencode(query)}",
        status_code=HTTPStatus.SEE_OTHER,
        headers={"cache-control": "no-store"},
    )
