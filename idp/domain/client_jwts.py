"""A JWT that a relying party signed: an assertion, a request object, an answer.

The key comes from the party's registration and from nowhere else: what the header
says of keys (`jwk`, `x5c`) is never read, and a header that names an address (`jku`,
`x5u`) is refused. The algorithm must be on the caller's list and fit the key.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idp.domain import signing_algorithms as signing
from idp.domain.client_keys import ALGORITHMS, ClientKeys, HasKeys, Jwk, bare_key
from idp.domain.jws import BadSignature, UnverifiedJws, take_apart
from idp.errors import ClientJwtInvalid, Malformed

# Ahead of our clock: ten seconds must be accepted, more than sixty never (FAPI 2.0
# Security Profile, 5.3.2.1, 13). Half a minute suits servers that drift.
LEEWAY = timedelta(seconds=30)
LARGEST_NUMBER = 2**53
ADDRESSES = ("jku", "x5u")


@dataclass(frozen=True, slots=True)
class VerifiedClientJwt:
    """What a party's key signed."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


async def verify_client_jwt(
    client_keys: ClientKeys,
    party: HasKeys,
    unverified_token: str,
    *,
    algorithms: Collection[str],
    types: Collection[str],
) -> VerifiedClientJwt:
    """Return header and claims of a compact JWS that a key of the party signed.

    `types` are the acceptable `typ` in lower case without `application/`, "" for
    none. The claims are as the party wrote them: nothing of them is checked. Raises
    ClientJwtInvalid, and Unavailable when the party's keys cannot be read.
    """
    parsed = read_client_jwt(unverified_token, algorithms=algorithms, types=types)
    for refresh in (False, True):
        try:
            keys = await client_keys.of(party, refresh=refresh)
        except Malformed as error:
            raise ClientJwtInvalid("the registered keys are not keys") from error
        if is_signed(parsed, keys):
            return VerifiedClientJwt(
                parsed.unverified_header, parsed.unverified_payload
            )
        if any(key.get("kid") == _kid(parsed) for key in keys):
            break  # the named key is here and did not sign: no newer copy helps
    raise ClientJwtInvalid("no registered key signed this")


def read_client_jwt(
    unverified_token: str, *, algorithms: Collection[str], types: Collection[str]
) -> UnverifiedJws:
    """Take the token apart and judge its header. Pure; raises ClientJwtInvalid."""
    try:
        parsed = take_apart(unverified_token)
    except BadSignature as error:
        raise ClientJwtInvalid(str(error)) from error
    header = parsed.unverified_header
    # A list, not a set: what the header says may be anything, unhashable too.
    if header.get("alg") not in [*filter(signing.ALGORITHMS.get, algorithms)]:
        raise ClientJwtInvalid("the algorithm is not acceptable")
    if any(name in header for name in ADDRESSES):
        raise ClientJwtInvalid("keys are never fetched from a header's address")
    if type_of(header) not in types:
        raise ClientJwtInvalid("a token of another type")
    if not isinstance(header.get("kid", ""), str):
        raise ClientJwtInvalid("kid is not a text")
    return parsed


def type_of(header: Mapping[str, Any]) -> str | None:
    """Return `typ` in lower case without `application/` (RFC 7515, 4.1.9)."""
    typ = header.get("typ", "")
    if not isinstance(typ, str):
        return None
    return typ.lower().removeprefix("application/")


def is_signed(parsed: UnverifiedJws, keys: Collection[Jwk]) -> bool:
    """Say whether one of the keys that may have signed this did. Pure.

    With `kid`, exactly the keys of that name; without it every signature key of the
    algorithm is tried.
    """
    alg, kid = parsed.unverified_header["alg"], _kid(parsed)
    named = [key for key in keys if kid is None or key.get("kid") == kid]
    return any(_signed(key, alg, parsed) for key in named if may_sign(key, alg))


def may_sign(key: Jwk, alg: str) -> bool:
    """Say whether a key may sign with an algorithm (RFC 7517, 4.2-4.4). Pure."""
    operations = key.get("key_ops", ["verify"])
    return (
        alg in ALGORITHMS.get((key["kty"], key.get("crv", "")), ())
        and key.get("alg", alg) == alg
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _kid(parsed: UnverifiedJws) -> str | None:
    kid: str | None = parsed.unverified_header.get("kid")
    return kid


def _signed(key: Jwk, alg: str, parsed: UnverifiedJws) -> bool:
    public = signing.ALGORITHMS[alg].read(bare_key(key))
    try:
        signing.check_signature(
            alg, public, signature=parsed.signature, message=parsed.signing_input
        )
    except BadSignature:
        return False
    return True


def check_times(
    claims: Mapping[str, Any],
    now: datetime,
    *,
    max_life: timedelta,
    leeway: timedelta = LEEWAY,
    needs: Collection[str] = ("exp",),
) -> float:
    """Return `exp` of claims that hold now, in seconds since 1970. Pure.

    It may be at most `max_life` after `iat`, after `nbf` and after now (with the
    leeway, which a replay store must share: RFC 7519, 4.1.4). Raises
    ClientJwtInvalid.
    """
    if any(name not in claims for name in needs):
        raise ClientJwtInvalid("a time is missing")
    times = {
        name: _seconds(claims[name]) for name in ("exp", "nbf", "iat") if name in claims
    }
    at, life, ahead = now.timestamp(), max_life.total_seconds(), leeway.total_seconds()
    exp = times.get("exp", at + life)
    if exp <= at:
        raise ClientJwtInvalid("expired")
    if exp > at + life + ahead:
        raise ClientJwtInvalid("lives too long")
    for name in ("nbf", "iat"):
        start = times.get(name)
        if start is None:
            continue
        if start > at + ahead:
            raise ClientJwtInvalid(f"{name} is in the future")
        if "exp" in times and exp - start > life:
            raise ClientJwtInvalid(f"lives too long after {name}")
    return exp


def _seconds(value: object) -> float:
    """Read a NumericDate (RFC 7519, 2)."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ClientJwtInvalid("a time is not a number")
    if not 0 <= value <= LARGEST_NUMBER:  # nor NaN
        raise ClientJwtInvalid("a time out of range")
    return float(value)
