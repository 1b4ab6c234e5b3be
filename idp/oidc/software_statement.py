"""A software statement: what somebody we trust says of a party (RFC 7591, 2.3).

A JWT by an issuer that the operator listed with its keys. Its members win over those
of the request. Alone, without an initial access token, it is also the grant: then it
must itself hold the addresses that answers go to, because a statement is no secret.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from idp.domain.client_jwts import check_times, is_signed, read_client_jwt
from idp.domain.client_keys import read_key_set
from idp.domain.party_metadata import FAPI_ALGORITHMS
from idp.domain.party_registration import Terms, check_terms
from idp.errors import ClientJwtInvalid, FieldsInvalid, Malformed
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services

INVALID = "invalid_software_statement"
UNAPPROVED = "unapproved_software_statement"
TYPES = ("", "jwt", "software-statement+jwt")
LONGEST_LIFE = timedelta(days=398)
JWT_CLAIMS = frozenset({"iss", "sub", "aud", "iat", "exp", "nbf", "jti"})
TERMS = TypeAdapter(Terms)
LISTED = frozenset(field.name for field in fields(Terms)) - {"scopes"}


def verify_statement(services: Services, unverified_text: object) -> dict[str, Any]:
    """Return the members of a statement by an issuer we trust.

    Raises ProtocolRefusal (RFC 7591, 3.2.2).
    """
    if not isinstance(unverified_text, str):
        raise ProtocolRefusal(INVALID, "not a JWT")
    trusted = services.settings.software_statement_issuers
    try:
        parsed = read_client_jwt(
            unverified_text, algorithms=FAPI_ALGORITHMS, types=TYPES
        )
        issuer = parsed.unverified_payload.get("iss")
        path = trusted.get(issuer) if isinstance(issuer, str) else None
        if path is None:
            raise ProtocolRefusal(UNAPPROVED, "its issuer is not trusted here")
        if not is_signed(parsed, read_key_set(_read(path))):
            raise ProtocolRefusal(INVALID, "not signed by its issuer")
        claims = parsed.unverified_payload
        now = services.clock.now()
        check_times(claims, now, max_life=LONGEST_LIFE, needs=("iat", "exp"))
    except (ClientJwtInvalid, Malformed) as error:
        raise ProtocolRefusal(INVALID, "not a valid statement") from error
    if claims.get("aud", services.settings.issuer) != services.settings.issuer:
        raise ProtocolRefusal(INVALID, "made for another provider")
    return {name: value for name, value in claims.items() if name not in JWT_CLAIMS}


def terms_of(statement: Mapping[str, Any]) -> Terms:
    """Return the terms that a statement alone grants; raises ProtocolRefusal. Pure."""
    scope = statement.get("scope")
    if not isinstance(scope, str) or "redirect_uris" not in statement:
        raise ProtocolRefusal(UNAPPROVED, "it names no scope or no redirect_uris")
    named = {name: statement[name] for name in LISTED if name in statement}
    named["scopes"] = scope.split()
    try:
        terms = TERMS.validate_json(orjson.dumps(named), strict=True)
        check_terms(terms)
    except (ValidationError, FieldsInvalid) as error:
        raise ProtocolRefusal(UNAPPROVED, "its terms are not acceptable") from error
    return terms


def _read(path: Path) -> object:
    try:
        return orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Malformed("the issuer's keys cannot be read") from error
