"""A portal asks by the claims parameter, and opens what was sealed for it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey

from idp.domain.party_metadata import CONTENT_ENCRYPTION, KEY_WRAPPING, PartyMetadata
from idp.domain.relying_parties import RelyingParty
from idp.domain.subjects import subject_key, subject_of
from idp.errors import Malformed
from idp.oidc.claims_request import MAX_KEPT
from idp.oidc.response_encryption import encrypted, encryption_key, finish_id_token
from idp.storage.columns import b64decode
from tests.assurance_schemas import check_response
from tests.node import run_node
from tests.proofings import prove
from tests.unit.idp.oidc.world import FACTS, ISSUER, PARTY, SECRET, World, open_world

pytestmark = pytest.mark.anyio

DECRYPT = Path(__file__).parent.parent / "interop" / "node" / "decrypt.mjs"
CLAIMS = ("document_number", "nationality", "verified_claims")
DOCUMENT = {
    "type": {"value": "document"},
    "check_details": [{"check_method": None, "time": None}],
    "document_details": {"type": None, "document_number": None},
}
VERIFIED = {
    "verification": {
        "trust_framework": {"value": "kh_camdigikey"},
        "assurance_level": None,
        "evidence": [DOCUMENT],
    },
    "claims": {"given_name": {"essential": True}, "birthdate": None},
}
EC = ECKey.generate_key("P-256", {"use": "enc", "kid": "ec"}, private=True)
RSA = RSAKey.generate_key(2048, {"use": "enc", "kid": "rsa"}, private=True)
JWKS = {"keys": [EC.as_dict(private=False), RSA.as_dict(private=False)]}
PAIRS = [(alg, enc) for alg in KEY_WRAPPING for enc in CONTENT_ENCRYPTION]


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with open_world(sqlite_url) as opened:
        yield opened


async def party(world: World, name: str = "asking", **metadata: Any) -> RelyingParty:
    known = PartyMetadata(**{"claims": CLAIMS, **metadata})
    found = replace(PARTY, id=name, metadata=known)
    await world.add_party(found)
    return found


async def login(
    world: World, who: RelyingParty, claims: Any = None, *, scope: str = "openid"
) -> dict[str, Any]:
    asked = None if claims is None else json.dumps(claims)
    code = await world.code(
        client_id=who.id, scope=scope, claims=asked, prompt="consent"
    )
    answer = await world.exchange(code, caller=(who.id, SECRET))  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def claims_in(token: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(b64decode(token.split(".")[1]))
    return found


async def test_each_place_says_what_is_asked_into_it(world: World) -> None:
    who = await party(world)
    asked = {
        "id_token": {"given_name": None, "email": None, "nationalities": None},
        "userinfo": {"family_name#km": None, "document_number": {"value": "other"}},
    }
    body = await login(world, who, asked)
    inside = claims_in(body["id_token"])
    assert inside["given_name"] == FACTS.given_name_latin
    assert inside["nationalities"] == ["KHM"]
    assert not {"family_name", "document_number", "email"} & set(inside)
    told = (await world.userinfo(body["access_token"])).json()
    # A value asks for that very value; what is told is what is true (Core, 5.5.1).
    assert told == {
        "sub": inside["sub"],
        "family_name#km": FACTS.surname_khmer,
        "document_number": FACTS.document_number,
    }


async def test_no_claim_of_a_person_takes_the_place_of_the_tokens_own(
    world: World,
) -> None:
    who = await party(world)
    asked = {
        "id_token": dict.fromkeys(("sub", "iss", "aud", "acr", "auth_time", "exp"))
    }
    plain = claims_in((await login(world, who))["id_token"])
    inside = claims_in((await login(world, who, asked))["id_token"])
    assert set(inside) == set(plain)
    assert (inside["iss"], inside["aud"]) == (ISSUER, who.id)


async def test_what_the_person_withheld_is_nowhere(world: World) -> None:
    await prove(world.services, world.account_id)
    who = await party(world)
    everything = {"given_name": None, "gender": None, "verified_claims": VERIFIED}
    asked = {"id_token": everything, "userinfo": everything}
    answer = await world.ask(client_id=who.id, scope="openid", claims=json.dumps(asked))
    parked = (await world.parked(answer)).request
    assert parked.claims == (
        "name",
        "gender",
        "verified_claims",
        "birthdate",
        "document_number",
    )
    assert set(parked.voluntary) == {"gender", "birthdate", "document_number"}
    back = await world.approve(answer, claims=("name", "verified_claims"))
    code = back.headers["location"].partition("code=")[2].partition("&")[0]
    body = (await world.exchange(code, caller=(who.id, SECRET))).json()  # type: ignore[arg-type]
    told = (await world.userinfo(body["access_token"])).json()
    for found in (claims_in(body["id_token"]), told):
        assert found["verified_claims"]["claims"] == {"given_name": "SOPHEA"}
        assert "gender" not in found
        assert FACTS.document_number not in json.dumps(found)


async def test_verified_claims_rest_on_the_records_of_the_proofing(
    world: World,
) -> None:
    who = await party(world)
    asked = {"userinfo": {"verified_claims": VERIFIED}}
    body = await login(world, who, asked)
    before = (await world.userinfo(body["access_token"])).json()
    assert set(before) == {"sub"}
    await prove(world.services, world.account_id)
    told = (await world.userinfo(body["access_token"])).json()
    check_response(told)
    verified = told["verified_claims"]
    assert verified["claims"] == {"given_name": "SOPHEA", "birthdate": "1990-04-15"}
    (document,) = verified["verification"]["evidence"]
    assert document["document_details"]["document_number"] == FACTS.document_number
    refreshed = claims_in(
        (await login(world, who, {"id_token": asked["userinfo"]}))["id_token"]
    )
    check_response(refreshed)
    assert refreshed["verified_claims"] == verified


async def test_a_party_that_was_not_allowed_a_claim_is_not_told_it(
    world: World,
) -> None:
    await prove(world.services, world.account_id)
    who = await party(world, claims=())
    asked = {
        "userinfo": {
            "document_number": {"essential": True},
            "given_name": None,
            "verified_claims": VERIFIED,
        }
    }
    body = await login(world, who, asked)
    told = (await world.userinfo(body["access_token"])).json()
    assert set(told) == {"sub", "given_name"}


async def test_the_subject_stays_when_the_document_is_renewed(world: World) -> None:
    """It is made of the account and the sector: no number of a document is in it."""
    who = await party(world)
    other = await party(world, "same-sector")
    first = claims_in((await login(world, who))["id_token"])["sub"]
    assert claims_in((await login(world, other))["id_token"])["sub"] == first
    services = world.services
    async with services.store.read() as tx:
        account = await services.accounts.find(tx, world.account_id)
    renewed = replace(
        account.facts, document_number="987654321", document_expires="2041-01-01"
    )
    sealed = services.sealer.seal(
        orjson.dumps({name: getattr(renewed, name) for name in renewed.__slots__}),
        context=f"account:{account.id}",
    )
    async with services.store.begin() as tx:
        await tx.run("UPDATE account SET sealed = $1 WHERE id = $2", sealed, account.id)
    body = await login(world, who, {"userinfo": {"document_number": None}})
    told = (await world.userinfo(body["access_token"])).json()
    assert told["document_number"] == "987654321"
    assert told["sub"] == first
    key = subject_key(services.sealer)
    assert subject_of(key, sector="elsewhere.test", account_id=account.id) != first


@pytest.mark.foreign
async def test_jose_opens_every_way_of_sealing(world: World, tmp_path: Path) -> None:
    cases = []
    for number, (alg, enc) in enumerate(PAIRS):
        who = await party(
            world,
            f"sealed-{number}",
            jwks=JWKS,
            id_token_encrypted_response_alg=alg,
            id_token_encrypted_response_enc=enc,
        )
        token = await finish_id_token(world.services, who, {"sub": "s", "aud": who.id})
        key = RSA if alg.startswith("RSA") else EC
        cases.append(
            {
                "jwe": token,
                "key": key.as_dict(private=True),
                "alg": alg,
                "enc": enc,
                "signing": "ES256",
            }
        )
    asked = tmp_path / "cases.json"
    jwks = await world.services.keys.jwks()
    asked.write_bytes(orjson.dumps({"jwks": jwks, "cases": cases}))
    opened = run_node(DECRYPT, asked)
    for number, ((alg, enc), found) in enumerate(zip(PAIRS, opened, strict=True)):
        header = found["header"]
        assert (header["alg"], header["enc"], header["cty"]) == (alg, enc, "JWT")
        assert header["kid"] == ("rsa" if alg.startswith("RSA") else "ec")
        assert found["inner"]["typ"] == "JWT"
        assert found["claims"] == {"sub": "s", "aud": f"sealed-{number}"}


async def test_a_login_ends_in_an_encrypted_id_token_and_signed_userinfo(
    world: World,
) -> None:
    who = await party(
        world,
        jwks=JWKS,
        id_token_encrypted_response_alg="RSA-OAEP-256",
        id_token_encrypted_response_enc="A256GCM",
        userinfo_signed_response_alg="ES256",
    )
    body = await login(world, who, {"id_token": {"gender": None}})
    algorithms = ["RSA-OAEP-256", "A256GCM"]
    opened = jwe.decrypt_compact(body["id_token"], RSA, algorithms=algorithms)
    assert opened.plaintext is not None
    inside = await world.services.keys.verify(opened.plaintext.decode(), typ="JWT")
    assert (inside["aud"], inside["gender"]) == (who.id, "female")
    answer = await world.userinfo(body["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    assert answer.headers["cache-control"] == "no-store"
    told = await world.services.keys.verify(answer.text, typ="userinfo+jwt")
    assert told == {"sub": inside["sub"], "iss": ISSUER, "aud": who.id}
    # It is no ID token: nobody can present it as one.
    with pytest.raises(Malformed):
        await world.services.keys.verify(answer.text, typ="JWT")


async def test_userinfo_may_be_signed_and_sealed_or_only_sealed(world: World) -> None:
    sealed = {
        "jwks": JWKS,
        "userinfo_encrypted_response_alg": "ECDH-ES+A256KW",
    }
    algorithms = ["ECDH-ES+A256KW", "A128CBC-HS256"]
    both = await party(world, "both", userinfo_signed_response_alg="ES256", **sealed)
    body = await login(world, both)
    answer = await world.userinfo(body["access_token"])
    assert answer.headers["content-type"] == "application/jwt"
    opened = jwe.decrypt_compact(answer.text, EC, algorithms=algorithms)
    assert opened.headers()["cty"] == "JWT"
    assert opened.plaintext is not None
    told = await world.services.keys.verify(
        opened.plaintext.decode(), typ="userinfo+jwt"
    )
    assert told["aud"] == "both"
    only = await party(world, "only", **sealed)
    body = await login(world, only)
    answer = await world.userinfo(body["access_token"])
    opened = jwe.decrypt_compact(answer.text, EC, algorithms=algorithms)
    assert opened.plaintext is not None
    assert orjson.loads(opened.plaintext)["aud"] == "only"
    assert "cty" not in opened.headers()


async def test_nothing_is_sent_plainly_to_a_party_whose_key_cannot_be_used(
    world: World,
) -> None:
    signing = {**EC.as_dict(private=False), "use": "sig"}
    who = await party(
        world,
        jwks={"keys": [signing, RSA.as_dict(private=False)]},
        id_token_encrypted_response_alg="ECDH-ES",
        id_token_encrypted_response_enc="A128GCM",
    )
    code = await world.code(client_id=who.id, scope="openid")
    answer = await world.exchange(code, caller=(who.id, SECRET))  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}


def test_only_a_key_for_encryption_by_this_algorithm_is_taken() -> None:
    ec, rsa = JWKS["keys"]
    keys = ({**ec, "use": "sig"}, {**ec, "alg": "ECDH-ES+A128KW"}, rsa, ec)
    taken = encryption_key(keys, alg="ECDH-ES")
    assert taken is not None
    assert "alg" not in taken
    assert encryption_key(keys, alg="ECDH-ES+A128KW") == keys[1]
    assert encryption_key(keys, alg="RSA-OAEP-256") == rsa
    assert encryption_key((ec,), alg="RSA-OAEP-256") is None
    assert encryption_key(({**rsa, "use": None},), alg="RSA-OAEP-256") is None
    assert encryption_key(keys, alg="RSA1_5") is None


@pytest.mark.parametrize(
    ("alg", "enc"),
    [("RSA1_5", "A128GCM"), ("dir", "A128GCM"), ("RSA-OAEP-256", "A192GCM"), ("", "")],
)
def test_no_other_algorithm_encrypts(alg: str, enc: str) -> None:
    with pytest.raises(ValueError, match="not used here"):
        encrypted(b"x", key=RSA.as_dict(private=False), alg=alg, enc=enc)


async def test_the_largest_request_that_is_read_comes_back_with_its_code(
    world: World,
) -> None:
    who = await party(world)
    asked = {"userinfo": {"given_name": {"values": ["x" * 61] * 30}}}
    text = json.dumps(asked)
    assert 1900 < len(text) < MAX_KEPT
    body = await login(world, who, asked, scope="openid profile")
    told = (await world.userinfo(body["access_token"])).json()
    assert told["given_name"] == FACTS.given_name_latin
