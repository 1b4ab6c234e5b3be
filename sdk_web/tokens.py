"""Tokens: unverified text goes in, a VerifiedIdToken comes out, or an error.

Only `VerifiedIdToken` has claims. Every rule is of OpenID Connect Core 1.0,
3.1.3.7 (and 12.2 for a refreshed token) unless it names another source.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256, sha384, sha512
from hmac import compare_digest
from types import MappingProxyType
from typing import cast

from joserfc import jws
from joserfc.errors import JoseError

from sdk_web.errors import (
    AlgorithmNotAllowed,
    AssuranceTooLow,
    AudienceWrong,
    HashMismatch,
    IssuerWrong,
    LoginTooOld,
    NonceMismatch,
    SignatureWrong,
    SubjectMismatch,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
)
from sdk_web.metadata import PublicKey
from sdk_web.relying_party import RelyingParty

LEVELS = ("low", "substantial", "high")
MAX_TOKEN_CHARACTERS = 32 * 1024
MAX_SUBJECT_CHARACTERS = 255
HASHES = {"256": sha256, "384": sha384, "512": sha512}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
COMPACT_PARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedIdToken:
    """An ID token that passed every check. Instants are seconds since 1970."""

    issuer: str
    subject: str
    audience: tuple[str, ...]
    issued_at: float
    expires_at: float
    auth_time: float | None
    acr: str | None
    amr: tuple[str, ...]
    session_id: str | None
    nonce: str | None
    claims: Mapping[str, object]
    raw: str = field(repr=False)

    @property
    def level(self) -> str | None:
        """The assurance level: low, substantial, high, or None when not given."""
        level = (self.acr or "").rpartition("/acr/")[2]
        return level if level in LEVELS else None

    @classmethod
    def of_verified(cls, claims: dict[str, object], *, raw: str) -> "VerifiedIdToken":
        """Build the value from claims verified before (for example, kept sealed).

        Raises:
            TokenMalformed: a claim is missing or of the wrong type.

        """
        auth_time = _instant(claims, "auth_time") if "auth_time" in claims else None
        return cls(
            issuer=_text(claims, "iss"),
            subject=_text(claims, "sub"),
            audience=_audience(claims),
            issued_at=_instant(claims, "iat"),
            expires_at=_instant(claims, "exp"),
            auth_time=auth_time,
            acr=_text(claims, "acr") if "acr" in claims else None,
            amr=_texts(claims.get("amr", [])),
            session_id=_text(claims, "sid") if "sid" in claims else None,
            nonce=_text(claims, "nonce") if "nonce" in claims else None,
            claims=MappingProxyType(dict(claims)),
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a login or a refresh yields."""

    id_token: VerifiedIdToken
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: float | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnverifiedHeader:
    """What a token claims about its own signature."""

    algorithm: str
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the login that asked for an ID token expects of it.

    `nonce` None means: none was sent (a refresh). `code` and `access_token` are
    compared with `c_hash` and `at_hash` where the token has them.
    """

    nonce: str | None = None
    max_age: int | None = None
    acr: str | None = None
    code: str | None = None
    access_token: str | None = None


def read_header(
    unverified_token: str, *, algorithms: frozenset[str]
) -> UnverifiedHeader:
    """Say which key a token wants to be checked with.

    Raises:
        TokenMalformed: not a compact JWS of an ID token.
        AlgorithmNotAllowed: an algorithm that was not registered.

    """
    if len(unverified_token) > MAX_TOKEN_CHARACTERS:
        raise TokenMalformed("the token is too long")
    parts = unverified_token.split(".")
    if len(parts) != COMPACT_PARTS:
        raise TokenMalformed("not a compact JWS")
    contents = [_decode(part) for part in parts]
    header = _json_object(contents[0])
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise AlgorithmNotAllowed("the token's algorithm was not registered")
    # at+jwt and logout+jwt tokens share the keys, and are not ID tokens.
    if header.get("typ", "JWT") != "JWT" or "crit" in header:
        raise TokenMalformed("not an ID token")
    if not isinstance(key_id, str):
        raise TokenMalformed("the token names no key")
    return UnverifiedHeader(algorithm, key_id)


def verify_id_token(
    unverified_token: str,
    *,
    key: PublicKey,
    relying_party: RelyingParty,
    expected: Expected,
    now: float,
) -> VerifiedIdToken:
    """Verify an ID token; `key` is the one its header named, `now` in seconds.

    Raises:
        TokenInvalid: one of its subclasses, for the first rule that is broken.

    """
    algorithms = relying_party.id_token_algorithms
    header = read_header(unverified_token, algorithms=algorithms)
    claims = _signed_claims(unverified_token, key=key, algorithm=header.algorithm)
    token = VerifiedIdToken.of_verified(claims, raw=unverified_token)
    _check_parties(token, relying_party)
    _check_times(token, leeway=relying_party.leeway, now=now)
    _check_login(token, expected, relying_party=relying_party, now=now)
    _check_hash(claims, "c_hash", expected.code, header.algorithm)
    _check_hash(claims, "at_hash", expected.access_token, header.algorithm)
    return token


def check_refreshed(token: VerifiedIdToken, *, previous: VerifiedIdToken) -> None:
    """Check that a refreshed ID token continues the same login (12.2).

    Raises:
        SubjectMismatch: another person, provider or audience.
        NonceMismatch: a nonce that is not the first one's.
        LoginTooOld: another login instant than the first.

    """
    same = (token.issuer, token.subject, token.audience)
    if same != (previous.issuer, previous.subject, previous.audience):
        raise SubjectMismatch("the refreshed ID token is about someone else")
    if token.nonce is not None and token.nonce != previous.nonce:
        raise NonceMismatch("the refreshed ID token has another nonce")
    if token.auth_time is not None and token.auth_time != previous.auth_time:
        raise LoginTooOld("the refreshed ID token has another login instant")


def _signed_claims(
    unverified_token: str, *, key: PublicKey, algorithm: str
) -> dict[str, object]:
    curve = CURVES.get(algorithm)
    if getattr(key, "curve_name", None) != curve:
        raise AlgorithmNotAllowed("the key is not of the token's algorithm")
    try:
        signed = jws.deserialize_compact(unverified_token, key, [algorithm])
    except (JoseError, ValueError) as error:
        raise SignatureWrong("the token's signature is wrong") from error
    return _json_object(signed.payload)


def _check_parties(token: VerifiedIdToken, relying_party: RelyingParty) -> None:
    if token.issuer != relying_party.issuer:
        raise IssuerWrong("the ID token was made by another provider")
    client_id = relying_party.client_id
    authorized = token.claims.get("azp", client_id)
    if client_id not in token.audience or authorized != client_id:
        raise AudienceWrong("the ID token was made for another relying party")
    # An audience nobody told us about is not trusted.
    if len(token.audience) > 1:
        raise AudienceWrong("the ID token was made for other relying parties too")


def _check_times(token: VerifiedIdToken, *, leeway: float, now: float) -> None:
    if now >= token.expires_at + leeway:
        raise TokenExpired("the ID token has expired")
    not_before = token.issued_at
    if "nbf" in token.claims:
        not_before = max(not_before, _instant(token.claims, "nbf"))
    if not_before > now + leeway or token.expires_at <= token.issued_at:
        raise TokenNotYetValid("the ID token comes from the future")


def _check_login(
    token: VerifiedIdToken,
    expected: Expected,
    *,
    relying_party: RelyingParty,
    now: float,
) -> None:
    if expected.nonce is not None and not _same(token.nonce, expected.nonce):
        raise NonceMismatch("the ID token was made for another login")
    if expected.max_age is not None:
        _check_age(token, expected.max_age + relying_party.leeway, now)
    if expected.acr is not None:
        check_assurance(token.acr, at_least=expected.acr, relying_party=relying_party)


def _check_age(token: VerifiedIdToken, greatest: float, now: float) -> None:
    if token.auth_time is None:
        raise LoginTooOld("the ID token does not say when the person logged in")
    if now - token.auth_time > greatest:
        raise LoginTooOld("the person logged in too long ago")


def check_assurance(
    acr: str | None, *, at_least: str, relying_party: RelyingParty
) -> None:
    """Check that `acr` is the level `at_least` (a URI) or one above it.

    Raises:
        AssuranceTooLow: it is not.

    """
    ranked = [relying_party.acr(level) for level in LEVELS]
    if at_least not in ranked or acr not in ranked[ranked.index(at_least) :]:
        raise AssuranceTooLow("the login reached less assurance than was asked for")


def _check_hash(
    claims: dict[str, object], name: str, of: str | None, algorithm: str
) -> None:
    if name not in claims or of is None:
        return
    digest = HASHES[algorithm[-3:]](of.encode("ascii", "replace")).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    found = claims[name]
    if not isinstance(found, str) or not _same(found, half):
        raise HashMismatch(f"{name} belongs to something else")


def _same(left: str | None, right: str) -> bool:
    return left is not None and compare_digest(left.encode(), right.encode())


def _decode(part: str) -> bytes:
    try:
        padded = part + "=" * (-len(part) % 4)
        content = urlsafe_b64decode(padded.encode("ascii"))
    except ValueError as error:
        raise TokenMalformed("not base64url") from error
    # One content has one spelling, so that nothing can be told in the spare bits.
    if urlsafe_b64encode(content).rstrip(b"=").decode() != part:
        raise TokenMalformed("not canonical base64url")
    return content


def _json_object(content: bytes | str) -> dict[str, object]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TokenMalformed("not JSON") from error
    if not isinstance(value, dict):
        raise TokenMalformed("not a JSON object")
    return value


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenMalformed(f"{name} is missing or not text")
    if name == "sub" and len(value) > MAX_SUBJECT_CHARACTERS:
        raise TokenMalformed("sub is too long")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TokenMalformed("a list of texts was expected")
    return tuple(cast("list[str]", value))


def _audience(claims: Mapping[str, object]) -> tuple[str, ...]:
    value = claims.get("aud")
    return _texts([value] if isinstance(value, str) else value)


def _instant(claims: Mapping[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenMalformed(f"{name} is missing or not an instant")
    return float(value)
