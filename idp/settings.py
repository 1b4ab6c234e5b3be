"""Settings of the provider: frozen, from `IDP_*`, secrets redacted."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificate
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "IDP_"
Environment = Literal["development", "production"]
SigningAlgorithm = Literal["ES256", "PS256", "RS256", "EdDSA"]
# What every answer with our keys allows a cache to keep it.
JWKS_MAX_AGE = timedelta(minutes=5)


class IdpSettings(BaseSettings):
    """What an operator may set. Unknown `IDP_*` names are refused."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    environment: Environment = "production"
    sandbox: bool = False
    issuer: str
    app_origin: str
    store: str = "sqlite:///data/camdigikey.sqlite3"
    redis: SecretStr | None = None
    master_key_file: Path = Path("data/master.key")
    master_key: SecretStr | None = None

    sms_sender: str = "idp.engines.sms_twilio:create"
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_sender: str = ""
    twilio_base_url: str = "https://api.twilio.com"

    email_sender: str = "idp.engines.email_smtp:create"
    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = ""

    sms_routes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    sms_countries: tuple[str, ...] = (
        *("KH", "TH", "KR", "JP", "MY", "SG", "VN", "LA", "CN", "HK", "TW"),
        *("US", "CA", "FR", "AU", "NZ", "GB", "DE", "AE", "IN", "ID", "PH"),
    )
    codes_per_number_prefix_an_hour: int = Field(default=2000, ge=1)
    work_free_an_hour: int = Field(default=10, ge=0)
    work_free_for_all_an_hour: int = Field(default=2000, ge=0)
    twilio_verify_service: str = ""
    twilio_verify_base_url: str = "https://verify.twilio.com"
    plasgate_private_key: SecretStr = SecretStr("")
    plasgate_secret: SecretStr = SecretStr("")
    plasgate_sender: str = ""
    plasgate_base_url: str = "https://cloudapi.plasgate.com"
    telegram_gateway_token: SecretStr = SecretStr("")
    telegram_gateway_sender: str = ""
    telegram_gateway_base_url: str = "https://gatewayapi.telegram.org"
    nomsa_key: SecretStr = SecretStr("")
    nomsa_base_url: str = "https://api.nomsa.gov.kh"
    message_reports: bool = True
    message_budgets: dict[str, int] = Field(default_factory=dict)
    message_prices: dict[str, int] = Field(default_factory=dict)

    signing_algorithms: tuple[SigningAlgorithm, ...] = (
        "ES256",
        "PS256",
        "RS256",
        "EdDSA",
    )
    key_rotation: timedelta = timedelta(days=30)
    key_publish_ahead: timedelta = timedelta(hours=24)
    key_overlap: timedelta = timedelta(days=31)
    key_custody: str = "sealed"
    hsm_module: str = ""
    hsm_token: str = ""
    hsm_pin: SecretStr = SecretStr("")

    outbound_ca_file: Path | None = None

    access_token_life: timedelta = timedelta(minutes=10)
    id_token_life: timedelta = timedelta(minutes=10)
    refresh_life: timedelta = timedelta(days=30)
    refresh_grace: timedelta = timedelta(seconds=60)
    code_life: timedelta = Field(
        default=timedelta(seconds=60), gt=timedelta(), le=timedelta(seconds=60)
    )
    session_life: timedelta = timedelta(hours=8)
    interaction_life: timedelta = timedelta(minutes=30)
    challenge_pending: timedelta = timedelta(seconds=180)
    challenge_claimed: timedelta = timedelta(seconds=120)
    challenge_approved: timedelta = timedelta(seconds=60)
    challenge_renewals: int = Field(default=5, ge=0)
    logins_per_prefix_a_minute: int = Field(default=600, ge=1)
    claims_a_minute: int = Field(default=10, ge=1)
    backchannel_life: timedelta = timedelta(minutes=5)
    backchannel_life_most: timedelta = timedelta(minutes=10)
    backchannel_interval: timedelta = timedelta(seconds=5)
    backchannel_long_poll: timedelta = Field(
        default=timedelta(), ge=timedelta(), le=timedelta(seconds=25)
    )
    backchannel_requests_a_minute: int = Field(default=600, ge=1)
    pushes_unanswered_an_hour: int = Field(default=3, ge=1)
    push_block: timedelta = timedelta(hours=24)

    code_digits: int = Field(default=6, ge=6, le=8)
    code_validity: timedelta = timedelta(minutes=5)
    code_attempts: int = Field(default=5, ge=1)
    code_resend: tuple[int, ...] = (30, 60, 120)
    codes_per_number_an_hour: int = Field(default=5, ge=1)
    codes_per_prefix_an_hour: int = Field(default=20, ge=1)
    registrations_per_device_a_day: int = Field(default=3, ge=1)
    registration_life: timedelta = timedelta(days=7)
    recovery_wait: timedelta = timedelta(hours=24)
    recovery_wait_long: timedelta = timedelta(hours=72)
    documents_an_hour: int = Field(default=20, ge=1)
    face_attempts: int = Field(default=5, ge=1)
    register_disagreements: int = Field(default=5, ge=1)
    evidence_retention: timedelta = Field(
        default=timedelta(hours=24), le=timedelta(hours=24)
    )

    passkey_attestation_roots: Path | None = None
    device_attestation: Path | None = None
    android_package: str = ""
    android_signers: tuple[str, ...] = ()
    apple_app_id: str = ""

    software_statement_issuers: dict[str, Path] = Field(default_factory=dict)
    party_registrations_per_prefix_an_hour: int = Field(default=20, ge=1)

    trusted_proxies: tuple[str, ...] = ()
    mtls_origin: str = ""
    tls_client_ca_file: Path | None = None
    dpop_nonce_required: bool = False

    @field_validator("issuer", "app_origin", "mtls_origin")
    @classmethod
    def _is_origin(cls, value: str, info: ValidationInfo) -> str:
        if info.field_name == "mtls_origin" and not value:
            return value
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path:
            raise ValueError("must be an origin without a path: https://host[:port]")
        return value

    @model_validator(mode="after")
    def _is_safe(self) -> "IdpSettings":
        if self.issuer == self.app_origin:
            raise ValueError("the issuer and the app need different origins")
        if self.environment == "production":
            for url in (self.issuer, self.app_origin, self.mtls_origin):
                if url and not url.startswith("https://"):
                    raise ValueError("production speaks https only")
            if self.sandbox:
                raise ValueError("the sandbox lets anybody in: never in production")
        return self

    @model_validator(mode="after")
    def _keys_outlive_caches(self) -> "IdpSettings":
        token_life = max(self.access_token_life, self.id_token_life)
        if "ES256" not in self.signing_algorithms:
            raise ValueError("signing_algorithms: ES256 is always needed")
        if self.key_publish_ahead < JWKS_MAX_AGE:
            raise ValueError("key_publish_ahead: shorter than the caches of our keys")
        if self.key_rotation < self.key_publish_ahead:
            raise ValueError("key_rotation: a next key must be published before")
        if self.key_overlap < token_life + self.key_publish_ahead:
            raise ValueError("key_overlap: shorter than the tokens' life and caches")
        return self

    @property
    def is_secure(self) -> bool:
        """Whether cookies may demand TLS."""
        return self.issuer.startswith("https://")

    @property
    def attestation_roots(self) -> tuple[bytes, ...]:
        """The PEM files of the folder; raises ValueError for one that is none."""
        if self.passkey_attestation_roots is None:
            return ()
        files = sorted(self.passkey_attestation_roots.glob("*.pem"))
        if not files:
            raise ValueError("IDP_PASSKEY_ATTESTATION_ROOTS holds no .pem file")
        found = tuple(path.read_bytes() for path in files)
        for pem in found:
            load_pem_x509_certificate(pem)
        return found

    @property
    def rp_id(self) -> str:
        """The WebAuthn relying-party identifier: the issuer's host."""
        return urlsplit(self.issuer).hostname or ""


def load_settings() -> IdpSettings:
    """Read the environment once; raises ValueError for unknown `IDP_*` names."""
    known = {PREFIX + name.upper() for name in IdpSettings.model_fields}
    set_names = {name for name in os.environ if name.upper().startswith(PREFIX)}  # noqa: TID251 - this is the one reader
    unknown = {name for name in set_names if name.upper() not in known}
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    return IdpSettings()  # type: ignore[call-arg]  # from the environment
