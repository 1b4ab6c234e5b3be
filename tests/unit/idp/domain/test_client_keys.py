"""The public keys of relying parties: which are taken, and how long a copy serves."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.client_keys import ClientKeys, bare_key, read_key_set
from idp.domain.party_metadata import PartyMetadata
from idp.errors import Malformed, Unavailable
from idp.storage.columns import b64encode
from tests.party_keys import PartyKey, rsa_key

pytestmark = pytest.mark.anyio
URI = "https://party.example/jwks"


@dataclass
class HandClock:
    at: datetime = datetime(2026, 7, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Server:
    """A party's server: what it answers, and how often it was asked."""

    body: bytes | None
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def get(self, url: str, *, accept: str, limit: int) -> bytes:
        assert "application/jwk-set+json" in accept
        self.asked.append((url, limit))
        await asyncio.sleep(0)
        if self.body is None:
            raise Unavailable("away")
        return self.body

    async def post(self, url: str, *, body: bytes, headers: Any) -> int:
        raise AssertionError(url, body, headers)


@dataclass(frozen=True)
class Party:
    metadata: PartyMetadata
    id: str = "portal"


BY_ADDRESS = Party(PartyMetadata(jwks_uri=URI))


def document(*keys: PartyKey) -> bytes:
    return orjson.dumps({"keys": [key.jwk for key in keys]})


async def test_registered_keys_are_given_without_asking_anybody() -> None:
    key = PartyKey.make()
    keys = ClientKeys(HandClock(), Server(None))
    assert await keys.of(Party(PartyMetadata(jwks=key.jwks))) == (key.jwk,)
    assert await keys.of(Party(PartyMetadata())) == ()


async def test_a_copy_serves_five_minutes() -> None:
    first, second = PartyKey.make(kid="a"), PartyKey.make(kid="b")
    clock, server = HandClock(), Server(document(first))
    keys = ClientKeys(clock, server)
    assert await keys.of(BY_ADDRESS) == (first.jwk,)
    server.body = document(second)
    clock.move(299)
    assert await keys.of(BY_ADDRESS) == (first.jwk,)
    clock.move(2)
    assert await keys.of(BY_ADDRESS) == (second.jwk,)
    assert server.asked == [(URI, 64 * 1024)] * 2


async def test_whoever_misses_a_key_gets_a_fresh_copy_once_in_thirty_seconds() -> None:
    clock, server = HandClock(), Server(document())
    keys = ClientKeys(clock, server)
    await keys.of(BY_ADDRESS)
    for _ in range(5):
        await keys.of(BY_ADDRESS, refresh=True)
    assert len(server.asked) == 1
    clock.move(31)
    for _ in range(5):
        await keys.of(BY_ADDRESS, refresh=True)
    assert len(server.asked) == 2


async def test_the_last_copy_serves_a_day_while_the_server_is_away() -> None:
    key, clock = PartyKey.make(), HandClock()
    server = Server(document(key))
    keys = ClientKeys(clock, server)
    await keys.of(BY_ADDRESS)
    for broken in (None, b"not JSON", b'{"keys": 5}', b"[]"):
        server.body = broken
        clock.move(3600)
        assert await keys.of(BY_ADDRESS) == (key.jwk,)
    clock.move(24 * 3600)
    with pytest.raises(Unavailable):
        await keys.of(BY_ADDRESS)


async def test_a_server_that_is_away_is_asked_once_in_thirty_seconds() -> None:
    clock, server = HandClock(), Server(None)
    keys = ClientKeys(clock, server)
    for _ in range(5):
        with pytest.raises(Unavailable):
            await keys.of(BY_ADDRESS)
    assert len(server.asked) == 1


async def test_a_hundred_callers_make_one_call() -> None:
    server = Server(document(PartyKey.make()))
    keys = ClientKeys(HandClock(), server)
    await asyncio.gather(*(keys.of(BY_ADDRESS) for _ in range(100)))
    assert len(server.asked) == 1


