"""Connection type HTTPS: certificates on both sides, over real TLS on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from camdx_bridge import (
    BridgeClient,
    HttpTransport,
    MutualTls,
    NationalIdClient,
    ServerTls,
    Unreachable,
    Verification,
)
from camdx_bridge.simulator import (
    CLIENT,
    IDENTITY,
    SERVICE,
    Simulator,
    listen,
    load_registry,
    server_of,
)
from tests.unit.camdx_bridge.bridge_world import SREYPOV

BORN = datetime(2020, 1, 1, tzinfo=UTC)


def make_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a self-signed certificate that names no host, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BORN)
        .not_valid_after(BORN + timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@asynccontextmanager
async def secured(folder: Path) -> AsyncIterator[str]:
    """Serve the simulator under `ss.pem`, for callers who show `ours.pem`."""
    server = server_of(
        Simulator(registry=load_registry(), identity=IDENTITY, clients=[CLIENT])
    )
    server.config.ssl_certfile, server.config.ssl_keyfile = make_pair(folder, "ss")
    server.config.ssl_ca_certs = str(make_pair(folder, "ours")[0])
    server.config.ssl_cert_reqs = ssl.CERT_REQUIRED
    with listen("127.0.0.1", 0) as sock:
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.01)
        try:
            yield f"https://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def ask(address: str, connection: ServerTls) -> Verification:
    async with HttpTransport(address, connection) as transport:
        client = BridgeClient(transport=transport, client=CLIENT)
        return await NationalIdClient(client, SERVICE).verify(**SREYPOV)


def mutual(folder: Path, *, who: str, pin: str, check_hostname: bool) -> MutualTls:
    return MutualTls(
        server_certificate=folder / f"{pin}.pem",
        check_hostname=check_hostname,
        certificate=folder / f"{who}.pem",
        key=folder / f"{who}.key",
    )


def test_both_sides_show_their_certificates(tmp_path: Path) -> None:
    async def scene() -> None:
        async with secured(tmp_path) as address:
            connection = mutual(tmp_path, who="ours", pin="ss", check_hostname=False)
            assert (await ask(address, connection)).score == 1

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("who", "pin", "check_hostname"),
    [
        ("ours", "stranger", False),  # another server than the pinned one
        ("ours", "ss", True),  # its certificate names no host
        ("stranger", "ss", False),  # our certificate is not on its list
    ],
)
def test_a_stranger_on_either_side_ends_the_call(
    who: str, pin: str, check_hostname: bool, tmp_path: Path
) -> None:
    async def scene() -> None:
        make_pair(tmp_path, "stranger")
        async with secured(tmp_path) as address:
            connection = mutual(
                tmp_path, who=who, pin=pin, check_hostname=check_hostname
            )
            with pytest.raises(Unreachable):
                await ask(address, connection)

    asyncio.run(scene())


def test_a_caller_without_a_certificate_is_not_heard(tmp_path: Path) -> None:
    async def scene() -> None:
        async with secured(tmp_path) as address:
            pinned = ServerTls(
                server_certificate=tmp_path / "ss.pem", check_hostname=False
            )
            with pytest.raises(Unreachable):
                await ask(address, pinned)

    asyncio.run(scene())
