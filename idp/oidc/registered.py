"""A party's registration as it is told back: everything in force, by its public names.

RFC 7591, 3.2.1; RFC 7592, 3. Pure.
"""

from dataclasses import asdict
from typing import Any

from idp.domain.party_metadata import AUTHORIZATION_CODE
from idp.domain.relying_parties import RelyingParty


def registered(
    issuer: str,
    party: RelyingParty,
    *,
    issued_at: int,
    access: str,
    secret: str | None = None,
) -> dict[str, Any]:
    """Return the client information response. `issued_at` is in seconds.

    A secret is there only when it was made just now: no later answer knows it.
    """
    told: dict[str, Any] = {
        "client_id": party.id,
        "client_id_issued_at": issued_at,
        "registration_access_token": access,
        "registration_client_uri": f"{issuer}/register/{party.id}",
        **_names(party),
        **_metadata(party),
    }
    if party.has_secret:
        told["client_secret_expires_at"] = 0
    if secret is not None:
        told["client_secret"] = secret
    return told


def _names(party: RelyingParty) -> dict[str, Any]:
    is_browser_party = party.metadata.may_use(AUTHORIZATION_CODE)
    return {
        "client_name": party.name_en,
        "client_name#km": party.name_km,
        "purpose": party.purpose_en,
        "purpose#km": party.purpose_km,
        "redirect_uris": list(party.redirect_uris),
        "post_logout_redirect_uris": list(party.post_logout_redirect_uris),
        "response_types": ["code"] if is_browser_party else [],
        "token_endpoint_auth_method": party.auth_method,
        "scope": " ".join(party.scopes),
        "subject_type": "pairwise",
        "profile": party.profile,
    }


def _metadata(party: RelyingParty) -> dict[str, Any]:
    """Return the rest; what is empty is not registered and not told."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(party.metadata).items()
        if value not in ("", None, ())
    }
