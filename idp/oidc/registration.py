"""Parties register themselves (RFC 7591) and look after it (RFC 7592).

    POST   /register               initial access token or software statement
    GET    /register/{client_id}   registration access token: what is in force
    PUT                            a complete new registration; the token is rotated
    DELETE                         the party is disabled, for good

An initial access token is spent before the request is looked at. Secrets are told
once. A PUT that leaves `client_secret` out gets a new one; the one before stays live
until the next, so that a party changes over without a pause.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from idp.domain.party_addresses import host_of, sector_of
from idp.domain.party_registration import Terms
from idp.domain.rate_limits import network_of
from idp.domain.relying_parties import RelyingParty, new_client_id
from idp.errors import (
    FieldsInvalid,
    GrantSpent,
    IdentityError,
    RelyingPartyUnknown,
    Unavailable,
)
from idp.oidc.context import services_of
from idp.oidc.errors import NO_STORE, ProtocolRefusal, json_response, refusal_response
from idp.oidc.registered import registered
from idp.oidc.registration_request import (
    Wanted,
    keys_host,
    read_object,
    refused,
    spoken_fields,
    wanted_party,
)
from idp.oidc.software_statement import terms_of, verify_statement
from idp.services import Services

PATH = "/register"
MAX_BODY = 64 * 1024
MAX_HEADER = 512
SECTOR_LIMIT = 64 * 1024
HOUR = timedelta(hours=1)
# What a client never says of itself (RFC 7592, 2.2).
OURS = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
Answer = Callable[[Request, Services], Awaitable[Response]]


async def register(request: Request) -> Response:
    """Answer `POST /register`."""
    return await _answered(request, _register)


async def manage(request: Request) -> Response:
    """Answer `GET`, `PUT` and `DELETE /register/{client_id}`."""
    work = {"GET": _show, "HEAD": _show, "PUT": _replace, "DELETE": _disable}
    return await _answered(request, work[request.method])


async def _register(request: Request, services: Services) -> Response:
    await _spend_budget(services, request)
    text = await _read_body(request)
    token = _bearer(request)
    granted = None if token is None else await _spend_token(services, token)
    body = read_object(text)
    statement: dict[str, Any] = {}
    if "software_statement" in body:
        statement = verify_statement(services, body["software_statement"])
    if granted is None and not statement:
        raise GrantSpent("neither token nor statement")
    terms = granted or terms_of(statement)
    wanted = _wanted(services, new_client_id(), body, terms, statement)
    party = await _with_sector(services, wanted)
    services.relying_parties.check(party)
    async with services.store.begin() as tx:
        added, secret = await services.relying_parties.add(tx, party)
        access = await services.party_registration.give(tx, added.id, terms)
    now = int(services.clock.now().timestamp())
    told = registered(
        services.settings.issuer, added, issued_at=now, access=access, secret=secret
    )
    return json_response(told, status=201)


async def _show(request: Request, services: Services) -> Response:
    token, _, made_at, party = await _known(request, services)
    told = registered(
        services.settings.issuer, party, issued_at=made_at // 1000, access=token
    )
    return json_response(told)


async def _replace(request: Request, services: Services) -> Response:
    token, terms, made_at, party = await _known(request, services)
    body = read_object(await _read_body(request))
    if body.get("client_id") != party.id:
        raise refused("client_id: not the one that is changed")
    if any(name in body for name in OURS):
        raise refused(f"not yours to say: {', '.join(OURS)}")
    keeps_secret = _shows_secret(services, party, body)
    statement: dict[str, Any] = {}
    if "software_statement" in body:
        statement = verify_statement(services, body["software_statement"])
    wanted = _wanted(services, party.id, body, terms, statement)
    changed = await _with_sector(services, wanted)
    services.relying_parties.check(changed)
    if changed.sector != party.sector:
        raise refused("sector_identifier_uri: every citizen would be somebody else")
    async with services.store.begin() as tx:
        access = await services.party_registration.rotate(tx, party.id, token)
        after = await services.relying_parties.update(tx, changed)
        secret = None
        if after.has_secret and not keeps_secret:
            secret = await services.relying_parties.renew_secret(tx, party.id)
    told = registered(
        services.settings.issuer,
        after,
        issued_at=made_at // 1000,
        access=access,
        secret=secret,
    )
    return json_response(told)


async def _disable(request: Request, services: Services) -> Response:
    _, _, _, party = await _known(request, services)
    async with services.store.begin() as tx:
        await services.party_registration.take_back(tx, party.id)
        await services.relying_parties.disable(tx, party.id)
    return Response(status_code=204, headers=NO_STORE)


async def _known(
    request: Request, services: Services
) -> tuple[str, Terms, int, RelyingParty]:
    """Return token, terms, instant (ms) and party; raises GrantSpent."""
    client_id, token = request.path_params["client_id"], _bearer(request)
    if token is None:
        raise GrantSpent("no registration access token")
    async with services.store.read() as tx:
        found = await services.party_registration.check(tx, client_id, token)
        try:
            party = await services.relying_parties.find(tx, client_id)
        except RelyingPartyUnknown as error:
            raise GrantSpent("disabled") from error
    return token, *found, party


async def _spend_token(services: Services, token: str) -> Terms:
    async with services.store.begin() as tx:
        return await services.party_registration.spend(tx, token)


async def _spend_budget(services: Services, request: Request) -> None:
    network = network_of(request.client.host if request.client else "")
    limit = services.settings.party_registrations_per_prefix_an_hour
    async with services.store.begin() as tx:
        await services.budgets.spend(
            tx, "party registrations", network, limit=limit, window=HOUR
        )


def _wanted(
    services: Services,
    client_id: str,
    body: dict[str, Any],
    terms: Terms,
    statement: dict[str, Any],
) -> Wanted:
    is_development = services.settings.environment == "development"
    return wanted_party(
        client_id, body, terms, is_development=is_development, statement=statement
    )


def _shows_secret(
    services: Services, party: RelyingParty, body: dict[str, Any]
) -> bool:
    """Say whether the request shows the secret it wants to keep."""
    secret = body.get("client_secret")
    if secret is None:
        return False
    try:
        services.relying_parties.check_secret(party, str(secret))
    except RelyingPartyUnknown as error:
        raise refused("client_secret: not the one that was issued") from error
    return True


async def _with_sector(services: Services, wanted: Wanted) -> RelyingParty:
    """Return the party with its sector (Core 1.0, 8.1; CIBA Core 1.0, 4).

    It is told by the request alone, also the second time: nobody keeps a sector by
    taking back what proved that it is theirs. Raises ProtocolRefusal.
    """
    uri, party = wanted.sector_identifier_uri, wanted.party
    if uri:
        await _check_sector(services, uri, party.redirect_uris)
        return replace(party, sector=host_of(uri))
    if party.redirect_uris:
        return replace(party, sector=sector_of(party.redirect_uris))
    host = keys_host(party.auth_method, party.metadata)
    return replace(party, sector=host or party.domain)


async def _check_sector(services: Services, uri: str, uris: tuple[str, ...]) -> None:
    """Refuse a list that does not name every redirect URI: ProtocolRefusal."""
    try:
        text = await services.outbound.get(
            uri, accept="application/json", limit=SECTOR_LIMIT
        )
        listed = orjson.loads(text)
    except (Unavailable, ValueError) as error:
        raise refused("sector_identifier_uri: no list can be read there") from error
    if not isinstance(listed, list) or not set(uris) <= {
        one for one in listed if isinstance(one, str)
    }:
        raise refused("sector_identifier_uri: it does not name every redirect URI")


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or len(header) > MAX_HEADER:
        raise GrantSpent("not a bearer token")
    return token.strip()


async def _read_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProtocolRefusal("invalid_request", "the body must be JSON", status=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise ProtocolRefusal("invalid_request", "too large", status=413)
    return bytes(body)


async def _answered(request: Request, work: Answer) -> Response:
    services = services_of(request)
    realm = services.settings.issuer
    try:
        return await work(request, services)
    except GrantSpent:
        is_named = "authorization" in request.headers
        challenge = f'Bearer realm="{realm}"' + (
            ', error="invalid_token"' if is_named else ""
        )
        headers = {"WWW-Authenticate": challenge}
        return json_response({"error": "invalid_token"}, status=401, headers=headers)
    except FieldsInvalid as fact:
        return refusal_response(spoken_fields(fact), realm=realm)
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=realm)
