"""Did this device sign exactly this answer? Pure.

An assertion is a compact ES256 JWS by the device key. It says what the person was
shown and what was decided; the server compares every claim with what it stored and
refuses a claim that is missing, extra or different. What proves the person (PIN key
or WebAuthn) is checked apart, over the assertion's text: see user_verification.py.

Kinds are told apart by `typ`, and none is ever a request proof: login answers,
unlocking, binding or removing a credential, a new PIN, what becomes of a device, an
answer to a recovery or a review, and enrolment.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from idp.domain.devices import Device
from idp.domain.jws import BadSignature, check_signature, parse, public_key
from idp.errors import AssertionInvalid

LIFE = 60  # seconds, at most
SKEW = 30
JTI = re.compile(r"[\x21-\x7e]{1,64}")
BINDING_CODE = re.compile(r"[0-9]{2}", re.ASCII)


class Kind(StrEnum):
    """What an assertion is about: its `typ`."""

    LOGIN = "camdigikey-assertion+jwt"
    UNLOCK = "camdigikey-unlock+jwt"
    CREDENTIAL = "camdigikey-credential+jwt"
    PIN = "camdigikey-pin+jwt"
    DEVICE = "camdigikey-device+jwt"
    RECOVERY = "camdigikey-recovery+jwt"
    REVIEW = "camdigikey-review+jwt"
    CONTACT = "camdigikey-contact+jwt"
    ENROLMENT = "camdigikey-enrolment+jwt"


class UvMethod(StrEnum):
    """How the person was verified."""

    PIN = "pin"
    WEBAUTHN = "webauthn"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class UnverifiedAssertion:
    """A parsed assertion: good for looking up what it is about, no more."""

    token: str
    unverified_claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """An answer that this device signed, equal to what was stored.

    `claims` are all of them. The person is *not* verified yet.
    """

    token: str
    jti: str
    uv_method: UvMethod
    uv_key: str
    claims: Mapping[str, Any]


def peek(token: str, *, kind: Kind) -> UnverifiedAssertion:
    """Parse without trusting; raises AssertionInvalid."""
    try:
        return UnverifiedAssertion(token, parse(token, typ=kind).unverified_payload)
    except BadSignature as error:
        raise AssertionInvalid(str(error)) from error


def verify_assertion(
    *,
    token: str,
    kind: Kind,
    device: Device,
    audience: str,
    now: float,
    expected: Mapping[str, Any],
    optional: Mapping[str, type] | None = None,
) -> VerifiedAssertion:
    """Check one assertion; every claim is either expected or optional.

    `expected` maps each remaining claim to the stored value; `optional` names the
    claims that may be there, with their type. `now` is in seconds since 1970.
    Raises AssertionInvalid.
    """
    claims = _signed_claims(token, kind=kind, device=device)
    common = {"iss": device.id, "sub": device.account_id, "aud": audience}
    _equal(claims, {**common, **expected})
    _fresh(claims, now=now)
    method = _uv_method(claims, device=device)
    allowed = {*common, *expected, *(optional or {})}
    allowed |= {"jti", "iat", "exp", "uv_method"}
    allowed |= set() if method is UvMethod.NONE else {"uv_key"}
    if set(claims) - allowed:
        raise AssertionInvalid("unknown claims")
    for name, kind_of_value in (optional or {}).items():
        if name in claims and type(claims[name]) is not kind_of_value:
            raise AssertionInvalid(f"{name} has another type")
    jti, uv_key = str(claims["jti"]), str(claims.get("uv_key", ""))
    return VerifiedAssertion(token, jti, method, uv_key, claims)


def is_binding_code_right(assertion: VerifiedAssertion, *, expected: str) -> bool:
    """Say whether the typed binding code is the one that was shown.

    Compared in constant time. Raises AssertionInvalid when none was typed: that is
    a fault of the app, and no guess.
    """
    typed = assertion.claims.get("binding_code")
    if not isinstance(typed, str) or BINDING_CODE.fullmatch(typed) is None:
        raise AssertionInvalid("the binding code is two digits")
    return hmac.compare_digest(typed.encode(), expected.encode())


def _signed_claims(token: str, *, kind: Kind, device: Device) -> Mapping[str, Any]:
    try:
        parsed = parse(token, typ=kind)
        if parsed.unverified_header != {
            "alg": "ES256",
            "typ": kind.value,
            "kid": device.id,
        }:
            raise AssertionInvalid("the header names another key")
        check_signature(
            key=public_key(device.public_jwk),
            signature=parsed.signature,
            message=parsed.signing_input,
        )
    except BadSignature as error:
        raise AssertionInvalid(str(error)) from error
    return parsed.unverified_payload


def _equal(claims: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        if name not in claims or claims[name] != value:
            raise AssertionInvalid(f"{name} is not what was stored")


def _fresh(claims: Mapping[str, Any], *, now: float) -> None:
    iat, exp, jti = claims.get("iat"), claims.get("exp"), claims.get("jti")
    if type(iat) is not int or type(exp) is not int or not 0 < exp - iat <= LIFE:
        raise AssertionInvalid("iat and exp must be at most 60 s apart")
    if iat > now + SKEW or exp <= now - SKEW:
        raise AssertionInvalid("not valid at this time")
    if not isinstance(jti, str) or JTI.fullmatch(jti) is None:
        raise AssertionInvalid("jti is missing")


def _uv_method(claims: Mapping[str, Any], *, device: Device) -> UvMethod:
    try:
        method = UvMethod(claims.get("uv_method"))  # type: ignore[arg-type]  # refused below
    except ValueError as error:
        raise AssertionInvalid("unknown uv_method") from error
    # A wrong PIN makes another key: comparing it here would tell a wrong PIN from a
    # right one without spending a try, so that waits for the signature (step 7).
    if method is UvMethod.PIN and not isinstance(claims.get("uv_key"), str):
        raise AssertionInvalid("the PIN key is not named")
    if method is UvMethod.WEBAUTHN and (
        device.credential is None or claims.get("uv_key") != device.credential.id
    ):
        raise AssertionInvalid("another credential")
    return method
