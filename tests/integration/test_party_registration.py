"""Parties register themselves and look after it: RFC 7591 and RFC 7592."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from idp.domain.party_registration import Terms
from idp.errors import FieldsInvalid, NotFound, RelyingPartyUnknown
from tests.receiver import receiver
from tests.world import ISSUER, PORTAL, World, open_world

pytestmark = pytest.mark.anyio
MINISTRY = "https://statements.test"
ENDPOINT = f"{ISSUER}/register"
ASKED = {
    "client_name": "Land registry",
    "client_name#km": "សុរិយោដី",
    "purpose": "To show your land titles",
    "purpose#km": "ដើម្បីបង្ហាញប័ណ្ណដីធ្លីរបស់អ្នក",
    "redirect_uris": [f"{PORTAL}/callback"],
}
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
JWKS = {"keys": [KEY.as_dict(private=False)]}


@pytest.fixture(scope="module")
def statements() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "s"})


@pytest.fixture
async def trusting(
    sqlite_url: str, tmp_path: Path, statements: ECKey
) -> AsyncIterator[World]:
    path = tmp_path / "issuer.json"
    path.write_bytes(orjson.dumps({"keys": [statements.as_dict(private=False)]}))
    issuers = {MINISTRY: path}
    async with open_world(sqlite_url, software_statement_issuers=issuers) as opened:
        yield opened


async def issue(world: World, *, uses: int = 1, **terms: Any) -> str:
    async with world.services.store.begin() as tx:
        _, text = await world.services.party_registration.issue(
            tx, Terms(**terms), uses=uses, life=timedelta(days=1)
        )
    return text


async def ask(
    world: World,
    method: str = "POST",
    url: str = ENDPOINT,
    *,
    token: str | None = None,
    body: Any = None,
) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await world.browser().http.request(method, url, headers=headers, json=body)


async def registered(
    world: World, terms: dict[str, Any] | None = None, **changes: Any
) -> dict[str, Any]:
    answer = await ask(
        world, token=await issue(world, **(terms or {})), body={**ASKED, **changes}
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told: dict[str, Any] = answer.json()
    return told


async def refused(
    world: World,
    error: str,
    *,
    terms: dict[str, Any] | None = None,
    status: int = 400,
    **changes: Any,
) -> str:
    token = await issue(world, **(terms or {}))
    answer = await ask(world, token=token, body={**ASKED, **changes})
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    async with world.services.store.read() as tx:
        assert await world.services.relying_parties.all(tx) == []
    return str(answer.json().get("error_description", ""))


async def test_what_is_in_force_is_told_back_and_works(world: World) -> None:
    told = await registered(
        world,
        {"scopes": ("openid", "profile"), "legal_basis": "Sub-decree 1, article 2"},
        scope="openid",
        client_uri="https://ignored.example",
        made_up_member=1,
        legal_basis="because I say so",
        is_development=True,
        profile="fapi2",
    )
    assert told["scope"] == "openid"
    assert told["client_name#km"] == ASKED["client_name#km"]
    assert told["legal_basis"] == "Sub-decree 1, article 2"
    assert told["profile"] == "basic"
    assert "is_development" not in told or told["is_development"] is False
    assert not {"client_uri", "made_up_member", "jwks_uri"} & set(told)
    assert told["client_secret_expires_at"] == 0
    assert told["registration_client_uri"] == f"{ENDPOINT}/{told['client_id']}"
    answer = await world.browser().http.post(
        f"{ISSUER}/token",
        auth=(told["client_id"], told["client_secret"]),
        data={"grant_type": "authorization_code", "code": "x", "code_verifier": "x"},
    )
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}
    async with world.services.store.read() as tx:
        party = await world.services.relying_parties.find(tx, told["client_id"])
    assert (party.sector, party.domain) == ("portal.test", "portal.test")
    assert party.purpose_km == ASKED["purpose#km"]


async def test_an_initial_access_token_is_spent_before_the_request_is_read(
    world: World,
) -> None:
    token = await issue(world)
    assert (await ask(world, token=token, body=[])).status_code == 400
    assert (await ask(world, token=token, body=ASKED)).status_code == 401


async def test_a_counted_token_is_good_for_its_count_also_at_once(
    world: World,
) -> None:
    token = await issue(world, uses=2)
    answers = [await ask(world, token=token, body=ASKED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 401]
    assert answers[2].json() == {"error": "invalid_token"}
    assert 'error="invalid_token"' in answers[2].headers["www-authenticate"]
    async with world.services.store.read() as tx:
        (left,) = await world.services.party_registration.all(tx)
    assert left.uses_left == 0


async def test_a_late_revoked_or_foreign_token_registers_nobody(quick: World) -> None:
    late = await issue(quick)
    quick.clock.pass_time(24 * 3600 + 1)
    revoked = await issue(quick)
    registration = quick.services.party_registration
    async with quick.services.store.begin() as tx:
        token_id = (await registration.all(tx))[-1].id
        await registration.revoke(tx, token_id)
        with pytest.raises(NotFound):
            await registration.revoke(tx, token_id)
    party = (await registered(quick))["registration_access_token"]
    for token in (late, revoked, party, "x", "x" * 400, None):
        answer = await ask(quick, token=token, body=ASKED)
        assert answer.status_code == 401, token
        assert "www-authenticate" in answer.headers


async def test_the_tokens_are_kept_as_hmacs_only(quick: World) -> None:
    token = await issue(quick)
    told = await ask(quick, token=token, body=ASKED)
    mine = told.json()["registration_access_token"]
    async with quick.services.store.read() as tx:
        rows = [
            *await tx.all("SELECT * FROM initial_access_token"),
            *await tx.all("SELECT * FROM registration_access"),
            *await tx.all("SELECT * FROM audit_event"),
        ]
    assert rows
    assert token not in repr(rows)
    assert mine not in repr(rows)


@pytest.mark.parametrize(
    "uri",
    [
        "http://portal.test/callback",
        "http://127.0.0.1:5000/callback",
        "http://localhost/callback",
        "gov.kh.app:/callback",
        "javascript:alert(1)",
        "https://portal.test/callback#x",
        "https://user@portal.test/callback",
        "https://portal.test\\@evil.test/",
        "https:///callback",
        "//portal.test/callback",
        "https://portal.test/a b",
        "https://portal.test/\u0000",
        "",
        5,
    ],
)
async def test_a_redirect_uri_is_claimed_https_and_nothing_else(
    quick: World, uri: object
) -> None:
    await refused(quick, "invalid_redirect_uri", redirect_uris=[uri])
    if isinstance(uri, str):
        await refused(quick, "invalid_redirect_uri", post_logout_redirect_uris=[uri])


async def test_loopback_is_for_development_parties_alone(quick: World) -> None:
    uri = ["http://127.0.0.1:5000/callback"]
    told = await registered(quick, {"is_development": True}, redirect_uris=uri)
    assert told["redirect_uris"] == uri


@pytest.mark.parametrize(
    "name",
    [
        "jwks_uri",
        "logo_uri",
        "policy_uri",
        "backchannel_logout_uri",
        "sector_identifier_uri",
    ],
)
@pytest.mark.parametrize(
    "uri",
    ["http://portal.test/x", "https://10.0.0.1/x", "https://[::1]/x", "https://db/x",
     "https://localhost/x", "http://127.0.0.1/x", "data:,x"],
)  # fmt: skip
async def test_an_address_that_we_call_or_show_is_public_https(
    quick: World, name: str, uri: str
) -> None:
    said = await refused(quick, "invalid_client_metadata", **{name: uri})
    assert name in said


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"scope": "openid document"}, "scope"),
        ({"scope": "openid openid"}, "scope"),
        ({"scope": "profile"}, "scope"),
        ({"grant_types": ["client_credentials"]}, "grant_types"),
        ({"grant_types": ["implicit"]}, "grant_types"),
        ({"grant_types": "authorization_code"}, "grant_types"),
        ({"response_types": ["token"]}, "response_types"),
        ({"subject_type": "public"}, "subject_type"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "token_endpoint_auth"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "jwks"),
        ({"jwks": {"keys": [KEY.as_dict(private=True)]}}, "jwks"),
        ({"jwks": {"keys": []}}, "jwks"),
        ({"jwks": JWKS, "jwks_uri": "https://portal.test/jwks"}, "jwks"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"id_token_encrypted_response_alg": "RSA1_5"}, "id_token_encrypted"),
        ({"client_name": "", "client_name#km": ""}, "client_name"),
        ({"client_name": "evil\u202egnp"}, "client_name"),
        ({"client_name": "x" * 201}, "client_name"),
        ({"contacts": [1]}, "contacts"),
        ({"default_max_age": "60"}, "default_max_age"),
        ({"dpop_bound_access_tokens": "true"}, "dpop_bound_access_tokens"),
        (
            {"redirect_uris": ["https://a.test/", "https://b.test/"]},
            "sector_identifier",
        ),
    ],
)
async def test_metadata_that_cannot_be_served_is_refused_by_name(
    quick: World, wrong: dict[str, Any], named: str
) -> None:
    assert named in await refused(quick, "invalid_client_metadata", **wrong)


async def test_the_profile_is_the_tokens_and_its_rules_hold(quick: World) -> None:
    fapi = {"profile": "fapi2"}
    await refused(quick, "invalid_client_metadata", terms=fapi)
    keys = {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": JWKS,
        "dpop_bound_access_tokens": True,
    }
    await refused(
        quick,
        "invalid_client_metadata",
        terms=fapi,
        **{**keys, "dpop_bound_access_tokens": False},
    )
    told = await registered(quick, fapi, **keys)
    assert told["profile"] == "fapi2"
    assert "client_secret" not in told
    assert "client_secret_expires_at" not in told


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b'{"a":1,"a":2}', b"[" * 50_000, b'{"a":"\xff"}',
     b'{"default_max_age": NaN}', b'{"client_name": "\\ud800"}'],
)  # fmt: skip
async def test_a_body_that_is_no_object_is_refused(quick: World, body: bytes) -> None:
    headers = {
        "Authorization": f"Bearer {await issue(quick)}",
        "Content-Type": "application/json",
    }
    answer = await quick.browser().http.post(ENDPOINT, headers=headers, content=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_client_metadata"


async def test_size_type_and_number_of_tries_are_limited(quick: World) -> None:
    http = quick.browser().http
    assert (await http.post(ENDPOINT, data={"a": "b"})).status_code == 415
    large = await ask(quick, token="x", body={"client_name": "x" * 70_000})
    assert large.status_code == 413
    tries = [(await ask(quick, body=ASKED)).status_code for _ in range(20)]
    assert set(tries[:18]) == {401}
    exhausted = await ask(quick, token=await issue(quick), body=ASKED)
    assert exhausted.status_code == 429
    assert int(exhausted.headers["retry-after"]) > 0
    quick.clock.pass_time(3601)
    assert (await ask(quick, token=await issue(quick), body=ASKED)).status_code == 201


async def test_several_hosts_need_a_list_that_names_every_address(
    quick: World,
) -> None:
    uris = ["https://one.test/cb", "https://two.test/cb"]
    async with receiver() as server:
        url = server.url("/sector.json")
        asked = {"redirect_uris": uris, "sector_identifier_uri": url}
        development = {"is_development": True}
        server.body = orjson.dumps(uris[:1])
        said = await refused(
            quick, "invalid_client_metadata", terms=development, **asked
        )
        assert "name every" in said
        for nonsense in (b"{}", b"x", b'"https://one.test/cb"'):
            server.body = nonsense
            await refused(quick, "invalid_client_metadata", terms=development, **asked)
        server.body = orjson.dumps(uris)
        told = await registered(quick, development, **asked)
    async with quick.services.store.read() as tx:
        party = await quick.services.relying_parties.find(tx, told["client_id"])
    assert party.sector == "127.0.0.1"


def statement(
    key: ECKey, *, headers: dict[str, Any] | None = None, **claims: Any
) -> str:
    now = 1_900_000_000
    said = {"iss": MINISTRY, "iat": now, "exp": now + 3600, **claims}
    kept = {name: value for name, value in said.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "s", **(headers or {})}, kept, key)


def at_statement_time(world: World) -> None:
    now = world.clock.now().timestamp()
    world.clock.pass_time(1_900_000_060 - now)


async def test_a_statement_wins_over_the_request_and_grants_by_itself(
    trusting: World, statements: ECKey
) -> None:
    at_statement_time(trusting)
    said = statement(
        statements,
        redirect_uris=["https://land.test/cb"],
        client_name="Land registry of the ministry",
        scope="openid profile document",
        legal_basis="Land law",
        software_id="land",
        grant_types=["authorization_code"],
    )
    body = {**ASKED, "software_statement": said, "software_id": "mine"}
    answer = await ask(trusting, body=body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["redirect_uris"] == ["https://land.test/cb"]
    assert told["client_name"] == "Land registry of the ministry"
    assert told["legal_basis"] == "Land law"
    assert told["software_id"] == "land"
    assert told["scope"] == "openid profile document"


async def test_a_statement_cannot_ask_for_more_than_the_token_grants(
    trusting: World, statements: ECKey
) -> None:
    at_statement_time(trusting)
    said = statement(statements, scope="openid document")
    token = await issue(trusting)
    answer = await ask(
        trusting, token=token, body={**ASKED, "software_statement": said}
    )
    assert answer.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "https://nobody.test"}, "unapproved_software_statement"),
        ({"iss": None}, "unapproved_software_statement"),
        ({"scope": None}, "unapproved_software_statement"),
        ({"redirect_uris": None}, "unapproved_software_statement"),
        ({"profile": "none"}, "unapproved_software_statement"),
        ({"scope": "openid everything"}, "unapproved_software_statement"),
        ({"exp": 1_900_000_030}, "invalid_software_statement"),
        ({"exp": None}, "invalid_software_statement"),
        ({"iat": 1_900_003_000}, "invalid_software_statement"),
        ({"aud": "https://other.test"}, "invalid_software_statement"),
        ({"headers": {"alg": "HS256"}}, "invalid_software_statement"),
        ({"headers": {"typ": "at+jwt"}}, "invalid_software_statement"),
        ({"headers": {"jku": "https://evil.test"}}, "invalid_software_statement"),
    ],
)
async def test_a_statement_that_does_not_hold_is_refused(
    trusting: World, statements: ECKey, claims: dict[str, Any], error: str
) -> None:
    at_statement_time(trusting)
    good = {"redirect_uris": ["https://land.test/cb"], "scope": "openid"}
    if claims.get("headers", {}).get("alg") == "HS256":
        said = "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"
    else:
        said = statement(statements, **{**good, **claims})
    answer = await ask(trusting, body={**ASKED, "software_statement": said})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_statement_signed_by_another_key_is_refused(trusting: World) -> None:
    at_statement_time(trusting)
    stranger = ECKey.generate_key("P-256")
    said = statement(stranger, redirect_uris=["https://land.test/"], scope="openid")
    for value in (said, "x", 5, ["x"]):
        answer = await ask(trusting, body={**ASKED, "software_statement": value})
        assert answer.json()["error"] == "invalid_software_statement"


async def test_a_party_reads_changes_and_ends_its_registration(world: World) -> None:
    told = await registered(world)
    uri, token = told["registration_client_uri"], told["registration_access_token"]
    read = (await ask(world, "GET", uri, token=token)).json()
    assert read == {k: v for k, v in told.items() if k != "client_secret"}
    wanted = {**ASKED, "client_id": told["client_id"], "client_name": "Land, renamed"}
    answer = await ask(world, "PUT", uri, token=token, body=wanted)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed["client_name"] == "Land, renamed"
    assert changed["client_id_issued_at"] == told["client_id_issued_at"]
    fresh = changed["registration_access_token"]
    assert fresh != token
    assert (await ask(world, "GET", uri, token=token)).status_code == 401
    assert (await ask(world, "DELETE", uri, token=token)).status_code == 401
    gone = await ask(world, "DELETE", uri, token=fresh)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await ask(world, "GET", uri, token=fresh)).status_code == 401
    async with world.services.store.read() as tx:
        with pytest.raises(RelyingPartyUnknown):
            await world.services.relying_parties.find(tx, told["client_id"])


async def test_a_put_replaces_everything_and_leaves_nothing_behind(
    quick: World,
) -> None:
    told = await registered(quick, policy_uri="https://portal.test/policy")
    assert told["policy_uri"]
    answer = await ask(
        quick,
        "PUT",
        told["registration_client_uri"],
        token=told["registration_access_token"],
        body={**ASKED, "client_id": told["client_id"], "contacts": None},
    )
    assert "policy_uri" not in answer.json()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "other"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_secret": "wrong"}, "invalid_client_metadata"),
        ({"client_secret_expires_at": 0}, "invalid_client_metadata"),
        ({"client_id_issued_at": 0}, "invalid_client_metadata"),
        ({"registration_client_uri": "x"}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"scope": "openid document"}, "invalid_client_metadata"),
        ({"redirect_uris": ["https://elsewhere.test/cb"]}, "invalid_client_metadata"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
    ],
)
async def test_a_put_that_is_refused_changes_nothing_not_even_the_token(
    quick: World, change: dict[str, Any], error: str
) -> None:
    told = await registered(quick)
    uri, token = told["registration_client_uri"], told["registration_access_token"]
    wanted = {**ASKED, "client_id": told["client_id"], **change}
    answer = await ask(quick, "PUT", uri, token=token, body=wanted)
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    after = await ask(quick, "GET", uri, token=token)
    assert after.json()["redirect_uris"] == ASKED["redirect_uris"]


async def is_known(world: World, told: dict[str, Any], secret: str) -> bool:
    answer = await world.browser().http.post(
        f"{ISSUER}/revoke", auth=(told["client_id"], secret), data={"token": "x"}
    )
    return answer.status_code == 200


async def test_two_secrets_are_live_while_a_party_changes_over(world: World) -> None:
    told = await registered(world)
    secrets, token = [told["client_secret"]], told["registration_access_token"]
    body = {**ASKED, "client_id": told["client_id"]}
    uri = told["registration_client_uri"]
    for _ in range(2):
        answer = (await ask(world, "PUT", uri, token=token, body=body)).json()
        secrets.append(answer["client_secret"])
        token = answer["registration_access_token"]
    live = [await is_known(world, told, secret) for secret in secrets]
    assert live == [False, True, True]
    kept = {**body, "client_secret": secrets[2]}
    answer = (await ask(world, "PUT", uri, token=token, body=kept)).json()
    assert "client_secret" not in answer
    token = answer["registration_access_token"]
    keyed = {**body, "token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
    answer = (await ask(world, "PUT", uri, token=token, body=keyed)).json()
    assert "client_secret_expires_at" not in answer
    assert not await is_known(world, told, secrets[2])
    async with world.services.store.read() as tx:
        party = await world.services.relying_parties.find(tx, told["client_id"])
    assert party.secret_hashes == ()  # also for the day it goes back to a secret


async def test_one_partys_token_opens_no_other_party(quick: World) -> None:
    first, second = await registered(quick), await registered(quick)
    token = first["registration_access_token"]
    for method in ("GET", "PUT", "DELETE"):
        body = {**ASKED, "client_id": second["client_id"]}
        for uri in (second["registration_client_uri"], f"{ENDPOINT}/nobody"):
            answer = await ask(quick, method, uri, token=token, body=body)
            assert answer.status_code == 401
            assert answer.json() == {"error": "invalid_token"}
    assert (await ask(quick, "GET", f"{ENDPOINT}/nobody")).status_code == 401


async def test_terms_that_nobody_could_keep_are_not_issued(quick: World) -> None:
    registration = quick.services.party_registration
    for terms, uses, days in (
        (Terms(scopes=("profile",)), 1, 1),
        (Terms(scopes=("openid", "everything")), 1, 1),
        (Terms(profile="none"), 1, 1),
        (Terms(acr="extreme"), 1, 1),
        (Terms(grant_types=("implicit",)), 1, 1),
        (Terms(), 0, 1),
        (Terms(), 1001, 1),
        (Terms(), 1, 0),
        (Terms(), 1, 91),
    ):
        async with quick.services.store.begin() as tx:
            with pytest.raises(FieldsInvalid):
                await registration.issue(
                    tx, terms, uses=uses, life=timedelta(days=days)
                )
