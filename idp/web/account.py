"""The account page of a signed-in browser: passkeys, browsers, consents.

    GET  /account
    POST /account/passkeys/options, /account/passkeys, …/name, …/remove
    POST /account/consents/withdraw     `party`: what it was given ends, too
    POST /account/logout-everywhere     every browser and every relying party

Every POST wants our Origin and a live session; an added passkey wants a fresh one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from idp.domain.consents import (
    CLAIM_LABELS,
    Consent,
    delegate_of,
    delegation_label,
)
from idp.domain.passkeys import MOST, Passkey
from idp.domain.sessions import Session, cookie_name
from idp.errors import RelyingPartyUnknown
from idp.services import Services, Transaction
from idp.storage.columns import from_millis
from idp.translations import khmer_digits, say_date, translate
from idp.web import own_passkeys, pages
from idp.web.guard import form_of, from_our_page, services_of
from idp.web.own_passkeys import is_fresh
from idp.web.signed_in import for_signed_in, to_account

CAMBODIA = timedelta(hours=7)  # no summer time
SAID = frozenset(
    {
        "added",
        "known",
        "late",
        "most",
        "refused",
        "removed",
        "renamed",
        "stale",
        "withdrawn",
    }
)


@dataclass(frozen=True, slots=True)
class Released:
    """A standing consent as it is shown."""

    party_id: str
    name: str
    domain: str
    claims: tuple[str, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A passkey as it is shown; `last_used` is "" when it never was."""

    id: str
    name: str
    made: str
    last_used: str
    is_synced: bool
    is_suspended: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in browser as it is shown."""

    since: str
    level: str
    is_this: bool


def routes() -> list[BaseRoute]:
    """Return the routes of the account page."""
    return [
        Route("/account", show, methods=["GET"]),
        Route("/account/passkeys/options", own_passkeys.options, methods=["POST"]),
        Route("/account/passkeys", own_passkeys.add, methods=["POST"]),
        Route("/account/passkeys/name", own_passkeys.rename, methods=["POST"]),
        Route("/account/passkeys/remove", own_passkeys.remove, methods=["POST"]),
        Route("/account/consents/withdraw", withdraw, methods=["POST"]),
        Route("/account/logout-everywhere", log_out_everywhere, methods=["POST"]),
    ]


@for_signed_in
async def show(request: Request, session: Session) -> Response:
    """Show what is bound to the account, and where it is signed in."""
    services = services_of(request)
    locale = pages.locale_of(request)
    async with services.store.read() as tx:
        account = await services.accounts.active(tx, session.account_id)
        passkeys = await services.passkeys.of_account(tx, account.id)
        sessions = await services.sessions.of_account(tx, account.id)
        consents = await services.consents.of_account(tx, account.id)
        released = [await _released(services, tx, one, locale) for one in consents]
    said = request.query_params.get("said")
    return pages.render(
        "account.html",
        locale=locale,
        query=_query(request),
        said=said if said in SAID else "",
        initials=account.facts.initials,
        level=account.level,
        passkeys=[_shown(one, locale) for one in passkeys],
        has_room=len(passkeys) < MOST,
        is_fresh=is_fresh(services, session),
        sessions=list(_signed_in(sessions, session, locale)),
        consents=released,
    )


@from_our_page
@for_signed_in
async def withdraw(request: Request, session: Session) -> Response:
    """Withdraw a consent; what the relying party was given ends with it."""
    services = services_of(request)
    party = (await form_of(request)).get("party", "")
    async with services.store.begin() as tx:
        known = await services.consents.find(
            tx, account_id=session.account_id, relying_party_id=party
        )
        if known is not None:
            await services.releases.withdraw(
                tx, account_id=session.account_id, relying_party_id=party
            )
    return to_account(request, "withdrawn")


@from_our_page
@for_signed_in
async def log_out_everywhere(request: Request, session: Session) -> Response:
    """End every session, approval, code and token of before; this browser's too."""
    services = services_of(request)
    async with services.store.begin() as tx:
        await services.logouts.everywhere(tx, session.account_id)
    await services.logouts.wake()
    locale = pages.locale_of(request)
    said = pages.Notice(
        title=translate("account.logged_out.title", locale),
        text=translate("account.logged_out.text", locale),
    )
    answer = pages.notice(said, locale=locale, status=HTTPStatus.OK)
    secure = services.settings.is_secure
    name = cookie_name(secure=secure)
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


async def _released(
    services: Services, tx: Transaction, consent: Consent, locale: str
) -> Released:
    try:
        party = await services.relying_parties.find(tx, consent.relying_party_id)
    except RelyingPartyUnknown:  # disabled since: its name is not shown any more
        name = domain = consent.relying_party_id
    else:
        name = party.name_km if locale == "km" else party.name_en
        domain = party.domain
    labels = [await _label(services, tx, consent, claim) for claim in consent.claims]
    return Released(
        party_id=consent.relying_party_id,
        name=name,
        domain=domain,
        claims=tuple(label[locale] for label in labels if label),
        since=say_instant(consent.given_at, locale),
    )


async def _label(
    services: Services, tx: Transaction, consent: Consent, claim: str
) -> Mapping[str, str]:
    """Return the plain words of a claim; none when a party in it is gone."""
    target_id = delegate_of(claim)
    if not target_id:
        return CLAIM_LABELS.get(claim, {})
    try:
        party = await services.relying_parties.find(tx, consent.relying_party_id)
        target = await services.relying_parties.find(tx, target_id)
    except RelyingPartyUnknown:
        return {}
    return delegation_label(target.name_km, target.name_en, party=party)


def _shown(passkey: Passkey, locale: str) -> Shown:
    used = passkey.last_used_at
    return Shown(
        id=passkey.id,
        name=passkey.name or translate("account.passkey.unnamed", locale),
        made=say_instant(passkey.made_at, locale),
        last_used="" if used is None else say_instant(used, locale),
        is_synced=passkey.is_synced,
        is_suspended=passkey.is_suspended,
    )


def _signed_in(
    sessions: Iterable[Session], this: Session, locale: str
) -> Iterable[SignedIn]:
    for one in sessions:
        yield SignedIn(
            since=say_instant(one.auth_time, locale),
            level=one.acr,
            is_this=one.id == this.id,
        )


def say_instant(millis: int, locale: str) -> str:
    """Return an instant in words, in the time of Cambodia."""
    there = from_millis(millis) + CAMBODIA
    text = f"{there:%H:%M}"
    shown = khmer_digits(text) if locale == "km" else text
    return f"{say_date(there.date(), locale)} · {shown}"


def _query(request: Request) -> str:
    if "lang" not in request.query_params:
        return ""
    return "?" + urlencode({"lang": pages.locale_of(request)})
