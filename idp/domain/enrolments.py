"""Enrolment: both keys of a phone sign for one registration. Pure."""

from collections.abc import Mapping
from typing import Any

from idp.domain.assertions import LIFE, SKEW, Kind
from idp.domain.jws import BadSignature, public_key, thumbprint, verify
from idp.domain.user_verification import is_pin_right
from idp.errors import AssertionInvalid

CLAIMS = {"iss", "aud", "jti", "iat", "exp", "registration", "pin_key"}


def verify_enrolment(
    *,
    token: str,
    uv: object,
    device_id: str,
    device_jwk: Mapping[str, Any],
    pin_jwk: Mapping[str, Any],
    registration_id: str,
    audience: str,
    now: float,
) -> None:
    """Check that device key and PIN key both sign for this registration.

    `now` is in seconds since 1970. Raises AssertionInvalid.
    """
    try:
        public_key(pin_jwk)
        claims = verify(token, typ=Kind.ENROLMENT, key=public_key(device_jwk))
    except BadSignature as error:
        raise AssertionInvalid(str(error)) from error
    expected = {
        "iss": device_id,
        "aud": audience,
        "registration": registration_id,
        "pin_key": thumbprint(pin_jwk),
    }
    if set(claims) != CLAIMS or any(claims[k] != v for k, v in expected.items()):
        raise AssertionInvalid("signed for another registration")
    iat, exp = claims["iat"], claims["exp"]
    if type(iat) is not int or type(exp) is not int or not 0 < exp - iat <= LIFE:
        raise AssertionInvalid("iat and exp must be at most 60 s apart")
    if iat > now + SKEW or exp <= now - SKEW:
        raise AssertionInvalid("not valid at this time")
    if not is_pin_right(token=token, uv=uv, pin_jwk=pin_jwk):
        raise AssertionInvalid("the PIN key did not sign")
