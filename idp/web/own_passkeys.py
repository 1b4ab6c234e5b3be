"""A signed-in person's passkeys: add, rename, remove.

    POST /account/passkeys/options   what the authenticator is to make (JSON)
    POST /account/passkeys           its answer: `credential`, and a `name`
    POST /account/passkeys/name      `passkey`, `name`
    POST /account/passkeys/remove    `passkey`

A new passkey is a new key to the account: only a login of the last five minutes may
bind one, so that a browser left open binds nobody else's, and the person is told on
every channel: a login that was relayed to a stranger must not stay his for good unseen.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from webauthn import generate_registration_options, options_to_json
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from idp.domain.messages import Notice
from idp.domain.passkey_answers import ALGORITHMS, read_answer, verify_new
from idp.domain.passkeys import clean_name
from idp.domain.sessions import Session
from idp.errors import (
    AlreadyRegistered,
    AssertionInvalid,
    ChallengeClosed,
    Exhausted,
    IdentityError,
    NotFound,
)
from idp.services import Services
from idp.storage.columns import to_millis
from idp.web.guard import form_of, from_our_page, services_of
from idp.web.signed_in import for_signed_in, to_account

FRESH: Final = timedelta(minutes=5)
OPTIONS_SECONDS: Final = 300
MOST_CHALLENGES: Final = 20  # of one account in that time
SAID: Final[tuple[tuple[type[IdentityError], str], ...]] = (
    (AssertionInvalid, "refused"),
    (AlreadyRegistered, "known"),
    (ChallengeClosed, "late"),
    (Exhausted, "most"),
)


def is_fresh(services: Services, session: Session) -> bool:
    """Say whether the person logged in within the last five minutes."""
    age = to_millis(services.clock.now()) - session.auth_time
    return age < FRESH.total_seconds() * 1000


@from_our_page
@for_signed_in
async def options(request: Request, session: Session) -> Response:
    """Answer the options for `navigator.credentials.create`."""
    services = services_of(request)
    if not is_fresh(services, session):
        return JSONResponse({"said": "stale"}, status_code=HTTPStatus.FORBIDDEN)
    challenge = await services.ceremonies.begin(
        _owner(session), seconds=OPTIONS_SECONDS, most=MOST_CHALLENGES
    )
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, session.account_id)
        known = await services.passkeys.of_account(tx, account.id)
    direct = services.passkeys.roots
    made = generate_registration_options(
        rp_id=services.passkeys.party.rp_id,
        rp_name="CamDigiKey",
        user_id=services.passkeys.user_handle(account.id),
        # Kept by the authenticator and shown when one is chosen: initials only.
        user_name=account.facts.initials,
        user_display_name=account.facts.initials,
        challenge=challenge,
        attestation=AttestationConveyancePreference.DIRECT
        if direct
        else AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id))
            for one in known
        ],
        supported_pub_key_algs=list(ALGORITHMS),
    )
    return JSONResponse(
        orjson.loads(options_to_json(made)), headers={"cache-control": "no-store"}
    )


@from_our_page
@for_signed_in
async def add(request: Request, session: Session) -> Response:
    """Bind the passkey that the options led to, once."""
    services = services_of(request)
    if not is_fresh(services, session):
        return to_account(request, "stale")
    form = await form_of(request)
    try:
        await _bind(services, session, form)
    except IdentityError as fact:
        said = next((name for kind, name in SAID if isinstance(fact, kind)), None)
        if said is None:
            raise
        return to_account(request, said)
    return to_account(request, "added")


@from_our_page
@for_signed_in
async def rename(request: Request, session: Session) -> Response:
    """Give a passkey another name."""
    services = services_of(request)
    form = await form_of(request)
    async with services.store.begin() as tx:
        await services.passkeys.rename(
            tx,
            form.get("passkey", ""),
            account_id=session.account_id,
            name=clean_name(form.get("name", "")),
        )
    return to_account(request, "renamed")


@from_our_page
@for_signed_in
async def remove(request: Request, session: Session) -> Response:
    """Take a passkey away; once more is as good as once."""
    services = services_of(request)
    passkey_id = (await form_of(request)).get("passkey", "")
    try:
        async with services.store.begin() as tx:
            await services.passkeys.remove(
                tx, passkey_id, account_id=session.account_id
            )
            await services.messages.tell(tx, session.account_id, Notice.PASSKEY_REMOVED)
    except NotFound:
        return to_account(request, "removed")
    return to_account(request, "removed")


async def _bind(services: Services, session: Session, form: dict[str, str]) -> None:
    unverified = read_answer(form.get("credential", ""))
    await services.ceremonies.spend(_owner(session), unverified.challenge)
    new = verify_new(
        unverified, party=services.passkeys.party, roots=services.passkeys.roots
    )
    async with services.store.begin() as tx:
        await services.passkeys.add(
            tx,
            new,
            account_id=session.account_id,
            name=clean_name(form.get("name", "")),
        )
        await services.messages.tell(tx, session.account_id, Notice.PASSKEY_ADDED)


def _owner(session: Session) -> str:
    return f"account:{session.account_id}:{session.id}"
