"""DPoP proofs, check by check of RFC 9449, 4.3."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain import signing_algorithms as signing
from idp.oidc.dpop import (
    check_dpop,
    new_nonce,
    nonce_headers,
    normal_url,
    verify_dpop_proof,
)
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services
from idp.storage.columns import b64encode, new_id
from idp.storage.encryption import MasterKey, Sealer
from idp.storage.ephemeral import MemoryEphemeral
from tests.party_keys import PartyKey, rsa_key
from tests.unit.idp.oidc.parties import request
from tests.unit.idp.oidc.world import ISSUER, MovableClock, open_wired

pytestmark = pytest.mark.anyio
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors/client_jwts/signed.json").read_text()
)
NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
T = int(NOW.timestamp())
URL = f"{ISSUER}/token"
KEY, OTHER, RSA = PartyKey.make(), PartyKey.make(), PartyKey.make("PS256")
TOKEN = "an.access.token"
ATH = b64encode(sha256(TOKEN.encode()).digest())


def proof_of(
    key: PartyKey = KEY, *, header: dict[str, Any] | None = None, **changes: Any
) -> str:
    claims = {"htm": "POST", "htu": URL, "iat": T, "jti": new_id(), **changes}
    usual = {"typ": "dpop+jwt", "jwk": key.bare, "kid": None}
    return key.sign(
        {name: value for name, value in claims.items() if value is not None},
        **{**usual, **(header or {})},
    )


def verify(proof: str, **changes: Any) -> str:
    usual: dict[str, Any] = {"method": "POST", "urls": [URL], "now": NOW}
    return verify_dpop_proof(proof, **{**usual, **changes}).jkt


@pytest.fixture
async def services(sqlite_url: str) -> AsyncIterator[Services]:
    opened = await open_wired(sqlite_url)
    yield opened
    await opened.store.close()


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_a_proof_names_its_key_by_thumbprint(alg: str) -> None:
    key = PartyKey.make(alg)
    assert verify(proof_of(key)) == signing.thumbprint(key.bare)


@pytest.mark.parametrize(
    "made", [m for m in VECTORS["made"] if m["alg"] != "RS256"], ids=lambda m: m["alg"]
)
def test_a_proof_of_another_implementation_is_taken(made: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(VECTORS["now"], UTC)
    found = verify(made["proof"], urls=[VECTORS["url"]], now=now)
    assert found == made["thumbprint"]


def test_an_rs256_proof_of_another_implementation_is_refused() -> None:
    (made,) = [m for m in VECTORS["made"] if m["alg"] == "RS256"]
    now = datetime.fromtimestamp(VECTORS["now"], UTC)
    with pytest.raises(ProtocolRefusal, match="algorithm"):
        verify(made["proof"], urls=[VECTORS["url"]], now=now)


def test_the_example_of_rfc_7638_has_its_thumbprint() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxu"
        "hDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN"
        "5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
        "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBni"
        "Iqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    found = signing.thumbprint({"kty": "RSA", "n": modulus, "e": "AQAB"})
    assert found == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


TAKEN: dict[str, dict[str, Any]] = {
    "FAPI 2.0 5.3.2.1-13: iat 10 s ago": {"iat": T - 10},
    "FAPI 2.0 5.3.2.1-13: iat 10 s ahead": {"iat": T + 10},
    "iat a minute ago": {"iat": T - 60},
    "iat half a minute ahead": {"iat": T + 30},
    "jti of 256": {"jti": "x" * 256},
    "4.3-9: scheme and host in capitals": {"htu": "HTTP://LocalHost:8000/token"},
    "4.3-9: with a query": {"htu": f"{URL}?a=b"},
    "4.3-9: with a fragment": {"htu": f"{URL}#x"},
    "4.3-9: an escape that says nothing": {"htu": f"{ISSUER}/%74oken"},
    "ath where none is asked": {"ath": ATH},
}
REFUSED: dict[str, dict[str, Any]] = {
    "4.3-8: htm is another": {"htm": "GET"},
    "4.3-8: htm in small letters": {"htm": "post"},
    "4.3-8: htm is missing": {"htm": None},
    "4.3-9: htu is another endpoint": {"htu": f"{ISSUER}/par"},
    "4.3-9: htu is another host": {"htu": "http://localhost.x.example:8000/token"},
    "4.3-9: htu is another port": {"htu": "http://localhost:8001/token"},
    "4.3-9: htu is another scheme": {"htu": "https://localhost:8000/token"},
    "4.3-9: htu has a slash more": {"htu": f"{URL}/"},
    "4.3-9: htu is a path in capitals": {"htu": f"{ISSUER}/Token"},
    "4.3-9: htu with a user": {"htu": "http://a@localhost:8000/token"},
    "4.3-9: htu is a path": {"htu": "/token"},
    "4.3-9: htu is missing": {"htu": None},
    "4.3-9: htu is a list": {"htu": [URL]},
    "4.3-9: htu has a port that is none": {"htu": "http://localhost:x/token"},
    "4.3-9: htu is not ASCII": {"htu": "http://localhost:8000/tokén"},
    "4.3-11: iat 61 s ago": {"iat": T - 61},
    "4.3-11: iat 31 s ahead": {"iat": T + 31},
    "4.3-11: iat 61 s ahead": {"iat": T + 61},
    "4.3-11: iat is no number": {"iat": float("nan")},
    "4.3-11: iat without end": {"iat": float("inf")},
    "4.3-11: iat is missing": {"iat": None},
    "4.3-11: iat is a text": {"iat": str(T)},
    "4.3-11: iat is true": {"iat": True},
    "4.2: jti is missing": {"jti": None},
    "4.2: jti is a number": {"jti": 5},
    "4.2: jti is empty": {"jti": ""},
    "4.2: jti has no end": {"jti": "x" * 257},
    "4.2: nonce is a number": {"nonce": 5},
}


@pytest.mark.parametrize("changes", TAKEN.values(), ids=TAKEN.keys())
def test_this_proof_is_taken(changes: dict[str, Any]) -> None:
    assert verify(proof_of(**changes)) == signing.thumbprint(KEY.bare)


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED.keys())
def test_this_proof_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ProtocolRefusal) as refusal:
        verify(proof_of(**changes))
    assert refusal.value.spoken.error == "invalid_dpop_proof"


HEADERS: dict[str, dict[str, Any]] = {
    "4.3-4: typ is missing": {"typ": None},
    "4.3-4: typ is JWT": {"typ": "JWT"},
    "4.3-4: typ is a list": {"typ": ["dpop+jwt"]},
    "4.3-5: alg none": {"alg": "none"},
    "4.3-5: alg HS256": {"alg": "HS256"},
    "4.3-5: alg is a list": {"alg": ["ES256"]},
    "4.3-5: alg of another kind of key": {"alg": "PS256"},
    "4.3-6: signed by another key": {"jwk": OTHER.bare},
    "4.3-6: jwk is missing": {"jwk": None},
    "4.3-6: jwk is a text": {"jwk": "key"},
    "4.3-6: jwk is empty": {"jwk": {}},
    "4.3-7: jwk with a private member": {"jwk": {**KEY.bare, "d": "AQAB"}},
    "4.3-7: jwk is symmetric": {"jwk": {"kty": "oct", "k": "AQAB"}},
    "not a point of the curve": {"jwk": {**KEY.bare, "x": KEY.bare["y"]}},
    "RFC 7515 4.1.11: crit": {"crit": ["x"]},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_this_header_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(ProtocolRefusal) as refusal:
        verify(proof_of(header=header))
    assert refusal.value.spoken.error == "invalid_dpop_proof"


def test_5_rs256_and_small_rsa_keys_are_refused() -> None:
    with pytest.raises(ProtocolRefusal, match="algorithm"):
        verify(proof_of(PartyKey("RS256", rsa_key())))
    small = PartyKey("PS256", rsa_key(1024))
    with pytest.raises(ProtocolRefusal):
        verify(proof_of(small))


def test_a_spoiled_signature_is_refused() -> None:
    head, _, signature = proof_of().rpartition(".")
    with pytest.raises(ProtocolRefusal):
        verify(f"{head}.{signature[:-4]}AAAA")


def test_a_kid_is_not_believed() -> None:
    header = {"kid": signing.thumbprint(OTHER.bare)}
    assert verify(proof_of(header=header)) == signing.thumbprint(KEY.bare)


def test_more_members_of_the_key_do_not_change_its_thumbprint() -> None:
    header = {"jwk": {**KEY.bare, "kid": "x", "use": "sig", "x5t": "y"}}
    assert verify(proof_of(header=header)) == signing.thumbprint(KEY.bare)


def test_7_2_at_a_resource_the_proof_names_the_token() -> None:
    assert verify(proof_of(ath=ATH), access_token=TOKEN)
    for ath in (None, ATH[:-1] + "A", b64encode(b"x" * 32), 5):
        with pytest.raises(ProtocolRefusal, match="ath"):
            verify(proof_of(ath=ath), access_token=TOKEN)


def test_a_proof_without_end_is_refused() -> None:
    with pytest.raises(ProtocolRefusal, match="not a JWT"):
        verify(proof_of(x="x" * 16_384))


@given(st.text(max_size=99) | st.text("abcXYZ012-_.", max_size=99))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(ProtocolRefusal):
        verify(text)


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just([])
MEMBERS = st.sampled_from(["alg", "typ", "jwk", "htm", "htu", "iat", "jti", "nonce"])


@given(st.dictionaries(MEMBERS, JSON), st.dictionaries(MEMBERS, JSON))
def test_no_member_breaks_the_reader(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    usual = {"htm": "POST", "htu": URL, "iat": T, "jti": "j"}
    full = {"alg": "ES256", "typ": "dpop+jwt", "jwk": KEY.bare, **header}
    token = KEY.sign_text(
        json.dumps(full).encode(), json.dumps({**usual, **claims}).encode()
    )
    with suppress(ProtocolRefusal):
        assert verify(token) == signing.thumbprint(KEY.bare)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://A.example:443", "https://a.example/"),
        ("http://a.example:80/x?y#z", "http://a.example/x"),
        ("https://a.example:80/", "https://a.example:80/"),
        ("https://a.example/%7eb%2f", "https://a.example/~b%2F"),
        ("https://[::1]:8/", "https://[::1]:8/"),
        ("ftp://a.example/", None),
        ("https://", None),
        ("https://[::1/", None),
        ("https://a.example:99999/", None),
        ("https://a.example/" + "x" * 1982, "https://a.example/" + "x" * 1982),
        ("https://a.example/" + "x" * 1983, None),
    ],
)
def test_an_address_has_one_writing(url: str, normal: str | None) -> None:
    assert normal_url(url) == normal


@given(st.text(max_size=60))
def test_no_address_breaks_the_reader(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.example/{text}"):
        normal = normal_url(url)
        assert normal is None or normal_url(normal) == normal


def asking(proof: str | list[str], path: str = "/token", method: str = "POST") -> Any:
    proofs = [proof] if isinstance(proof, str) else proof
    return request(path, method=method, headers=[("DPoP", each) for each in proofs])


async def error_of(services: Services, *given: Any, **named: Any) -> str:
    with pytest.raises(ProtocolRefusal) as refusal:
        await check_dpop(services, *given, **named)
    return refusal.value.spoken.error


async def test_a_request_without_a_proof_has_none(services: Services) -> None:
    assert await check_dpop(services, request()) is None
    assert nonce_headers(services, request()) == {}


async def test_4_3_1_there_is_one_header_no_more(services: Services) -> None:
    both = asking([proof_of(), proof_of()])
    assert await error_of(services, both) == "invalid_dpop_proof"
    assert await error_of(services, asking("")) == "invalid_dpop_proof"


async def test_11_1_a_proof_is_used_once(services: Services) -> None:
    proof = proof_of()
    assert await check_dpop(services, asking(proof)) == signing.thumbprint(KEY.bare)
    assert await error_of(services, asking(proof)) == "invalid_dpop_proof"


async def test_11_1_the_same_identifier_in_another_proof_is_a_reuse(
    services: Services,
) -> None:
    assert await check_dpop(services, asking(proof_of(jti="same")))
    again = asking(proof_of(jti="same", iat=T + 1))
    assert await error_of(services, again) == "invalid_dpop_proof"
    assert await check_dpop(services, asking(proof_of(OTHER, jti="same")))


async def test_a_proof_of_another_key_does_not_spend_the_identifier(
    services: Services,
) -> None:
    proof = proof_of()
    jkt = signing.thumbprint(OTHER.bare)
    assert await error_of(services, asking(proof), expected_jkt=jkt)
    jkt = signing.thumbprint(KEY.bare)
    assert await check_dpop(services, asking(proof), expected_jkt=jkt) == jkt


async def test_the_method_and_the_path_are_the_requests_own(
    services: Services,
) -> None:
    for path, method in (("/par", "POST"), ("/token", "GET"), ("/token/", "POST")):
        asked = asking(proof_of(), path, method)
        assert await error_of(services, asked) == "invalid_dpop_proof"


async def test_the_alias_with_certificates_has_its_own_name(
    services: Services,
) -> None:
    alias = "https://mtls.example"
    proof = proof_of(htu=f"{alias}/token")
    assert await error_of(services, asking(proof)) == "invalid_dpop_proof"
    settings = services.settings.model_copy(update={"mtls_origin": alias})
    assert await check_dpop(replace(services, settings=settings), asking(proof))


class Remembering(MemoryEphemeral):
    """Notes for how long something is remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    async def add_once(self, key: str, *, seconds: float) -> bool:
        self.seconds.append(seconds)
        return await super().add_once(key, seconds=seconds)


