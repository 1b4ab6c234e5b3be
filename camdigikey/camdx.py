"""How this installation reaches CamDX: `CAMDX_*` settings and what they open."""

import os
from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

from camdx_bridge import (
    BridgeClient,
    ClientId,
    HttpTransport,
    MutualTls,
    NationalIdClient,
    PlainHttp,
    ServerTls,
    ServiceId,
)

PREFIX = "CAMDX_"


class CamdxSettings(BaseSettings):
    """Where our security server is, who we are there, and whom we ask."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    security_server: str = "http://127.0.0.1:8003"
    connection: Literal["mutual-tls", "server-tls", "plain-http"] = "mutual-tls"
    server_certificate: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    client: str = "CAMBODIA/GOV/MPTC/CAMDIGIKEY"
    national_register: str = "CAMBODIA/GOV/MOI/IDENTIFICATION/KYC"


def load_camdx_settings() -> CamdxSettings:
    """Read the environment once; raises ValueError for unknown `CAMDX_*` names."""
    known = {PREFIX + name.upper() for name in CamdxSettings.model_fields}
    names = {name.upper() for name in os.environ if name.upper().startswith(PREFIX)}  # noqa: TID251 - this is the one reader
    if names - known:
        raise ValueError(f"unknown settings: {', '.join(sorted(names - known))}")
    return CamdxSettings()


def open_transport(settings: CamdxSettings) -> HttpTransport:
    """Return the transport to our security server; raises ValueError."""
    pin = settings.server_certificate
    if settings.connection == "plain-http":
        return HttpTransport(settings.security_server, PlainHttp())
    if settings.connection == "server-tls":
        tls = ServerTls(server_certificate=pin, check_hostname=pin is None)
        return HttpTransport(settings.security_server, tls)
    if settings.certificate is None or settings.certificate_key is None:
        raise ValueError("mutual TLS needs CAMDX_CERTIFICATE and CAMDX_CERTIFICATE_KEY")
    mutual = MutualTls(
        server_certificate=pin,
        check_hostname=pin is None,
        certificate=settings.certificate,
        key=settings.certificate_key,
    )
    return HttpTransport(settings.security_server, mutual)


def national_register(
    settings: CamdxSettings, transport: HttpTransport
) -> NationalIdClient:
    """Return the client of the Ministry of Interior's register."""
    client = BridgeClient(transport=transport, client=ClientId.parse(settings.client))
    return NationalIdClient(client, ServiceId.parse(settings.national_register))
