"""Was it the person? The PIN key or a WebAuthn credential, over an assertion. Pure.

Both cover the assertion byte for byte, so nothing is serialised twice. The PIN
signature reveals the PIN's public key to whoever sees it with its message: it is
checked and forgotten; no log, row, hash or error carries it or anything made of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import CredentialDeviceType

from idp.domain.devices import Credential
from idp.domain.jws import BadSignature, check_signature, public_key
from idp.errors import AssertionInvalid
from idp.storage.columns import b64decode

PIN_PREFIX = "camdigikey-uv-pin1|"
WEBAUTHN_PREFIX = "camdigikey-uv-webauthn1|"


@dataclass(frozen=True, slots=True)
class WebAuthnParty:
    """Who we are to WebAuthn: the RP id and the origins that may call us."""

    rp_id: str
    origins: tuple[str, ...]


def is_pin_right(*, token: str, uv: object, pin_jwk: Mapping[str, Any]) -> bool:
    """Say whether the PIN key signed this assertion.

    A wrong PIN is an everyday answer that the caller counts, so this one says
    yes or no instead of raising.
    """
    try:
        check_signature(
            key=public_key(pin_jwk),
            signature=b64decode(uv if isinstance(uv, str) else ""),
            message=(PIN_PREFIX + token).encode("ascii"),
        )
    except (BadSignature, ValueError):
        return False
    return True


def webauthn_challenge(token: str) -> bytes:
    """Return the 32 bytes that the credential must sign for this assertion."""
    return sha256((WEBAUTHN_PREFIX + token).encode("ascii")).digest()


def verify_webauthn(
    *, token: str, uv: object, credential: Credential, party: WebAuthnParty
) -> int:
    """Check a WebAuthn answer over the assertion; return the new sign count.

    User verification is required, the origin is one of ours, nothing embeds the
    page, and the sign count never goes back. Raises AssertionInvalid.
    """
    answer = _answer(uv)
    _refuse_embedding(answer)
    try:
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=webauthn_challenge(token),
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            credential_public_key=credential.public_key,
            credential_current_sign_count=credential.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise AssertionInvalid(f"webauthn: {type(error).__name__}") from error
    if bytes_to_base64url(verified.credential_id) != credential.id:
        raise AssertionInvalid("another credential answered")
    return verified.new_sign_count


def verify_new_credential(
    *, answer: object, challenge: bytes, party: WebAuthnParty, algorithms: Sequence[Any]
) -> Credential:
    """Check a registration answer; raises AssertionInvalid."""
    parsed = _answer(answer)
    _refuse_embedding(parsed)
    try:
        verified = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(algorithms),
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise AssertionInvalid(f"webauthn: {type(error).__name__}") from error
    return Credential(
        id=bytes_to_base64url(verified.credential_id),
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        is_synced=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
    )


def _answer(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("response"), dict):
        raise AssertionInvalid("not a WebAuthn answer")
    return value


def _refuse_embedding(answer: Mapping[str, Any]) -> None:
    """Refuse a page inside another one (WebAuthn 3, 5.8.1: crossOrigin, topOrigin)."""
    try:
        raw = b64decode(str(answer["response"].get("clientDataJSON", "")).rstrip("="))
        client_data = parse_client_data_json(raw)
    except (WebAuthnException, ValueError) as error:
        raise AssertionInvalid("client data cannot be read") from error
    if client_data.cross_origin or b'"topOrigin"' in raw:
        raise AssertionInvalid("the page was embedded")
