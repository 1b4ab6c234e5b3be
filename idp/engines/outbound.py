"""Calls the servers of relying parties, whose addresses somebody else wrote down.

    https only → resolve the name here → every answer is a public address
               → connect to that very address, under the certificate of the name
               → no redirect, no proxy, little time, few octets, few calls at once

The address that was checked is the one that is called, so a name that answers
differently the second time gains nothing. Each call has a connection of its own: a
pool would keep connections by address, and one address may serve many names. After
five failures in a row an address is left alone for thirty seconds: that address, not
its host, for anybody may register a page of a stranger's host that always fails. In
development loopback may be called too, by http as well.

Nothing is logged here: an address may carry a secret in its query.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from socket import SOCK_STREAM
from time import monotonic

import httpx2

from idp.errors import Unavailable
from idp.settings import IdpSettings

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

CONNECT, TOTAL = 3.0, 8.0  # seconds
AT_ONCE = 8
FAILURES, PAUSE = 5, 30.0  # in a row; seconds
MAX_KNOWN = 4096
MAX_URL = 2000
NAT64 = IPv6Network("64:ff9b::/96")
# Of IANA's special-purpose registries, what the standard library calls global.
SPECIAL = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",
            "192.88.99.0/24",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "3fff::/20",
            "5f00::/16",
        ),
    )
)
IPV4 = 0xFFFF_FFFF
OK, SERVER_ERROR = 200, 500


def is_public(address: Address) -> bool:
    """Say whether an address is one of the open internet (RFC 6890). Pure.

    An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as itself.
    """
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = IPv4Address(int(address) & IPV4)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or any(address in network for network in SPECIAL)
    )


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, as the system resolves it; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=SOCK_STREAM)
    return [str(answer[4][0]) for answer in found]


@dataclass(slots=True)
class Lately:
    """How one address has behaved lately."""

    failures: int = 0
    tried_at: float = 0.0

    def check(self, now: float) -> None:
        """Let a call through, or one every 30 s to an address that fails."""
        if self.failures >= FAILURES and now - self.tried_at < PAUSE:
            raise Unavailable("outbound: the address is left alone", retry_after=30)
        self.tried_at = now

    def note(self, *, is_fine: bool) -> None:
        """Count a call's end."""
        self.failures = 0 if is_fine else self.failures + 1


@dataclass
class HttpOutbound:
    """The Outbound of a real network. `extra_ca` is trusted beside the public ones."""

    allows_loopback: bool = False
    extra_ca: Path | None = None
    resolve: Resolve = resolve_by_system
    time: Callable[[], float] = monotonic
    total: float = TOTAL
    _hosts: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _lately: dict[str, Lately] = field(default_factory=dict)

    async def get(self, url: str, *, accept: str, limit: int) -> bytes:
        """Return the body of a 200, at most `limit` octets. Raises Unavailable."""
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        async with self._call("GET", url, headers=headers) as answer:
            if answer.status_code != OK:
                raise Unavailable(f"outbound: status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise Unavailable("outbound: an encoding nobody asked for")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > limit:
                    raise Unavailable("outbound: the answer is too large")
            return bytes(body)

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> int:
        """Send the body, leave the answer's unread, return its status.

        Raises Unavailable.
        """
        async with self._call("POST", url, headers=headers, body=body) as answer:
            return answer.status_code

    @asynccontextmanager
    async def _call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[httpx2.Response]:
        target = self._target(url)
        at_once = self._at_once(target.netloc.decode("ascii"))
        lately = self._of(str(target))
        lately.check(self.time())
        try:
            async with asyncio.timeout(self.total), at_once:
                address = await self._address(target)
                async with self._answer(
                    method, target, address, headers, body
                ) as answer:
                    yield answer
                    lately.note(is_fine=answer.status_code < SERVER_ERROR)
        except Unavailable:
            lately.note(is_fine=False)
            raise
        except (httpx2.HTTPError, httpx2.StreamError, OSError, ValueError) as error:
            lately.note(is_fine=False)
            # The texts of these errors may quote the address: they stay here.
            raise Unavailable(f"outbound: {type(error).__name__}") from None

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        target: httpx2.URL,
        address: Address,
        headers: Mapping[str, str],
        body: bytes,
    ) -> AsyncIterator[httpx2.Response]:
        client = httpx2.AsyncClient(
            verify=self._trust,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(self.total, connect=min(CONNECT, self.total)),
        )
        async with (
            client,
            client.stream(
                method,
                target.copy_with(host=str(address)),
                headers={**headers, "Host": target.netloc.decode("ascii")},
                content=body or None,
                # The certificate must be the name's, not the address's.
                extensions={"sni_hostname": target.raw_host.decode("ascii")},
            ) as answer,
        ):
            yield answer

    def _target(self, url: str) -> httpx2.URL:
        """Read an address; raises Unavailable for one that is never called."""
        try:
            target = httpx2.URL(url) if len(url) <= MAX_URL else httpx2.URL("")
        except (httpx2.InvalidURL, ValueError):
            raise Unavailable("outbound: not an address") from None
        if not target.host or target.userinfo or "\\" in url:
            raise Unavailable("outbound: not an address")
        if target.scheme != "https" and not (
            target.scheme == "http" and self.allows_loopback
        ):
            raise Unavailable("outbound: not https")
        return target.copy_with(fragment=None)

    async def _address(self, target: httpx2.URL) -> Address:
        port = target.port or (443 if target.scheme == "https" else 80)
        answers = await self.resolve(target.raw_host.decode("ascii"), port)
        addresses = [ip_address(answer.partition("%")[0]) for answer in answers]
        is_safe = target.scheme == "https"
        if not addresses or not all(
            (is_safe and is_public(each)) or (self.allows_loopback and each.is_loopback)
            for each in addresses
        ):
            raise Unavailable("outbound: not a public address")
        return addresses[0]

    def _at_once(self, host: str) -> asyncio.Semaphore:
        if host not in self._hosts and len(self._hosts) >= MAX_KNOWN:
            self._hosts.clear()
        return self._hosts.setdefault(host, asyncio.Semaphore(AT_ONCE))

    def _of(self, address: str) -> Lately:
        if address not in self._lately and len(self._lately) >= MAX_KNOWN:
            self._lately.clear()
        return self._lately.setdefault(address, Lately())

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        trust = ssl.create_default_context()
        trust.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.extra_ca is not None:
            trust.load_verify_locations(self.extra_ca)
        return trust


def create(settings: IdpSettings) -> HttpOutbound:
    """Return the engine for these settings; reads nothing yet."""
    # The library's own log names whole addresses at INFO.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    return HttpOutbound(
        allows_loopback=settings.environment == "development",
        extra_ca=settings.outbound_ca_file,
    )
