"""What the domain refuses, spoken as problem+json (RFC 9457): one table.

The code and the status are public and stable; the text comes from the catalogue in
the person's language; the exception's own message goes to the log. A failure that
nobody foresaw is a 500 that says nothing.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from idp.errors import (
    AccountSuspended,
    AlreadyRegistered,
    AssertionInvalid,
    AssuranceTooLow,
    AttestationInvalid,
    ChallengeClosed,
    ChallengeDenied,
    ChallengePending,
    ChallengeTaken,
    ClientJwtInvalid,
    CodeExpired,
    CodeWrong,
    ConsentNeeded,
    DeviceRevoked,
    DevicesFull,
    DeviceSuspended,
    DeviceUnknown,
    EmailInvalid,
    EvidenceInsufficient,
    Exhausted,
    FieldsInvalid,
    GrantSpent,
    IdentityError,
    Locked,
    LoginNeeded,
    Malformed,
    NotFound,
    PhoneInvalid,
    PollTooFast,
    ProofInvalid,
    ProofNonceStale,
    PushRefused,
    QrStale,
    RedirectUriUnknown,
    Refused,
    RelyingPartyUnknown,
    RequestExpired,
    RoleMissing,
    ScopeRefused,
    Unavailable,
    WorkRequired,
    WrongStep,
)
from mobile_api.problem_texts import text_of

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
URN: Final = "urn:camdigikey:problem:"
INTERNAL: Final = "internal"


class TooLarge(Exception):
    """The body is larger than this call takes."""

    code: Final = "too-large"
    status: Final = 413


STATUS: Final[dict[type[IdentityError], int]] = {
    Malformed: 400,
    ProofNonceStale: 401,
    ProofInvalid: 401,
    AssertionInvalid: 401,
    AttestationInvalid: 422,
    DeviceUnknown: 403,
    DeviceRevoked: 403,
    DeviceSuspended: 403,
    RoleMissing: 403,
    AccountSuspended: 403,
    Locked: 403,
    AssuranceTooLow: 403,
    NotFound: 404,
    WrongStep: 409,
    ChallengeClosed: 409,
    ChallengeTaken: 409,
    AlreadyRegistered: 409,
    DevicesFull: 409,
    CodeWrong: 422,
    CodeExpired: 422,
    EvidenceInsufficient: 422,
    FieldsInvalid: 422,
    QrStale: 422,
    PhoneInvalid: 422,
    EmailInvalid: 422,
    WorkRequired: 428,
    Exhausted: 429,
    Unavailable: 503,
}
# Facts of other doors: here they would be a fault of ours.
ELSEWHERE: Final[frozenset[type[IdentityError]]] = frozenset(
    {
        Refused,
        RelyingPartyUnknown,
        ClientJwtInvalid,
        RedirectUriUnknown,
        GrantSpent,
        ScopeRefused,
        LoginNeeded,
        ConsentNeeded,
        ChallengePending,
        ChallengeDenied,
        PushRefused,
        RequestExpired,
        PollTooFast,
    }
)


def problem(
    code: str,
    status: int,
    *,
    locale: str,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem in the person's language."""
    title, detail = text_of(code, locale)
    body = {"type": URN + code, "code": code, "title": title, "detail": detail}
    return JSONResponse(
        {**body, "status": status, **(members or {})},
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": locale, **(headers or {})},
    )


def locale_of(request: Request) -> str:
    """Return `en` when it is asked for before Khmer, else `km` (RFC 9110, 12.5.4)."""
    best, best_weight = "km", 0.0
    for part in request.headers.get("accept-language", "")[:200].split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.partition("-")[0].lower()
        weight = _weight(parameter)
        if language in {"km", "en"} and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    try:
        return float(parameter.strip().removeprefix("q=")) if parameter else 1.0
    except ValueError:
        return 0.0


async def on_refusal(request: Request, error: Exception) -> Response:
    """Answer a refusal of the domain."""
    assert isinstance(error, IdentityError)
    status = STATUS.get(type(error))
    if status is None:
        return await on_failure(request, error)
    logger.info("refused: %s (%s)", error.code, type(error).__name__)
    members = members_of(error)
    retry_after = members.get("retry_after")
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return problem(
        error.code, status, locale=locale_of(request), members=members, headers=headers
    )


async def on_too_large(request: Request, error: Exception) -> Response:
    """Answer a body that is too large, and let go of the connection."""
    assert isinstance(error, TooLarge)
    headers = {"Connection": "close"}
    locale = locale_of(request)
    return problem(error.code, error.status, locale=locale, headers=headers)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such path, or not with this method."""
    assert isinstance(error, HTTPException)
    code = "not-found" if error.status_code == NOT_FOUND else "malformed"
    return problem(
        code, error.status_code, locale=locale_of(request), headers=error.headers
    )


async def on_failure(request: Request, error: Exception) -> Response:
    """Answer a failure of ours; the server logs what it was."""
    logger.error("failed: %s", type(error).__name__)
    return problem(INTERNAL, 500, locale=locale_of(request))


NOT_FOUND: Final = 404
HANDLERS: Final = {
    IdentityError: on_refusal,
    TooLarge: on_too_large,
    HTTPException: on_http_exception,
    Exception: on_failure,
}


def members_of(error: IdentityError) -> dict[str, Any]:  # noqa: PLR0911 - one a kind
    """Return the members that go with a refusal (docs/mobile-api.md). Pure."""
    match error:
        case CodeWrong():
            return {"attempts_left": error.attempts_left}
        case FieldsInvalid():
            named = sorted(error.fields.items())
            return {"fields": [{"name": name, "code": code} for name, code in named]}
        case EvidenceInsufficient():
            members: dict[str, Any] = {"advice": list(error.advice)}
            if error.attempts_left is not None:
                members["attempts_left"] = error.attempts_left
            return members
        case Exhausted() | Unavailable():
            return {"retry_after": error.retry_after}
        case WorkRequired():
            return {"challenge": error.challenge, "difficulty": error.difficulty}
        case AlreadyRegistered():
            return {"advice": ["recover"]}
        case _:
            return {}
