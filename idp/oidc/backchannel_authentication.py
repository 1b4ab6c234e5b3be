"""The backchannel authentication endpoint (CIBA Core 1.0, 7).

    parse → authenticate the client → (the signed request) → check → who is meant
          → count, write the row (one transaction) → the phone learns of it

The answer carries the binding code as an extension member: the relying party shows
its two digits, and the person types them into the phone.
"""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from idp.domain.backchannel_requests import PUSH, BackchannelRequest
from idp.domain.interactions import AuthorizationRequest, Interaction, Requester
from idp.domain.relying_parties import RelyingParty
from idp.domain.shown_parties import shown_claims, shown_party
from idp.errors import Exhausted, IdentityError
from idp.oidc.backchannel_checks import AskedBackchannel, checked_backchannel, life_of
from idp.oidc.backchannel_hints import account_of_hint
from idp.oidc.client_authentication import authenticate_client
from idp.oidc.context import services_of
from idp.oidc.errors import ProtocolRefusal, json_response, refusal_response
from idp.oidc.parameters import read_form
from idp.oidc.request_objects import (
    LONGEST_LIFE,
    parameters_of,
    verify_signed_request,
)
from idp.services import Services
from idp.storage.columns import new_id

PATH = "/backchannel-authentication"
OUTSIDE = frozenset(
    {"request", "client_id", "client_secret"}
    | {"client_assertion", "client_assertion_type"}
)
MAX_JTI = 255
MINUTE = 60
POLLED_LATER = 120  # seconds past the end in which polls are still counted


async def backchannel_authentication(request: Request) -> Response:
    """Answer `POST /backchannel-authentication`."""
    services = services_of(request)
    try:
        form = await read_form(request)
        party = await authenticate_client(services, request, form)
        await _spend(services, party)
        asked = await _asked(services, party, form)
        opened = await open_request(services, asked)
        return json_response(_view(services, opened))
    except (IdentityError, ProtocolRefusal) as fact:
        return refusal_response(fact, realm=services.settings.issuer)


async def open_request(
    services: Services, asked: AskedBackchannel
) -> BackchannelRequest:
    """Check the request, find the person, write it and tell the phone.

    Raises ProtocolRefusal, ScopeRefused, AssuranceTooLow, PushRefused.
    """
    request = checked_backchannel(asked)
    account_id = await account_of_hint(services, asked)
    settings = services.settings
    challenge = services.challenges.make_pushed(
        _interaction(request, account_id),
        party=shown_party(asked.party),
        claims=shown_claims(request),
        binding_message=asked.parameters.get("binding_message", ""),
        life=life_of(
            asked,
            usual=settings.backchannel_life,
            most=settings.backchannel_life_most,
        ),
    )
    async with services.store.begin() as tx:
        opened = await services.backchannel.open(
            tx,
            challenge,
            delivery=asked.delivery,
            notification_token=asked.parameters.get("client_notification_token", ""),
        )
    life = (opened.expires_at - opened.made_at) / 1000
    await services.backchannel_polls.begin(opened.id, life=life + POLLED_LATER)
    await services.backchannel.announce(opened)
    return opened


def _interaction(request: AuthorizationRequest, account_id: str) -> Interaction:
    """Return the request as the phone's side knows it: no browser owns it.

    The empty hash is no cookie's. The requester is the party's own server, of which
    the channel tells all there is to tell.
    """
    named = replace(request, required_account=account_id)
    return Interaction(new_id(), named, Requester(network="", browser=""), "")


async def _asked(
    services: Services, party: RelyingParty, form: Mapping[str, str]
) -> AskedBackchannel:
    parameters = dict(form)
    if "request" in form:
        if set(form) - OUTSIDE:
            # All parameters are inside, or none is (Core 1.0, 7.1.1).
            raise ProtocolRefusal("invalid_request", "parameters beside the request")
        parameters = await _signed_parameters(services, party, form["request"])
    return AskedBackchannel(
        party=party,
        issuer=services.settings.issuer,
        parameters=parameters,
        is_signed="request" in form,
    )


async def _signed_parameters(
    services: Services, party: RelyingParty, unverified_text: str
) -> dict[str, str]:
    """Return what the party signed, once (Core 1.0, 7.1.1)."""
    alg = party.metadata.backchannel_authentication_request_signing_alg
    try:
        claims = await verify_signed_request(
            services,
            party,
            unverified_text,
            registered_alg=alg,
            needs=("exp", "iat", "nbf"),
        )
        found = parameters_of(claims, client_id=party.id)
    except ProtocolRefusal as error:
        # The error that Core 1.0, 13 has for it.
        raise ProtocolRefusal("invalid_request", error.spoken.description) from error
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise ProtocolRefusal("invalid_request", "jti is missing")
    seconds = 2 * LONGEST_LIFE.total_seconds()
    digest = sha256(f"{party.id}\n{jti}".encode("utf-8", "surrogatepass")).hexdigest()
    key = f"backchannel-request:{digest}"
    if not await services.ephemeral.add_once(key, seconds=seconds):
        raise ProtocolRefusal("invalid_request", "this request was sent before")
    return found


async def _spend(services: Services, party: RelyingParty) -> None:
    counted = await services.ephemeral.count(f"backchannel:{party.id}", seconds=MINUTE)
    if counted > services.settings.backchannel_requests_a_minute:
        raise Exhausted("backchannel requests", retry_after=MINUTE)


def _view(services: Services, opened: BackchannelRequest) -> dict[str, str | int]:
    view: dict[str, str | int] = {
        "auth_req_id": opened.auth_req_id,
        "expires_in": (opened.expires_at - opened.made_at) // 1000,
        "binding_code": opened.challenge.binding_code,
    }
    if opened.delivery != PUSH:
        view["interval"] = services.backchannel_polls.interval
    return view
