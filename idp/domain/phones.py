"""Telephone numbers as people type them, and as they are kept. Pure.

People write `012 345 678`, `០១២ ៣៤៥ ៦៧៨`, `85512345678` or `+855 (0)12 345 678`;
one number is kept, in E.164. Any country is welcome, Cambodia is assumed when none
is named. Only numbers that can receive a text message pass. Source of the plans:
libphonenumber.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from idp.domain.names import ascii_digits
from idp.errors import PhoneInvalid

HOME_REGION: Final = "KH"
HOME_CODE: Final = "855"
TYPED: Final = re.compile(r"\+?[0-9 ().\u00a0-]{1,31}")
TEXTABLE: Final = frozenset(
    {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
)


def read_phone(text: str) -> str:
    """Return the number in E.164; raises PhoneInvalid."""
    typed = ascii_digits(text).strip()
    if not TYPED.fullmatch(typed):
        raise PhoneInvalid("not a number")
    typed = typed.replace("(0)", "")
    for candidate in _readings(typed):
        number = _parse(candidate)
        if number is not None:
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    raise PhoneInvalid("not a number that receives text messages")


def phone_hint(e164: str) -> str:
    """Return what may be shown of a number: its country and last three digits."""
    number = phonenumbers.parse(e164)
    return f"+{number.country_code} •• ••• {e164[-3:]}"


def _readings(typed: str) -> list[str]:
    """Return what the text may mean, likeliest first."""
    digits = "".join(c for c in typed if c in "0123456789")
    if typed.startswith("+"):
        return [typed]
    if digits.startswith("00"):
        return ["+" + digits.lstrip("0")]
    if digits.startswith(HOME_CODE):
        return [typed, "+" + digits]
    return [typed]


def _parse(candidate: str) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(candidate, HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return number if phonenumbers.number_type(number) in TEXTABLE else None
