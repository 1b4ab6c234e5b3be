"""What a party asks to be registered as, read strictly and held to its terms. Pure.

    request < software statement   what a trusted issuer signed wins (RFC 7591, 3.1.1)
            within the terms       scopes, grants, profile: what the operator allowed

Members that are not in the tables below are ignored and not told back (RFC 7591, 2):
elsewhere at our edges an unknown field is refused. A member that is null counts as
left out (RFC 7592, 2.2).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from unicodedata import category

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from idp.domain.client_keys import read_key_set
from idp.domain.party_addresses import host_of, is_acceptable_uri, is_public_uri
from idp.domain.party_metadata import AUTHORIZATION_CODE, PartyMetadata
from idp.domain.party_registration import Terms
from idp.domain.relying_parties import (
    BASIC,
    PRIVATE_KEY_JWT,
    SELF_SIGNED_TLS,
    RelyingParty,
)
from idp.errors import FieldsInvalid, Malformed
from idp.oidc.errors import ProtocolRefusal

INVALID_METADATA = "invalid_client_metadata"
INVALID_REDIRECT = "invalid_redirect_uri"
MOST = 20
NAMES = frozenset({"client_name", "client_name#km"})
PURPOSES = frozenset({"purpose", "purpose#km"})
NO_STATEMENT: Mapping[str, Any] = {}
GRANTED = (
    "claims",
    "resources",
    "api_scopes",
    "may_act_at",
    "audience",
    "legal_basis",
    "is_development",
)
# What a request never says: it is known here, or registered on the command line.
UNASKABLE = ("is_pkce_exempt", "names_itself")
ASKABLE = frozenset(PartyMetadata.__dataclass_fields__) - {
    *GRANTED,
    *UNASKABLE,
    "grant_types",
}
ADDRESSES = (
    "jwks_uri",
    "logo_uri",
    "policy_uri",
    "backchannel_logout_uri",
    "backchannel_client_notification_endpoint",
)
# Khmer is written with joiners and invisible spaces between its words.
JOINERS = frozenset("\u200b\u200c\u200d")
METADATA = TypeAdapter(PartyMetadata)
# What our own checks call a member, and what it is called in a request.
PUBLIC_NAMES: Mapping[str, str] = {
    "auth_method": "token_endpoint_auth_method",
    "scopes": "scope",
    "sector": "sector_identifier_uri",
    "signing_alg": "*_signing_alg",
}


def _is_plain(text: str) -> str:
    if any(category(one)[0] in "CZ" and one not in {" ", *JOINERS} for one in text):
        raise ValueError("control characters")
    return text.strip()


Text = Annotated[str, Field(max_length=200), AfterValidator(_is_plain)]
Uri = Annotated[str, Field(max_length=2000)]
Uris = Annotated[tuple[Uri, ...], Field(max_length=MOST)]
Names = Annotated[tuple[Text, ...], Field(max_length=MOST)]


class AskedMetadata(BaseModel):
    """The members that PartyMetadata does not have (RFC 7591, 2)."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    redirect_uris: Uris = ()
    post_logout_redirect_uris: Uris = ()
    token_endpoint_auth_method: str = BASIC
    grant_types: Names = (AUTHORIZATION_CODE,)
    response_types: tuple[Literal["code"], ...] = ("code",)
    scope: Annotated[str, Field(max_length=1000)] | None = None
    client_name: Text = ""
    client_name_km: Text = Field(default="", alias="client_name#km")
    purpose: Text = ""
    purpose_km: Text = Field(default="", alias="purpose#km")
    sector_identifier_uri: Uri = ""
    subject_type: Literal["pairwise"] = "pairwise"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A party as it would be registered; its sector is not known yet."""

    party: RelyingParty
    sector_identifier_uri: str


def read_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object without repeated members; raises ProtocolRefusal."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise ValueError("repeated member")
        return members

    try:
        found = json.loads(text, object_pairs_hook=once, parse_constant=_no_constant)
        orjson.dumps(found)  # lone surrogates, numbers out of range
    except (ValueError, TypeError, RecursionError) as error:
        raise refused("the body is not a JSON object") from error
    if not isinstance(found, dict):
        raise refused("the body is not a JSON object")
    return {name: value for name, value in found.items() if value is not None}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def wanted_party(
    client_id: str,
    body: Mapping[str, Any],
    terms: Terms,
    *,
    is_development: bool,
    statement: Mapping[str, Any] = NO_STATEMENT,
) -> Wanted:
    """Return the party that a request describes, within its terms.

    `statement` are the members that somebody we trust has signed.

    Raises ProtocolRefusal (`invalid_redirect_uri`, `invalid_client_metadata`).
    """
    asked, metadata = _read(_with_statement(body, statement))
    _check_redirects(asked, is_loopback_fine=is_development and terms.is_development)
    _check_addresses(
        asked, metadata, is_lenient=is_development and terms.is_development
    )
    _check_keys(metadata)
    _check_domain(asked, terms)
    scopes = terms.scopes if asked.scope is None else tuple(asked.scope.split())
    if not set(scopes) <= set(terms.scopes) or len(set(scopes)) != len(scopes):
        raise refused("scope: more than was granted")
    if not set(asked.grant_types) <= set(terms.grant_types):
        raise refused("grant_types: more than was granted")
    name_en = terms.name_en or asked.client_name or asked.client_name_km
    if not name_en:
        raise refused("client_name: people must be told who asks")
    granted = {name: getattr(terms, name) for name in GRANTED}
    granted["names_itself"] = not terms.name_en and NAMES.isdisjoint(statement)
    party = RelyingParty(
        id=client_id,
        name_km=terms.name_km or asked.client_name_km or name_en,
        name_en=name_en,
        domain=terms.domain or _domain(asked, metadata),
        purpose_km=asked.purpose_km or asked.purpose,
        purpose_en=asked.purpose or asked.purpose_km,
        redirect_uris=asked.redirect_uris,
        post_logout_redirect_uris=asked.post_logout_redirect_uris,
        scopes=scopes,
        auth_method=asked.token_endpoint_auth_method,
        acr=terms.acr,
        profile=terms.profile,
        metadata=replace(metadata, grant_types=asked.grant_types, **granted),
    )
    return Wanted(party, asked.sector_identifier_uri)


def _with_statement(
    body: Mapping[str, Any], statement: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the request's members and the statement's, which win (RFC 7591, 2.3).

    A name or a purpose that was signed in one language is not joined by the request's
    own in the other.
    """
    kept = dict(body)
    for texts in (NAMES, PURPOSES):
        if not texts.isdisjoint(statement):
            kept = {name: value for name, value in kept.items() if name not in texts}
    return {**kept, **statement}


