"""How sure we are of who logged in: levels (acr), methods (amr), and their sum. Pure.

    proofing of the account      low  substantial  high
    authenticator of the login   low  substantial  high
    acr of the login             the lower of the two

On the wire an acr is a URI under the issuer (`<issuer>/acr/substantial`); requests
may use the short name. `amr` values are those of RFC 8176.
"""

from enum import StrEnum

LEVELS = ("low", "substantial", "high")
# A prompt can be relayed as a QR code can: never `high`.
REACHABLE_BY_PUSH = ("low", "substantial")


class UserVerification(StrEnum):
    """How the person proved to the phone that it is in the right hands."""

    PIN = "pin"
    WEBAUTHN = "webauthn"
    SMS = "sms"


def acr_uri(level: str, *, issuer: str) -> str:
    """Return the acr value of a level."""
    return f"{issuer}/acr/{level}"


def level_of(acr: str, *, issuer: str) -> str | None:
    """Return the level that an acr value names, short or as a URI; None if unknown."""
    name = acr.removeprefix(f"{issuer}/acr/")
    return name if name in LEVELS else None


def reaches(level: str, *, needed: str) -> bool:
    """Say whether `level` is at least `needed`; an unknown level reaches nothing."""
    if level not in LEVELS or needed not in LEVELS:
        return False
    return LEVELS.index(level) >= LEVELS.index(needed)


def lowest(*levels: str) -> str:
    """Return the lowest of some levels; raises ValueError for an unknown one."""
    return LEVELS[min(LEVELS.index(level) for level in levels)]


def highest(*levels: str) -> str:
    """Return the highest of some levels; raises ValueError for an unknown one."""
    return LEVELS[max(LEVELS.index(level) for level in levels)]


def authenticator_level(
    verification: UserVerification,
    *,
    is_attested_hardware: bool = False,
    is_synced: bool = False,
    is_cross_device: bool = True,
) -> str:
    """Return the level that one login's authenticator reaches (login.md, 7).

    A QR login (`is_cross_device`) can be relayed and a synced key can be copied:
    neither is ever `high`.
    """
    if verification is UserVerification.SMS:
        return "low"
    if is_attested_hardware and not is_synced and not is_cross_device:
        return "high"
    return "substantial"


def amr_of(
    verification: UserVerification, *, is_attested_hardware: bool = False
) -> tuple[str, ...]:
    """Return the authentication methods of one login (RFC 8176, 2), sorted."""
    if verification is UserVerification.SMS:
        return ("sms",)
    user = "pin" if verification is UserVerification.PIN else "user"
    key = "hwk" if is_attested_hardware else "swk"
    return tuple(sorted(("pop", "mfa", user, key)))
