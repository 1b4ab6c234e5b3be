"""Domain refusals spoken as OAuth errors: one table.

    before client and redirect URI are known good     a page, never a redirect
    at the authorization endpoint after that          a redirect with iss (RFC 9207)
    at the token, userinfo and revocation endpoints   JSON (RFC 6749, 5.2)

The description is fixed text from here; what an exception says is for the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from idp import errors as facts

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class OAuthError:
    """An error code of OAuth or OpenID Connect, its status and its text (ASCII)."""

    error: str
    status: int = 400
    description: str = ""


class ProtocolRefusal(Exception):
    """A request breaks a rule of the protocol itself.

    `headers` belong to the answer wherever it is JSON.
    """

    def __init__(
        self,
        error: str,
        description: str = "",
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.spoken = OAuthError(error, status, description)
        self.headers = dict(headers or {})


DENIED = OAuthError("access_denied", 400, "the login was not approved")
INVALID = OAuthError("invalid_request", 400, "the request cannot be understood")

SPOKEN: Mapping[type[facts.IdentityError], OAuthError] = {
    facts.IdentityError: INVALID,
    facts.Malformed: INVALID,
    facts.NotFound: OAuthError("invalid_request", 400, "there is no such thing"),
    facts.Refused: DENIED,
    facts.RelyingPartyUnknown: OAuthError(
        "invalid_client", UNAUTHORIZED, "client authentication failed"
    ),
    facts.RedirectUriUnknown: OAuthError(
        "invalid_request", 400, "redirect_uri is not registered"
    ),
    facts.GrantSpent: OAuthError(
        "invalid_grant", 400, "the grant is unknown, spent, over or revoked"
    ),
    facts.ScopeRefused: OAuthError(
        "invalid_scope", 400, "the client may not ask for this scope"
    ),
    facts.LoginNeeded: OAuthError("login_required", 400, "nobody is signed in"),
    facts.ConsentNeeded: OAuthError(
        "consent_required", 400, "the person has not released these claims"
    ),
    facts.AssuranceTooLow: OAuthError(
        "unmet_authentication_requirements", 400, "the asked acr was not reached"
    ),
    facts.ChallengePending: OAuthError(
        "authorization_pending", 400, "the person has not answered yet"
    ),
    facts.ChallengeDenied: DENIED,
    facts.ChallengeClosed: DENIED,
    facts.ChallengeTaken: DENIED,
    facts.PushRefused: OAuthError(
        "access_denied", 403, "this person may not be asked now"
    ),
    facts.RequestExpired: OAuthError(
        "expired_token", 400, "nobody answered in time; begin again"
    ),
    facts.PollTooFast: OAuthError(
        "slow_down", 400, "wait 5 seconds longer between questions from now on"
    ),
    facts.QrStale: DENIED,
    facts.ProofInvalid: DENIED,
    facts.ProofNonceStale: DENIED,
    facts.AssertionInvalid: DENIED,
    facts.ClientJwtInvalid: INVALID,
    facts.DeviceUnknown: DENIED,
    facts.DeviceRevoked: DENIED,
    facts.DeviceSuspended: DENIED,
    facts.AttestationInvalid: DENIED,
    facts.RoleMissing: DENIED,
    facts.AccountSuspended: DENIED,
    facts.Locked: DENIED,
    facts.AlreadyRegistered: INVALID,
    facts.DevicesFull: INVALID,
    facts.WrongStep: INVALID,
    facts.CodeWrong: DENIED,
    facts.CodeExpired: DENIED,
    facts.PhoneInvalid: INVALID,
    facts.EmailInvalid: INVALID,
    facts.WorkRequired: DENIED,
    facts.FieldsInvalid: INVALID,
    facts.EvidenceInsufficient: DENIED,
    facts.Exhausted: OAuthError("temporarily_unavailable", 429, "too many requests"),
    facts.Unavailable: OAuthError(
        "temporarily_unavailable", 503, "try again in a moment"
    ),
}


def spoken(fact: facts.IdentityError | ProtocolRefusal) -> OAuthError:
    """Return the OAuth error that says this refusal."""
    if isinstance(fact, ProtocolRefusal):
        return fact.spoken
    return next(SPOKEN[kind] for kind in type(fact).__mro__ if kind in SPOKEN)


def json_response(
    body: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer JSON that no cache keeps."""
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json",
        headers={**NO_STORE, **(headers or {})},
    )


def refusal_response(
    fact: facts.IdentityError | ProtocolRefusal, *, realm: str
) -> Response:
    """Answer a refusal at a back-channel endpoint (RFC 6749, 5.2)."""
    error = spoken(fact)
    headers = {}
    if error.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Basic realm="{realm}"'
    retry_after = getattr(fact, "retry_after", None)
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    headers.update(getattr(fact, "headers", {}))
    body = {"error": error.error, "error_description": error.description}
    return json_response(body, status=error.status, headers=headers)
