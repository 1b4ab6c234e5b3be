"""To whom a token is bound, and whether it is they who present it.

""                  nobody: a bearer token
"jkt:…"             the holder of a DPoP key (RFC 9449, 6)
"x5t#S256:…"        the holder of a client certificate (RFC 8705, 3)
"""

import hmac

from starlette.requests import Request

from idp.domain.profiles import profile_of
from idp.domain.relying_parties import RelyingParty
from idp.oidc.client_certificates import certificate_of
from idp.oidc.dpop import DPOP_ALGORITHMS, check_dpop, new_nonce
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

JKT, X5T = "jkt", "x5t#S256"
BEARER, DPOP = "Bearer", "DPoP"
UNAUTHORIZED = 401


async def sender_of(services: Services, request: Request, party: RelyingParty) -> str:
    """Return what the tokens of this token request are bound to.

    A proof binds whoever sends one; a certificate those who registered for it. Raises
    ProtocolRefusal when the party's profile or registration demands what is missing.
    """
    jkt = await check_dpop(services, request)
    if jkt is not None:
        return f"{JKT}:{jkt}"
    if party.metadata.tls_client_certificate_bound_access_tokens:
        certificate = certificate_of(services, request)
        if certificate is None:
            raise ProtocolRefusal("invalid_request", "a client certificate is needed")
        return f"{X5T}:{certificate.thumbprint}"
    is_bound = profile_of(party).requires_sender_constraint
    if is_bound or party.metadata.dpop_bound_access_tokens:
        raise ProtocolRefusal("invalid_dpop_proof", "a DPoP proof is needed")
    return ""


def token_type_of(confirmation: str) -> str:
    """Return the `token_type` of an answer (RFC 6749, 7.1; RFC 9449, 5). Pure."""
    return DPOP if confirmation.startswith(f"{JKT}:") else BEARER


async def check_presenter(
    services: Services,
    request: Request,
    *,
    scheme: str,
    access_token: str,
    confirmation: str,
) -> None:
    """Check that an access token is presented by those to whom it is bound.

    `scheme` is that of the Authorization header. Raises ProtocolRefusal (401) with
    the challenge of RFC 6750, 3 or RFC 9449, 7.1 in its headers.
    """
    method, _, bound_to = confirmation.rpartition(":")
    if scheme.lower() != token_type_of(confirmation).lower():
        # RFC 9449, 7.2: a bound token is no bearer token, nor the other way round.
        raise _refusal(services, confirmation, "invalid_token")
    if method == JKT:
        await _check_proof(services, request, access_token, confirmation)
    elif method == X5T:
        certificate = certificate_of(services, request)
        if certificate is None or not hmac.compare_digest(
            certificate.thumbprint, bound_to
        ):
            raise _refusal(services, confirmation, "invalid_token")


async def _check_proof(
    services: Services, request: Request, access_token: str, confirmation: str
) -> None:
    try:
        jkt = await check_dpop(
            services,
            request,
            access_token=access_token,
            expected_jkt=confirmation.removeprefix(f"{JKT}:"),
        )
    except ProtocolRefusal as fact:
        raise _refusal(services, confirmation, fact.spoken.error) from fact
    if jkt is None:
        raise _refusal(services, confirmation, "invalid_dpop_proof")


def challenge(
    services: Services, *, confirmation: str = "", error: str | None = None
) -> str:
    """Return the `WWW-Authenticate` of a resource of ours."""
    text = f'{token_type_of(confirmation)} realm="{services.settings.issuer}"'
    if error is not None:
        text += f', error="{error}"'
    if token_type_of(confirmation) == DPOP:
        text += f', algs="{" ".join(DPOP_ALGORITHMS)}"'
    return text


def _refusal(services: Services, confirmation: str, error: str) -> ProtocolRefusal:
    headers = {
        "WWW-Authenticate": challenge(services, confirmation=confirmation, error=error)
    }
    if token_type_of(confirmation) == DPOP:
        headers["DPoP-Nonce"] = new_nonce(services)
    return ProtocolRefusal(
        error,
        "the token is not presented as it is bound",
        status=UNAUTHORIZED,
        headers=headers,
    )
