"""What the provider calls by itself, and what it never calls."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from idp.engines.outbound import HttpOutbound, create, is_public
from idp.errors import Unavailable
from idp.interfaces import Outbound
from idp.settings import IdpSettings

pytestmark = pytest.mark.anyio
Answer = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
BODY = b'{"keys":[]}'


def plain(
    body: bytes = BODY, *, status: str = "200 OK", headers: str = "", count: int = 1
) -> Answer:
    async def answer(writer: asyncio.StreamWriter, _request: bytes) -> None:
        length = len(body) * count
        head = f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n"
        writer.write(head.encode())
        for _ in range(count):
            writer.write(body)
            await writer.drain()

    return answer


async def silence(_writer: asyncio.StreamWriter, _request: bytes) -> None:
    await asyncio.sleep(30)


async def drip(writer: asyncio.StreamWriter, _request: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


class Served(list[bytes]):
    """The requests that arrived, and where."""

    port = 0


@asynccontextmanager
async def serving(
    answer: Answer, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Served]:
    served, tasks = Served(), set[asyncio.Task[None]]()

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            served.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(writer, served[-1])
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        for task in tasks:
            task.cancel()
        server.close()


async def get(outbound: Outbound, url: str, limit: int = 1000) -> bytes:
    return await outbound.get(url, accept="application/json", limit=limit)


def resolving(*answers: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers

    return resolve


def authority(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Return an authority's file, and the TLS side of a server it vouches for."""
    root = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = x509.Name.from_rfc4514_string("CN=Test authority")

    def builder(
        subject: x509.Name, public: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )

    ca = (
        builder(issuer, root.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(root, SHA256())
    )
    subject = x509.Name.from_rfc4514_string(f"CN={name}")
    leaf = (
        builder(subject, key.public_key())
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        .sign(root, SHA256())
    )
    bundle, chain = folder / "ca.pem", folder / "leaf.pem"
    bundle.write_bytes(ca.public_bytes(Encoding.PEM))
    chain.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + leaf.public_bytes(Encoding.PEM)
    )
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain)
    return bundle, tls


async def test_a_set_of_keys_is_read_from_a_server() -> None:
    async with serving(plain()) as served:
        outbound = HttpOutbound(allows_loopback=True)
        url = f"http://localhost:{served.port}/jwks?a=b"
        assert await get(outbound, url) == BODY
    assert served[0].startswith(b"GET /jwks?a=b HTTP/1.1\r\n")
    assert f"Host: localhost:{served.port}".encode() in served[0]


async def test_a_post_returns_the_status_and_follows_no_redirect() -> None:
    away = plain(status="307 Temporary Redirect", headers="Location: /else\r\n")
    async with serving(away) as served:
        outbound = HttpOutbound(allows_loopback=True)
        url = f"http://127.0.0.1:{served.port}/ping"
        headers = {"Authorization": "Bearer x"}
        assert await outbound.post(url, body=b"{}", headers=headers) == 307
    assert len(served) == 1
    assert b"authorization: bearer x" in served[0].lower()


@pytest.mark.parametrize(
    "answer",
    [
        plain(status="302 Found", headers="Location: http://127.0.0.1:1/\r\n"),
        plain(status="404 Not Found"),
        plain(status="500 Oops"),
        plain(b"x" * 1001),
        plain(b"x" * 65536, count=1000),
        plain(headers="Content-Encoding: gzip\r\n"),
        silence,
        drip,
    ],
    ids=[
        "redirect",
        "404",
        "500",
        "one octet too many",
        "a huge body",
        "an encoding",
        "silence",
        "a slow body",
    ],
)
async def test_no_other_answer_will_do(answer: Answer) -> None:
    async with serving(answer) as served:
        outbound = HttpOutbound(allows_loopback=True, total=0.5)
        with pytest.raises(Unavailable):
            await get(outbound, f"http://127.0.0.1:{served.port}/")
        assert len(served) == 1


FORBIDDEN = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2001:0:1::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "64:ff9b:1::1",
    "100::1",
    "3fff::1",
    "5f00::1",
]


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_no_private_address_is_called(address: str) -> None:
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    by_address, by_name = HttpOutbound(), HttpOutbound(resolve=resolving(address))
    for outbound, named in ((by_address, host), (by_name, "party.example")):
        with pytest.raises(Unavailable, match="not a public address"):
            await get(outbound, f"https://{named}/")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "2002:808:808::"]
)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="fe80::/10"))
def test_no_address_of_a_private_network_is_public(address: object) -> None:
    assert not is_public(ip_address(str(address)))


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "0177.0.0.1"])
async def test_other_writings_of_loopback_are_loopback(host: str) -> None:
    with pytest.raises(Unavailable):
        await get(HttpOutbound(), f"https://{host}/")


async def test_one_private_answer_among_public_ones_is_enough_to_refuse() -> None:
    outbound = HttpOutbound(resolve=resolving("8.8.8.8", "10.0.0.1"))
    with pytest.raises(Unavailable, match="not a public address"):
        await get(outbound, "https://party.example/")


async def test_a_name_without_an_address_is_not_called() -> None:
    with pytest.raises(Unavailable, match="not a public address"):
        await get(HttpOutbound(resolve=resolving()), "https://party.example/")