async def test_11_1_a_proof_is_remembered_for_longer_than_it_holds(
    services: Services,
) -> None:
    ephemeral = Remembering()
    remembering = replace(services, ephemeral=ephemeral)
    assert await check_dpop(remembering, asking(proof_of(iat=T + 30)))
    [seconds] = ephemeral.seconds
    assert 90 < seconds <= 120


@pytest.mark.parametrize(
    ("later", "is_taken"), [(-31, False), (-30, True), (329, True), (330, False)]
)
async def test_8_a_nonce_holds_from_half_a_minute_before_to_five_after_its_own(
    services: Services, later: int, is_taken: bool
) -> None:
    clock = services.clock
    assert isinstance(clock, MovableClock)
    nonce = new_nonce(services)
    clock.move(seconds=later)
    asked = asking(proof_of(nonce=nonce, iat=T + later))
    if is_taken:
        assert await check_dpop(services, asked)
    else:
        assert await error_of(services, asked) == "use_dpop_nonce"


async def test_8_a_nonce_of_ours_is_taken_for_five_minutes(
    services: Services,
) -> None:
    clock = services.clock
    assert isinstance(clock, MovableClock)
    nonce = new_nonce(services)
    clock.move(seconds=290)
    assert await check_dpop(services, asking(proof_of(nonce=nonce, iat=T + 290)))
    clock.move(seconds=45)
    late = asking(proof_of(nonce=nonce, iat=T + 335))
    assert await error_of(services, late) == "use_dpop_nonce"