async def test_another_address_is_read_at_once() -> None:
    server = Server(document(PartyKey.make()))
    keys = ClientKeys(HandClock(), server)
    await keys.of(BY_ADDRESS)
    await keys.of(Party(PartyMetadata(jwks_uri=URI + "2")))
    assert [url for url, _ in server.asked] == [URI, URI + "2"]


def rsa_jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    return {"kty": "RSA", "n": b64encode(numbers.n.to_bytes(size)), "e": "AQAB"}


def ec_jwk(curve: ec.EllipticCurve, name: str) -> dict[str, str]:
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = (b64encode(n.to_bytes(size)) for n in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": name, "x": x, "y": y}


GOOD = PartyKey.make().bare
UNUSABLE: dict[str, dict[str, Any]] = {
    "RSA of 1024 bits (FAPI 2.0 5.4)": rsa_jwk(rsa_key(1024)),
    "P-384": ec_jwk(ec.SECP384R1(), "P-384"),
    "P-384 that says P-256": {**ec_jwk(ec.SECP384R1(), "P-384"), "crv": "P-256"},
    "secp256k1": {**GOOD, "crv": "secp256k1"},
    "not a point": {**GOOD, "x": GOOD["y"], "y": GOOD["x"]},
    "a coordinate too short": {**GOOD, "x": GOOD["x"][:-2]},
    "not canonical": {**GOOD, "x": GOOD["x"] + "="},
    "X25519": {"kty": "OKP", "crv": "X25519", "x": b64encode(b"x" * 32)},
    "Ed25519 of 31 octets": {"kty": "OKP", "crv": "Ed25519", "x": b64encode(b"x" * 31)},
    "no y": {k: v for k, v in GOOD.items() if k != "y"},
    "kty is a list": {**GOOD, "kty": ["EC"]},
    "crv is a number": {**GOOD, "crv": 5},
    "RSA with a leading zero": {
        **rsa_jwk(rsa_key()),
        "n": b64encode(rsa_key().public_key().public_numbers().n.to_bytes(257)),
    },
    "RSA with exponent 1": {**rsa_jwk(rsa_key()), "e": "AQ"},
    "RSA with exponent 3": {**rsa_jwk(rsa_key()), "e": "Aw"},
    "RSA with a huge exponent": {**rsa_jwk(rsa_key()), "e": b64encode(b"\xff" * 9)},
    "RSA with an even exponent": {**rsa_jwk(rsa_key()), "e": "AQAC"},
    "RSA with an empty number": {**rsa_jwk(rsa_key()), "n": ""},
}


@pytest.mark.parametrize("jwk", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_is_not_used_here_is_passed_over(jwk: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        bare_key(jwk)
    assert read_key_set({"keys": [jwk, GOOD]}) == (GOOD,)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_the_three_kinds_of_keys_are_taken(alg: str) -> None:
    key = PartyKey.make(alg)
    assert bare_key(key.jwk) == key.bare


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_set_with_a_private_key_is_refused_as_a_whole(member: str) -> None:
    leaked = {**GOOD, member: "AQAB"}
    with pytest.raises(Malformed, match="private"):
        read_key_set({"keys": [GOOD, leaked]})
    with pytest.raises(Malformed, match="private"):
        bare_key(leaked)


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"keys": None}, {"keys": {}}, {"keys": [5]}, {"keys": [GOOD] * 21}],
)
def test_anything_but_a_small_key_set_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        read_key_set(value)


def test_twenty_keys_are_fine() -> None:
    assert len(read_key_set({"keys": [GOOD] * 20})) == 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["keys", "kty", "crv", "x", "y", "n", "e", "kid"]),
            inner | st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB"]),
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_breaks_the_reader(value: Any) -> None:
    try:
        read_key_set({"keys": value})
    except Malformed:
        return
