"""What a profile demands of a relying party: data, read by every check. Pure.

    basic                  OpenID Connect Core 1.0 with RFC 9700: PKCE for everyone
    fapi2                  FAPI 2.0 Security Profile (Final)
    fapi2-message-signing  the same and FAPI 2.0 Message Signing (Final)

A check asks the profile ("are tokens bound to their sender?") and never its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from idp.domain.party_metadata import (
    FAPI_ALGORITHMS,
    SIGNING_ALGORITHMS,
    PartyMetadata,
)
from idp.errors import FieldsInvalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The rules of one profile. `code_life` is the longest a code may live."""

    name: str
    is_fapi: bool = False
    requires_par: bool = False
    requires_sender_constraint: bool = False
    requires_signed_requests: bool = False
    requires_signed_responses: bool = False
    rotates_refresh_tokens: bool = True
    algorithms: tuple[str, ...] = SIGNING_ALGORITHMS
    auth_methods: frozenset[str] | None = None
    code_life: timedelta = timedelta(seconds=60)


PUSH = "push"
KEYS_ONLY = frozenset(
    {"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
)
BASIC_PROFILE = Profile(name="basic")
FAPI2 = Profile(
    name="fapi2",
    is_fapi=True,
    requires_par=True,
    requires_sender_constraint=True,
    rotates_refresh_tokens=False,
    algorithms=FAPI_ALGORITHMS,
    auth_methods=KEYS_ONLY,
)
FAPI2_MESSAGE_SIGNING = Profile(
    name="fapi2-message-signing",
    is_fapi=True,
    requires_par=True,
    requires_sender_constraint=True,
    requires_signed_requests=True,
    requires_signed_responses=True,
    rotates_refresh_tokens=False,
    algorithms=FAPI_ALGORITHMS,
    auth_methods=KEYS_ONLY,
)
PROFILES: Mapping[str, Profile] = {
    profile.name: profile for profile in (BASIC_PROFILE, FAPI2, FAPI2_MESSAGE_SIGNING)
}


class Profiled(Protocol):
    """What a profile judges of a party."""

    @property
    def profile(self) -> str:
        """The profile's name."""
        ...

    @property
    def auth_method(self) -> str:
        """How it proves who it is."""
        ...

    @property
    def metadata(self) -> PartyMetadata:
        """What it registered."""
        ...


def profile_of(party: Profiled) -> Profile:
    """Return the profile that a party is held to."""
    return PROFILES[party.profile]


def may_omit_pkce(party: Profiled, *, is_sandbox: bool) -> bool:
    """Say whether a party may ask for a code without PKCE: in a sandbox, some may.

    Automated conformance suites of OpenID Connect send none. Whoever cannot prove who
    it is, and every FAPI party, always has to; and outside a sandbox so has everybody,
    whatever is registered.
    """
    is_confidential = party.auth_method != "none"
    is_exempt = party.metadata.is_pkce_exempt and is_confidential
    return is_sandbox and is_exempt and not profile_of(party).is_fapi


def check_profile(party: Profiled) -> None:
    """Refuse a registration that its own profile forbids; raises FieldsInvalid."""
    profile, metadata = profile_of(party), party.metadata
    allowed = profile.auth_methods
    is_bound = (
        metadata.dpop_bound_access_tokens
        or metadata.tls_client_certificate_bound_access_tokens
    )
    signing = [
        metadata.id_token_signed_response_alg,
        metadata.userinfo_signed_response_alg,
        metadata.authorization_signed_response_alg,
        metadata.introspection_signed_response_alg,
        metadata.request_object_signing_alg,
        metadata.token_endpoint_auth_signing_alg,
        metadata.backchannel_authentication_request_signing_alg,
    ]
    needs_keys = party.auth_method in {"private_key_jwt", "self_signed_tls_client_auth"}
    has_keys = bool(metadata.jwks) or bool(metadata.jwks_uri)
    facts = {
        "auth_method": allowed is None or party.auth_method in allowed,
        "dpop_bound_access_tokens": is_bound or not profile.requires_sender_constraint,
        "signing_alg": {alg for alg in signing if alg} <= set(profile.algorithms),
        "jwks": has_keys or not (needs_keys or profile.requires_signed_requests),
        # What is pushed is asked for by nobody: there is no key to bind it to.
        "backchannel_token_delivery_mode": not (profile.is_fapi or is_bound)
        or metadata.backchannel_token_delivery_mode != PUSH,
    }
    wrong = {name: "not-acceptable" for name, is_fine in facts.items() if not is_fine}
    if wrong:
        raise FieldsInvalid(wrong)
