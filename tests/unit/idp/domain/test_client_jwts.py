"""A JWT that a relying party signed: which are taken, row by row of FAPI 2.0."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.client_jwts import (
    VerifiedClientJwt,
    check_times,
    read_client_jwt,
    verify_client_jwt,
)
from idp.domain.client_keys import ClientKeys
from idp.domain.party_metadata import FAPI_ALGORITHMS, PartyMetadata
from idp.errors import ClientJwtInvalid, Unavailable
from idp.interfaces import SystemClock
from idp.storage.columns import b64encode
from tests.party_keys import PartyKey

pytestmark = pytest.mark.anyio
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "vectors/client_jwts/signed.json").read_text()
)
NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
TYPES = ("", "jwt")
ES, PS, ED, RS = map(PartyKey.make, ("ES256", "PS256", "EdDSA", "RS256"))
CLAIMS = {"sub": "portal"}


@dataclass(frozen=True)
class Party:
    metadata: PartyMetadata
    id: str = "portal"


class Answering:
    """Answers one document after the other; the last one again and again."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.documents = list(documents)
        self.asked = 0

    async def get(self, url: str, *, accept: str, limit: int) -> bytes:
        del url, accept, limit
        self.asked += 1
        if not self.documents:
            raise Unavailable("away")
        kept = self.documents[0]
        self.documents = self.documents[1:] or [kept]
        return orjson.dumps(kept)

    async def post(self, url: str, *, body: bytes, headers: Any) -> int:
        raise AssertionError(url, body, headers)


