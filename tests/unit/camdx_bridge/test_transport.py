"""The transport: loud without protection, strict about its settings."""

import asyncio
import warnings
from pathlib import Path

import pytest

from camdx_bridge import (
    HttpTransport,
    Misuse,
    MutualTls,
    PlainHttp,
    PlainHttpWarning,
    Request,
    ServerTls,
    Unreachable,
)
from camdx_bridge.simulator import CLIENT, SERVICE, listen

ASKED = Request(client=CLIENT, service=SERVICE, message_id="CAMBODIA-1")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_plain_http_is_quiet_on_this_machine(host: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        transport = HttpTransport(f"http://{host}:8003/", PlainHttp())
    asyncio.run(transport.aclose())


@pytest.mark.parametrize("host", ["ss.example.kh", "10.0.0.1", "localhost.example.kh"])
def test_plain_http_is_loud_anywhere_else(host: str) -> None:
    with pytest.warns(PlainHttpWarning, match="PLAIN HTTP"):
        transport = HttpTransport(f"http://{host}", PlainHttp())
    asyncio.run(transport.aclose())


@pytest.mark.parametrize(
    "address",
    [
        "https://localhost",
        "localhost",
        "http://",
        "http://h/p",
        "http://u@h",
        "http://h?q",
    ],
)
def test_an_address_that_does_not_fit_is_refused(address: str) -> None:
    with pytest.raises(Misuse):
        HttpTransport(address, PlainHttp())


def test_tls_needs_https() -> None:
    with pytest.raises(Misuse):
        HttpTransport("http://localhost", ServerTls())


def test_the_host_name_goes_unchecked_only_under_a_pin() -> None:
    with pytest.raises(Misuse, match="pinned"):
        HttpTransport("https://localhost", ServerTls(check_hostname=False))


def test_missing_certificates_are_told_at_the_start(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    with pytest.raises(Misuse, match="cannot be read"):
        HttpTransport("https://localhost", MutualTls(certificate=nothing, key=nothing))
    assert "secret" not in repr(
        MutualTls(certificate=nothing, key=nothing, key_password="secret")
    )


def test_nobody_listening_is_our_side() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

    async def scene() -> None:
        async with HttpTransport(f"http://127.0.0.1:{port}", PlainHttp()) as transport:
            with pytest.raises(Unreachable) as failed:
                await transport.send(ASKED)
        assert failed.value.message_id == "CAMBODIA-1"

    asyncio.run(scene())