@pytest.mark.parametrize(
    "nonce", ["", "x", "!", b64encode(b"\x00" * 24), b64encode(b"\xff" * 24)]
)
async def test_8_a_nonce_that_is_not_ours_is_answered_with_one(
    services: Services, nonce: str
) -> None:
    with pytest.raises(ProtocolRefusal) as refusal:
        await check_dpop(services, asking(proof_of(nonce=nonce)))
    assert refusal.value.spoken.error == "use_dpop_nonce"
    fresh = refusal.value.headers["DPoP-Nonce"]
    assert await check_dpop(services, asking(proof_of(nonce=fresh)))


async def test_8_a_nonce_is_demanded_when_the_settings_say_so(
    services: Services,
) -> None:
    settings = services.settings.model_copy(update={"dpop_nonce_required": True})
    strict = replace(services, settings=settings)
    assert await error_of(strict, asking(proof_of())) == "use_dpop_nonce"
    assert await check_dpop(strict, asking(proof_of(nonce=new_nonce(strict))))


async def test_any_node_checks_the_nonce_of_another(
    services: Services, tmp_path: Path
) -> None:
    node = await open_wired(f"sqlite:///{tmp_path}/node")
    nonce = new_nonce(node)
    await node.store.close()
    assert await check_dpop(services, asking(proof_of(nonce=nonce)))


async def test_a_nonce_of_another_server_is_not_ours(services: Services) -> None:
    stranger = replace(services, sealer=Sealer([MasterKey.of(b"x" * 32)]))
    asked = asking(proof_of(nonce=new_nonce(stranger)))
    assert await error_of(services, asked) == "use_dpop_nonce"


async def test_whoever_sends_a_proof_learns_a_nonce(services: Services) -> None:
    told = nonce_headers(services, asking(proof_of()))["DPoP-Nonce"]
    assert await check_dpop(services, asking(proof_of(nonce=told)))
