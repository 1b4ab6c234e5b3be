"""camdigikey serve: the provider and the citizen app's back end."""

import socket
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

import typer
import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from camdigikey.asgi import AllSettings, create_application
from camdigikey.camdx import load_camdx_settings
from camdigikey.commands.common import console, fail, settings
from idp.oidc.client_certificates import RememberPeer
from idp.storage.database import is_current
from mobile_api.settings import load_settings as load_mobile_settings

GRACE = 2  # seconds: open event streams must not hold a shutdown
BACKLOG = 2048


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        list[int] | None,
        typer.Option(help="May be repeated; else the ports of issuer and app."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Serve https with this chain.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option(help="Its private key.")
    ] = None,
) -> None:
    """Serve the provider and the citizen app; the Host header tells them apart."""
    found = settings()
    if not is_current(found.store):
        raise fail("The database is not at the newest revision: camdigikey migrate")
    ports = port or [_port_of(found.issuer), _port_of(found.app_origin)]
    console.print(f"{found.issuer} (provider), {found.app_origin} (citizen app)")
    run(
        AllSettings(found, load_mobile_settings(), load_camdx_settings()),
        host=host,
        ports=list(dict.fromkeys(ports)),
        certificate=certificate,
        certificate_key=certificate_key,
    )


def run(
    found: AllSettings,
    *,
    host: str,
    ports: list[int],
    certificate: Path | None = None,
    certificate_key: Path | None = None,
) -> None:
    """Serve on some ports until stopped; with TLS when a certificate is given."""
    application = behind_proxies(create_application(found), found.idp.trusted_proxies)
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,  # query strings of /return and /q/ are never logged
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE,
        proxy_headers=False,  # behind_proxies does it, after noting the peer
        ssl_certfile=certificate,
        ssl_keyfile=certificate_key,
    )
    sockets = [_listen(host, port) for port in ports]
    uvicorn.Server(config).run(sockets=sockets)


def behind_proxies(application: ASGIApp, proxies: tuple[str, ...]) -> ASGIApp:
    """Believe `X-Forwarded-*` of these proxies, and remember which peer it was."""
    forwarded: Any = ProxyHeadersMiddleware(
        cast("Any", application), trusted_hosts=list(proxies)
    )
    return RememberPeer(forwarded)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise fail(f"Port {port} on {host} cannot be used: {error.strerror}") from error


def _port_of(origin: str) -> int:
    parts = urlsplit(origin)
    return parts.port or (443 if parts.scheme == "https" else 80)