def refused(description: str, *, error: str = INVALID_METADATA) -> ProtocolRefusal:
    """Return a refusal of RFC 7591, 3.2.2."""
    return ProtocolRefusal(error, description)


def spoken_fields(fact: FieldsInvalid) -> ProtocolRefusal:
    """Say which members our own checks refused."""
    names = sorted(PUBLIC_NAMES.get(name, name) for name in fact.fields)
    error = INVALID_REDIRECT if names == ["redirect_uris"] else INVALID_METADATA
    return refused(f"not acceptable: {', '.join(names)}", error=error)


def _read(body: Mapping[str, Any]) -> tuple[AskedMetadata, PartyMetadata]:
    known = {name: body[name] for name in ASKABLE if name in body}
    try:
        asked = AskedMetadata.model_validate_json(orjson.dumps(dict(body)))
        metadata = METADATA.validate_json(orjson.dumps(known), strict=True)
    except ValidationError as error:
        names = sorted({str(problem["loc"][0]) for problem in error.errors()})
        is_redirect = names == ["redirect_uris"]
        raise refused(
            f"not acceptable: {', '.join(names)}",
            error=INVALID_REDIRECT if is_redirect else INVALID_METADATA,
        ) from error
    return asked, metadata


def _check_redirects(asked: AskedMetadata, *, is_loopback_fine: bool) -> None:
    for name, uris in (
        ("redirect_uris", asked.redirect_uris),
        ("post_logout_redirect_uris", asked.post_logout_redirect_uris),
    ):
        if len(set(uris)) != len(uris) or not all(
            is_acceptable_uri(uri, is_development=is_loopback_fine) for uri in uris
        ):
            raise refused(f"{name}: https addresses, each once", error=INVALID_REDIRECT)
    if AUTHORIZATION_CODE in asked.grant_types and not asked.redirect_uris:
        raise refused("redirect_uris: at least one", error=INVALID_REDIRECT)


def _check_addresses(
    asked: AskedMetadata, metadata: PartyMetadata, *, is_lenient: bool
) -> None:
    named = {name: getattr(metadata, name) for name in ADDRESSES}
    named["sector_identifier_uri"] = asked.sector_identifier_uri
    for name, uri in named.items():
        is_near = is_lenient and is_acceptable_uri(uri, is_development=True)
        if uri and not is_near and not is_public_uri(uri):
            raise refused(f"{name}: a public https address")


def _check_keys(metadata: PartyMetadata) -> None:
    if metadata.jwks is None:
        return
    try:
        is_useless = not read_key_set(metadata.jwks)
    except Malformed as error:
        raise refused("jwks: not a set of public keys") from error
    if is_useless:
        raise refused("jwks: no key that is used here")


def _check_domain(asked: AskedMetadata, terms: Terms) -> None:
    """Keep every answer at the domain that the operator named, if he named one."""
    known = terms.domain.lower()
    hosts = {host_of(uri).lower() for uri in asked.redirect_uris}
    if known and not all(host == known or host.endswith(f".{known}") for host in hosts):
        raise refused("redirect_uris: elsewhere than at your domain")


def _domain(asked: AskedMetadata, metadata: PartyMetadata) -> str:
    """Return what people are shown, in large type, to tell who asks.

    The one host that all answers go to. Of several it is the one that vouches for
    all of them: to name a stranger's host first must not be enough to look like him.
    """
    hosts = {host_of(uri) for uri in asked.redirect_uris}
    if len(hosts) == 1:
        return hosts.pop()
    vouches = host_of(asked.sector_identifier_uri) if hosts else ""
    found = vouches or keys_host(asked.token_endpoint_auth_method, metadata)
    if not found or (hosts and not vouches):
        raise refused("sector_identifier_uri or jwks_uri: people are shown your domain")
    return found


def keys_host(auth_method: str, metadata: PartyMetadata) -> str:
    """Return the host that a party's keys are read from, "" where that proves nothing.

    It is theirs only if they prove themselves by those very keys (CIBA Core 1.0, 4):
    anybody may name another party's address.
    """
    proves = auth_method in {PRIVATE_KEY_JWT, SELF_SIGNED_TLS}
    return host_of(metadata.jwks_uri) if proves else ""
