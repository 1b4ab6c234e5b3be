"""The answer of an authorization request: a code or an error, by its response mode.

Errors go the same way as answers. `iss` is always there (RFC 9207, 2), inside the
signed response where there is one (JARM 1.0, 2.1). Redirects are 303 (RFC 9700, 4.12).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.domain.interactions import AuthorizationRequest
from idp.domain.relying_parties import RelyingParty
from idp.errors import IdentityError
from idp.oidc.addresses import with_parameters
from idp.oidc.authorization_request import Asked
from idp.oidc.checked_request import locale_of
from idp.oidc.context import services_of
from idp.oidc.errors import NO_STORE, ProtocolRefusal, spoken
from idp.oidc.pages import Pages
from idp.oidc.response_encryption import sealed_for
from idp.oidc.response_modes import POSTED, SIGNED, mode_of
from idp.services import Services
from idp.storage.columns import to_millis

HEADERS = {**NO_STORE, "Referrer-Policy": "no-referrer"}
# JARM registers no type of its own; without `sid` it never passes for a hint of ours.
JARM = "JWT"
JARM_LIFE = 600
MAX_STATE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """Where an answer goes: a registered redirect URI, a mode, the party's state."""

    party: RelyingParty
    redirect_uri: str
    response_mode: str
    state: str | None
    locale: str

    @classmethod
    def of_asked(cls, asked: Asked) -> "WayBack":
        """Return the way back of a request whose redirect URI is checked.

        A state that is unreasonably long is not sent back.
        """
        state = asked.get("state")
        return cls(
            party=asked.party,
            redirect_uri=asked.parameters["redirect_uri"],
            response_mode=mode_of(asked.party, asked.parameters),
            state=None if state is None or len(state) > MAX_STATE else state,
            locale=locale_of(asked.words("ui_locales")),
        )

    @classmethod
    def of_parked(cls, party: RelyingParty, wanted: AuthorizationRequest) -> "WayBack":
        """Return the way back of a request that was checked and parked."""
        return cls(
            party=party,
            redirect_uri=wanted.redirect_uri,
            response_mode=wanted.response_mode,
            state=wanted.state,
            locale=wanted.locale,
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """Sends codes and refusals back to relying parties."""

    pages: Pages

    async def grant(self, request: Request, way: WayBack, code: str) -> Response:
        """Return the successful answer (RFC 6749, 4.1.2)."""
        return await self._send(request, way, {"code": code, "state": way.state})

    async def refuse(
        self, request: Request, way: WayBack, fact: IdentityError | ProtocolRefusal
    ) -> Response:
        """Return a refusal to a verified redirect URI (RFC 6749, 4.1.2.1)."""
        error = spoken(fact)
        said = {
            "error": error.error,
            "error_description": error.description or None,
            "state": way.state,
        }
        return await self._send(request, way, said)

    async def _send(
        self, request: Request, way: WayBack, said: Mapping[str, str | None]
    ) -> Response:
        services = services_of(request)
        fields = {name: value for name, value in said.items() if value is not None}
        fields["iss"] = services.settings.issuer
        if way.response_mode in SIGNED:
            fields = {"response": await signed_response(services, way.party, fields)}
        if way.response_mode in POSTED:
            return self.pages.form_post(
                request, action=way.redirect_uri, fields=fields, locale=way.locale
            )
        uri = with_parameters(way.redirect_uri, fields)
        return RedirectResponse(uri, 303, headers=HEADERS)


async def signed_response(
    services: Services, party: RelyingParty, fields: Mapping[str, str]
) -> str:
    """Return the JWT of an answer, encrypted too when the party registered so.

    JARM 1.0, 2.1: iss, aud and a short exp beside the parameters. Raises Unavailable,
    and ProtocolRefusal when there is no key to encrypt to.
    """
    now = to_millis(services.clock.now()) // 1000
    claims: dict[str, Any] = {
        **fields,
        "iss": services.settings.issuer,
        "aud": party.id,
        "iat": now,
        "exp": now + JARM_LIFE,
    }
    metadata = party.metadata
    signed = await services.keys.sign(
        claims, typ=JARM, alg=metadata.authorization_signed_response_alg
    )
    return await sealed_for(
        services,
        party,
        signed,
        alg=metadata.authorization_encrypted_response_alg,
        enc=metadata.authorization_encrypted_response_enc,
    )