class Ahead(SystemClock):
    """Each look at this clock is a minute later."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


async def verify(
    token: str,
    *keys: dict[str, Any],
    algorithms: tuple[str, ...] = FAPI_ALGORITHMS,
    types: tuple[str, ...] = TYPES,
) -> VerifiedClientJwt:
    party = Party(PartyMetadata(jwks={"keys": list(keys)}))
    client_keys = ClientKeys(SystemClock(), Answering())
    return await verify_client_jwt(
        client_keys, party, token, algorithms=algorithms, types=types
    )


@pytest.mark.parametrize("key", [ES, PS, ED], ids=lambda key: key.alg)
async def test_what_a_registered_key_signed_is_taken(key: PartyKey) -> None:
    verified = await verify(key.sign(CLAIMS, typ="JWT"), key.jwk)
    assert verified.claims == CLAIMS
    assert verified.header["alg"] == key.alg


@pytest.mark.parametrize("made", VECTORS["made"], ids=lambda made: made["alg"])
async def test_what_another_implementation_signed_is_taken(
    made: dict[str, Any],
) -> None:
    algorithms = ("ES256", "PS256", "EdDSA", "RS256")
    verified = await verify(made["assertion"], made["jwk"], algorithms=algorithms)
    assert verified.claims["jti"] == made["alg"]
    spoiled = made["assertion"][:-8] + "AAAAAAAA"
    with pytest.raises(ClientJwtInvalid):
        await verify(spoiled, made["jwk"], algorithms=algorithms)


def unsigned(alg: str, key: PartyKey = ES) -> str:
    return key.sign(CLAIMS, alg=alg).rpartition(".")[0] + "."


def by_hmac(secret: bytes) -> str:
    import hmac  # noqa: PLC0415 - an attack, not a rule

    head = b64encode(orjson.dumps({"alg": "HS256", "kid": "k1"}))
    message = f"{head}.{b64encode(orjson.dumps(CLAIMS))}"
    return f"{message}.{b64encode(hmac.digest(secret, message.encode(), 'sha256'))}"


OTHER = PartyKey.make()
SIGNED = ES.sign(CLAIMS)
HEAD, BODY, SIGNATURE = SIGNED.split(".")
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "FAPI 2.0 5.4: alg none": (unsigned("none"), ES.jwk),
    "FAPI 2.0 5.4: alg None": (unsigned("None"), ES.jwk),
    "FAPI 2.0 5.4: alg HS256 with the public key": (
        by_hmac(orjson.dumps(ES.jwk)),
        ES.jwk,
    ),
    "FAPI 2.0 5.4: alg RS256": (RS.sign(CLAIMS), RS.jwk),
    "FAPI 2.0 5.4: alg ES384": (unsigned("ES384"), ES.jwk),
    "RFC 7515 4.1.1: alg missing": (ES.sign(CLAIMS, alg=None), ES.jwk),
    "RFC 8725 3.1: alg of another key": (ES.sign(CLAIMS, alg="EdDSA"), ES.jwk),
    "RFC 7517 4.4: the key is for another alg": (
        PS.sign(CLAIMS),
        {**PS.jwk, "alg": "RS256"},
    ),
    "RFC 7517 4.2: the key is for encryption": (SIGNED, {**ES.jwk, "use": "enc"}),
    "RFC 7517 4.3: the key may not verify": (SIGNED, {**ES.jwk, "key_ops": ["wrap"]}),
    "RFC 7517 4.3: key_ops is a number": (SIGNED, {**ES.jwk, "key_ops": 5}),
    "RFC 7515 4.1.1: alg is a list": (ES.sign(CLAIMS, alg=["ES256"]), ES.jwk),
    "RFC 8725 3.10: kid of no key": (ES.sign(CLAIMS, kid="k2"), ES.jwk),
    "RFC 8725 3.10: kid that reads a file": (
        ES.sign(CLAIMS, kid="../../dev/null"),
        ES.jwk,
    ),
    "RFC 8725 3.10: kid in another case": (ES.sign(CLAIMS, kid="K1"), ES.jwk),
    "RFC 8725 3.10: kid is a number": (ES.sign(CLAIMS, kid=1), {**ES.jwk, "kid": 1}),
    "RFC 8725 3.10: jku": (ES.sign(CLAIMS, jku="https://x.example/"), ES.jwk),
    "RFC 8725 3.10: x5u": (ES.sign(CLAIMS, x5u="https://x.example/"), ES.jwk),
    "RFC 8725 3.10: jwk in the header": (OTHER.sign(CLAIMS, jwk=OTHER.jwk), ES.jwk),
    "RFC 8725 3.10: jwk, no kid": (
        OTHER.sign(CLAIMS, jwk=OTHER.jwk, kid=None),
        ES.jwk,
    ),
    "RFC 8725 3.11: typ of another token": (ES.sign(CLAIMS, typ="at+jwt"), ES.jwk),
    "RFC 8725 3.11: typ is a list": (ES.sign(CLAIMS, typ=["JWT"]), ES.jwk),
    "RFC 7515 4.1.11: crit": (ES.sign(CLAIMS, crit=["exp"]), ES.jwk),
    "RFC 7797 3: b64": (ES.sign(CLAIMS, b64=False), ES.jwk),
    "RFC 7515 4: a member twice": (
        ES.sign_text(b'{"alg":"none","kid":"k1","alg":"ES256"}', b"{}"),
        ES.jwk,
    ),
    "RFC 7519 4: a claim twice": (
        ES.sign_text(b'{"alg":"ES256","kid":"k1"}', b'{"sub":"a","sub":"b"}'),
        ES.jwk,
    ),
    "RFC 7519 7.2: claims are a list": (
        ES.sign_text(b'{"alg":"ES256","kid":"k1"}', b"[]"),
        ES.jwk,
    ),
    "RFC 7515 3.1: two parts": (f"{HEAD}.{BODY}", ES.jwk),
    "RFC 7515 3.1: four parts": (f"{SIGNED}.x", ES.jwk),
    "RFC 7515 5.2: another body": (
        f"{HEAD}.{b64encode(b'{}')}.{SIGNATURE}",
        ES.jwk,
    ),
    "RFC 7515 2: padding": (f"{SIGNED}==", ES.jwk),
    "RFC 7515 5.2: another key": (OTHER.sign(CLAIMS), ES.jwk),
    "a megabyte": (ES.sign({"x": "x" * 20_000}), ES.jwk),
    "not ASCII": ("é.é.é", ES.jwk),
    "nothing": ("", ES.jwk),
}


@pytest.mark.parametrize(("token", "jwk"), REFUSED.values(), ids=REFUSED.keys())
async def test_it_is_refused(token: str, jwk: dict[str, Any]) -> None:
    with pytest.raises(ClientJwtInvalid):
        await verify(token, jwk)


async def test_rs256_is_for_those_whose_profile_allows_it() -> None:
    token = RS.sign(CLAIMS)
    assert (await verify(token, RS.jwk, algorithms=("RS256",))).claims == CLAIMS


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "application/JWT"])
async def test_typ_is_read_without_regard_to_case_or_prefix(typ: str | None) -> None:
    token = ES.sign(CLAIMS, typ=typ)
    assert (await verify(token, ES.jwk)).claims == CLAIMS
    with pytest.raises(ClientJwtInvalid, match="type"):
        await verify(token, ES.jwk, types=("logout+jwt",))


async def test_without_kid_every_signature_key_is_tried() -> None:
    token = ES.sign(CLAIMS, kid=None)
    keys = [OTHER.jwk, PS.jwk, {**ES.jwk, "kid": "third"}]
    assert (await verify(token, *keys)).claims == CLAIMS
    with pytest.raises(ClientJwtInvalid):
        await verify(token, OTHER.jwk, PS.jwk)


async def test_with_kid_no_other_key_is_tried() -> None:
    with pytest.raises(ClientJwtInvalid):
        await verify(ES.sign(CLAIMS), OTHER.jwk, {**ES.jwk, "kid": "other"})


async def test_registered_keys_that_leak_a_private_one_serve_nobody() -> None:
    with pytest.raises(ClientJwtInvalid):
        await verify(SIGNED, {**ES.jwk, "d": "AQAB"})


async def test_a_key_that_is_new_at_the_partys_address_is_found() -> None:
    server = Answering(OTHER.jwks, {"keys": [{**ES.jwk, "kid": "new"}]})
    party = Party(PartyMetadata(jwks_uri="https://party.example/jwks"))
    verified = await verify_client_jwt(
        ClientKeys(Ahead(), server),
        party,
        ES.sign(CLAIMS, kid="new"),
        algorithms=FAPI_ALGORITHMS,
        types=TYPES,
    )
    assert verified.claims == CLAIMS
    assert server.asked == 2


async def test_a_false_signature_under_a_known_kid_asks_nobody() -> None:
    server = Answering(ES.jwks)
    party = Party(PartyMetadata(jwks_uri="https://party.example/jwks"))
    client_keys = ClientKeys(Ahead(), server)
    for _ in range(3):
        with pytest.raises(ClientJwtInvalid):
            await verify_client_jwt(
                client_keys,
                party,
                OTHER.sign(CLAIMS),
                algorithms=FAPI_ALGORITHMS,
                types=TYPES,
            )
    assert server.asked == 1


async def test_a_party_whose_keys_are_away_is_not_refused_for_good() -> None:
    party = Party(PartyMetadata(jwks_uri="https://party.example/jwks"))
    with pytest.raises(Unavailable):
        await verify_client_jwt(
            ClientKeys(SystemClock(), Answering()),
            party,
            SIGNED,
            algorithms=FAPI_ALGORITHMS,
            types=TYPES,
        )


@given(st.text(max_size=200) | st.text('abcXYZ012-_.{}"', max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(ClientJwtInvalid):
        read_client_jwt(text, algorithms=FAPI_ALGORITHMS, types=TYPES)


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just([])


@given(
    st.dictionaries(st.sampled_from(["alg", "typ", "kid", "jwk", "x5c"]), JSON),
    st.dictionaries(st.text(max_size=5), JSON, max_size=4),
)
def test_no_header_breaks_the_reader(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    token = ES.sign_text(json.dumps(header).encode(), json.dumps(claims).encode())
    try:
        parsed = read_client_jwt(token, algorithms=FAPI_ALGORITHMS, types=TYPES)
    except ClientJwtInvalid:
        return
    assert parsed.unverified_header["alg"] in FAPI_ALGORITHMS


T = int(NOW.timestamp())
HOUR = timedelta(hours=1)
TIMES_TAKEN = {
    "exp alone": {"exp": T + 60},
    "FAPI 2.0 5.3.2.1-13: iat and nbf 8 s ahead": {
        "exp": T + 60,
        "iat": T + 8,
        "nbf": T + 8,
    },
    "FAPI 2.0 5.3.2.1-13: 10 s ahead": {"exp": T + 60, "iat": T + 10, "nbf": T + 10},
    "a fraction of a second": {"exp": T + 0.5, "iat": T - 0.5},
    "the whole hour": {"exp": T + 3600, "iat": T, "nbf": T},
}
TIMES_REFUSED = {
    "exp missing": {"iat": T},
    "expired now": {"exp": T},
    "FAPI 2.0 2.6-7: exp five minutes ago": {"exp": T - 300},
    "FAPI 2.0 5.3.2.1-13: iat 61 s ahead": {"exp": T + 90, "iat": T + 61},
    "FAPI 2.0 5.3.2.1-13: nbf 61 s ahead": {"exp": T + 90, "nbf": T + 61},
    "FAPI 2.0 5.3.2.1-13: iat in a year": {"exp": T + 90, "iat": T + 31_536_000},
    "more than our half minute ahead": {"exp": T + 90, "iat": T + 31},
    "exp in two hours": {"exp": T + 7200},
    "FAPI 2.0 MS 5.3.1: exp 61 min after nbf": {"exp": T + 10, "nbf": T - 3650},
    "exp 61 min after iat": {"exp": T + 10, "iat": T - 3650},
    "exp is a text": {"exp": str(T + 60)},
    "exp is true": {"exp": True},
    "exp is not a number": {"exp": float("nan")},
    "exp is infinite": {"exp": float("inf")},
    "exp is huge": {"exp": 10**300},
    "exp is negative": {"exp": -1},
    "exp is null": {"exp": None},
    "iat is a list": {"exp": T + 60, "iat": [T]},
    "nbf is a text": {"exp": T + 60, "nbf": "now"},
}


@pytest.mark.parametrize("claims", TIMES_TAKEN.values(), ids=TIMES_TAKEN.keys())
def test_these_times_hold(claims: dict[str, Any]) -> None:
    assert check_times(claims, NOW, max_life=HOUR) == claims["exp"]


@pytest.mark.parametrize("claims", TIMES_REFUSED.values(), ids=TIMES_REFUSED.keys())
def test_these_times_do_not_hold(claims: dict[str, Any]) -> None:
    with pytest.raises(ClientJwtInvalid):
        check_times(claims, NOW, max_life=HOUR)


def test_true_is_no_time() -> None:
    for claims in ({"iat": True}, {"nbf": True}):
        with pytest.raises(ClientJwtInvalid, match="not a number"):
            check_times(claims, NOW, max_life=HOUR, needs=())


def test_what_is_needed_must_be_there() -> None:
    claims = {"exp": T + 60}
    with pytest.raises(ClientJwtInvalid, match="missing"):
        check_times(claims, NOW, max_life=HOUR, needs=("exp", "nbf"))
    assert check_times({}, NOW, max_life=HOUR, needs=()) == T + 3600
    assert check_times({"iat": T - 9}, NOW, max_life=HOUR, needs=()) == T + 3600


@given(st.integers(-7200, 7200), st.integers(-7200, 7200), st.integers(-7200, 7200))
def test_times_hold_exactly_within_their_bounds(exp: int, nbf: int, iat: int) -> None:
    claims = {"exp": T + exp, "nbf": T + nbf, "iat": T + iat}
    holds = (
        0 < exp <= 3630
        and max(nbf, iat) <= 30
        and exp - nbf <= 3600
        and exp - iat <= 3600
    )
    try:
        check_times(claims, NOW, max_life=HOUR)
    except ClientJwtInvalid:
        assert not holds
    else:
        assert holds