async def test_a_private_address_is_refused_in_development_too() -> None:
    outbound = HttpOutbound(allows_loopback=True)
    for url in ("http://10.0.0.1/", "https://169.254.169.254/", "http://8.8.8.8/"):
        with pytest.raises(Unavailable, match="not a public address"):
            await get(outbound, url)


@pytest.mark.parametrize(
    "url",
    [
        "http://party.example/",
        "ftp://party.example/",
        "file:///etc/passwd",
        "//party.example/",
        "https://",
        "https:///x",
        "https://user:pass@party.example/",
        "https://party.example\\@other.example/",
        "https://[::1/",
        "https://party.example/" + "x" * 2000,
        "",
    ],
)
async def test_only_an_https_address_is_called(url: str) -> None:
    with pytest.raises(Unavailable, match=r"not an address|not https"):
        await get(HttpOutbound(resolve=resolving("8.8.8.8")), url)


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    tmp_path: Path,
) -> None:
    bundle, tls = authority(tmp_path, "party.example")
    asked = []

    async def once(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with serving(plain(), tls=tls) as served:
        outbound = HttpOutbound(allows_loopback=True, extra_ca=bundle, resolve=once)
        url = f"https://party.example:{served.port}/jwks"
        assert await get(outbound, url) == BODY
    # The name was resolved once, named in the request, and held by the certificate.
    assert asked == ["party.example"]
    assert f"Host: party.example:{served.port}".encode() in served[0]


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    bundle, tls = authority(tmp_path, "other.example")
    async with serving(plain(), tls=tls) as served:
        outbound = HttpOutbound(
            allows_loopback=True, extra_ca=bundle, resolve=resolving("127.0.0.1")
        )
        with pytest.raises(Unavailable):
            await get(outbound, f"https://party.example:{served.port}/")
    assert not served


async def test_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    _, tls = authority(tmp_path, "party.example")
    async with serving(plain(), tls=tls) as served:
        outbound = HttpOutbound(allows_loopback=True, resolve=resolving("127.0.0.1"))
        with pytest.raises(Unavailable):
            await get(outbound, f"https://party.example:{served.port}/")
    assert not served


async def test_an_address_that_failed_five_times_is_left_alone_for_half_a_minute() -> (
    None
):
    now = [0.0]
    async with serving(plain(status="503 Busy")) as served:
        outbound = HttpOutbound(allows_loopback=True, time=lambda: now[0])
        url = f"http://127.0.0.1:{served.port}/"
        for _ in range(7):
            with pytest.raises(Unavailable):
                await get(outbound, url)
        assert len(served) == 5
        now[0] = 31
        for _ in range(2):
            with pytest.raises(Unavailable):
                await get(outbound, url)
        # One call was let through to see; it failed, and peace goes on.
        assert len(served) == 6


async def test_nobody_cuts_a_host_off_by_an_address_of_it_that_fails() -> None:
    async def answer(writer: asyncio.StreamWriter, request: bytes) -> None:
        status = "200 OK" if request.startswith(b"GET /keys") else "404 Not Found"
        await plain(status=status)(writer, request)

    async with serving(answer) as served:
        outbound = HttpOutbound(allows_loopback=True)
        url = f"http://127.0.0.1:{served.port}"
        for _ in range(7):
            with pytest.raises(Unavailable):
                await get(outbound, f"{url}/nothing")
        await get(outbound, f"{url}/keys")
    assert len(served) == 6


async def test_an_address_that_answers_again_is_called_again() -> None:
    now, status = [0.0], ["500 Oops"]

    async def answer(writer: asyncio.StreamWriter, request: bytes) -> None:
        await plain(status=status[0])(writer, request)

    async with serving(answer) as served:
        outbound = HttpOutbound(allows_loopback=True, time=lambda: now[0])
        url = f"http://127.0.0.1:{served.port}/"
        for _ in range(5):
            assert await outbound.post(url, body=b"", headers={}) == 500
        now[0], status[0] = 31, "200 OK"
        for _ in range(3):
            assert await get(outbound, url) == BODY


async def test_at_most_eight_calls_at_once_reach_one_host() -> None:
    running, most = [0], [0]

    async def answer(writer: asyncio.StreamWriter, request: bytes) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.05)
        running[0] -= 1
        await plain()(writer, request)

    async with serving(answer) as served:
        outbound = HttpOutbound(allows_loopback=True)
        url = f"http://127.0.0.1:{served.port}/"
        await asyncio.gather(*(get(outbound, url) for _ in range(20)))
    assert len(served) == 20
    assert most[0] == 8


async def test_no_error_quotes_the_address() -> None:
    with pytest.raises(Unavailable) as refusal:
        await get(HttpOutbound(allows_loopback=True), "http://127.0.0.1:1/?secret=s3")
    shown = f"{refusal.value!r} {refusal.value.__cause__!r}"
    assert "s3" not in shown


def test_only_development_may_call_loopback() -> None:
    origins = {"issuer": "https://idp.test", "app_origin": "https://app.test"}
    for environment, expected in (("production", False), ("development", True)):
        settings = IdpSettings.model_validate(
            {**origins, "environment": environment, "outbound_ca_file": None}
        )
        assert create(settings).allows_loopback is expected
        assert isinstance(create(settings), Outbound)
