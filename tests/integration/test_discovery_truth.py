"""Discovery tells the truth: every advertised value is exercised, or the test fails.

`EXERCISERS` has one function for each member of the metadata; it gets the advertised
values one by one. A member without one fails, and so does a value that does not work.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey
from starlette.routing import Match

from idp.domain.consents import CLAIMS_OF_SCOPE
from idp.domain.party_metadata import (
    CIBA,
    CLIENT_CREDENTIALS,
    GRANT_TYPES,
    TOKEN_EXCHANGE,
    PartyMetadata,
)
from idp.domain.relying_parties import NONE, POST, PRIVATE_KEY_JWT, RelyingParty
from idp.oidc import routes
from idp.oidc.backchannel_logout import deliver_due
from idp.oidc.provider_metadata import metadata
from idp.settings import IdpSettings
from idp.storage.columns import b64decode, new_id
from idp.translations import LOCALES
from tests.party_keys import PartyKey
from tests.proofings import prove
from tests.receiver import receiver
from tests.unit.idp.oidc.world import (
    AFTER_LOGOUT,
    ISSUER,
    PARTY,
    PORTAL,
    SECRET,
    World,
    basic,
    open_world,
    query_of,
)

pytestmark = pytest.mark.anyio
Exerciser = Callable[[World, Any], Awaitable[None]]
EXERCISERS: dict[str, Exerciser] = {}
SETTINGS = IdpSettings(
    environment="development", issuer=ISSUER, app_origin="http://localhost:8001"
)
ADVERTISED = metadata(SETTINGS)
NUMBER = count()
SCOPES = tuple(CLAIMS_OF_SCOPE)
SEALING: Mapping[str, Any] = {
    "EC": ECKey.generate_key("P-256", {"use": "enc", "kid": "ec"}),
    "RSA": RSAKey.generate_key(2048, {"use": "enc", "kid": "rsa"}),
}
SEALED_JWKS = {"keys": [key.as_dict(private=False) for key in SEALING.values()]}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def exercises(*names: str) -> Callable[[Exerciser], Exerciser]:
    def keep(work: Exerciser) -> Exerciser:
        for name in names:
            assert name not in EXERCISERS, name
            EXERCISERS[name] = work
        return work

    return keep


# --- steps --------------------------------------------------------------------------


async def party(
    world: World, key: PartyKey | None = None, *, about: Any = None, **changes: Any
) -> RelyingParty:
    """Register a party of its own; `about` are members of its metadata."""
    given: dict[str, Any] = {"grant_types": GRANT_TYPES[:2], **(about or {})}
    if key is not None:
        given["jwks"] = key.jwks
    found = replace(
        PARTY,
        **{"id": f"p{next(NUMBER)}", "scopes": SCOPES, "acr": "low", **changes},
        metadata=PartyMetadata(**given),
    )
    await world.add_party(found, SECRET if found.has_secret else None)
    return found


async def code_of(world: World, who: RelyingParty, **asked: Any) -> str:
    answer = await world.approve(await world.ask(client_id=who.id, **asked))
    return query_of(answer)["code"]


async def log_in(
    world: World, who: RelyingParty, headers: Any = None, **asked: Any
) -> dict[str, Any]:
    code = await code_of(world, who, **{"prompt": "consent", **asked})
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": PORTAL,
        "code_verifier": "v" * 64,
    }
    answer = await world.browser.post(
        "/token", data=form, headers={**basic(who.id, SECRET), **(headers or {})}
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def part(token: str, place: int) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(b64decode(token.split(".")[place]))
    return found


def assertion(world: World, who: RelyingParty, key: PartyKey) -> dict[str, str]:
    now = int(world.clock.now().timestamp())
    claims = {
        "iss": who.id,
        "sub": who.id,
        "aud": ISSUER,
        "jti": new_id(),
        "iat": now,
        "exp": now + 60,
    }
    return {
        "client_id": who.id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": key.sign(claims),
    }


async def calls(world: World, endpoint: str, method: str, alg: str) -> None:
    """Call a back-channel endpoint, authenticated so, with a token of nobody."""
    key = PartyKey.make(alg) if method == PRIVATE_KEY_JWT else None
    who = await party(world, key, auth_method=method)
    form, headers = {"token": "x", "grant_type": "refresh_token"}, {}
    if key is not None:
        form |= assertion(world, who, key)
    elif method == NONE:
        form["client_id"] = who.id
    elif method == POST:
        form |= {"client_id": who.id, "client_secret": SECRET}
    else:
        headers = basic(who.id, SECRET)
    answer = await world.browser.post(endpoint, data=form, headers=headers)
    assert answer.status_code in {200, 400}, answer.text
    said = answer.json() if answer.content else {}
    assert said.get("error") in {None, "invalid_request"}, said


def object_of(world: World, key: PartyKey, claims: dict[str, Any]) -> str:
    now = int(world.clock.now().timestamp())
    times = {"iat": now, "nbf": now, "exp": now + 120, "jti": new_id()}
    return key.sign({"aud": ISSUER, **times, **claims})


# --- where things are ---------------------------------------------------------------


@exercises("issuer")
async def _issuer(world: World, value: str) -> None:
    body = await log_in(world, await party(world))
    assert part(body["id_token"], 1)["iss"] == value
    found = await world.browser.get(f"{value}/.well-known/openid-configuration")
    same = await world.browser.get(f"{value}/.well-known/oauth-authorization-server")
    assert found.json() == same.json() == ADVERTISED


@exercises("authorization_endpoint", "code_challenge_methods_supported")
async def _authorize(world: World, value: str) -> None:
    if value.startswith("http"):
        asked = await world.browser.get(value, params=world.authorization())
        assert asked.status_code == 303
        return
    assert await world.code(code_challenge_method=value)
    plain = query_of(await world.ask(code_challenge_method="plain"))
    assert plain["error"] == "invalid_request"


@exercises("pushed_authorization_request_endpoint")
async def _push(world: World, value: str) -> None:
    form = world.authorization()
    answer = await world.browser.post(value, data=form, headers=basic("portal", SECRET))
    assert answer.status_code == 201
    assert answer.json()["request_uri"]


@exercises("token_endpoint", "userinfo_endpoint", "introspection_endpoint")
async def _tokens(world: World, value: str) -> None:
    token = (await log_in(world, await party(world, id="asker")))["access_token"]
    if value.endswith("/userinfo"):
        headers = {"Authorization": f"Bearer {token}"}
        for method in ("GET", "POST"):
            answer = await world.browser.request(method, value, headers=headers)
            assert answer.json()["sub"]
    elif value.endswith("/introspect"):
        answer = await world.browser.post(
            value, data={"token": token}, headers=basic("asker", SECRET)
        )
        assert answer.json()["active"] is True
    else:
        assert value == f"{ISSUER}/token"


@exercises("revocation_endpoint")
async def _revoke(world: World, value: str) -> None:
    token = (await log_in(world, await party(world, id="asker")))["access_token"]
    await world.browser.post(
        value, data={"token": token}, headers=basic("asker", SECRET)
    )
    assert (await world.userinfo(token)).status_code == 401


@exercises("registration_endpoint")
async def _register(world: World, value: str) -> None:
    answer = await world.browser.post(value, json={})
    assert answer.status_code == 401


@exercises("end_session_endpoint")
async def _end_session(world: World, value: str) -> None:
    hint = (await world.login())["id_token"]
    back = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT}
    answer = await world.browser.get(value, params=back)
    assert answer.headers["location"] == AFTER_LOGOUT


@exercises("jwks_uri")
async def _jwks(world: World, value: str) -> None:
    published = (await world.browser.get(value)).json()["keys"]
    token = (await world.login())["id_token"]
    assert part(token, 0)["kid"] in {key["kid"] for key in published}
    offered = set(ADVERTISED["id_token_signing_alg_values_supported"])
    assert offered == {key["alg"] for key in published}


# --- what may be asked --------------------------------------------------------------


@exercises("scopes_supported")
async def _scope(world: World, value: str) -> None:
    body = await log_in(world, await party(world), scope=f"openid {value}")
    assert value in body["scope"].split()


@exercises("response_types_supported")
async def _response_type(world: World, value: str) -> None:
    who = await party(world)
    assert await code_of(world, who, response_type=value)
    for other in ("token", "id_token", "code id_token", "none"):
        answer = query_of(await world.ask(client_id=who.id, response_type=other))
        assert answer["error"] == "unsupported_response_type"


@exercises("response_modes_supported")
async def _response_mode(world: World, value: str) -> None:
    who = await party(world)
    answer = await world.approve(
        await world.ask(client_id=who.id, response_mode=value, prompt="consent")
    )
    is_signed = value.endswith("jwt")
    if value.startswith("form_post"):
        assert answer.status_code == 200
        assert f'name="{"response" if is_signed else "code"}"' in answer.text
    else:
        assert ("response" if is_signed else "code") in query_of(answer)


@exercises("grant_types_supported")
async def _grant_type(world: World, value: str) -> None:
    who = await party(world)
    if value == "authorization_code":
        await log_in(world, who)
        return
    if value == "refresh_token":
        body = await log_in(world, who, scope="openid offline_access")
        answer = await world.refresh(body["refresh_token"], caller=(who.id, SECRET))
        assert answer.json()["access_token"]
        return
    about: dict[str, Any] = {"grant_types": (value,)}
    if value == CIBA:
        about["backchannel_token_delivery_mode"] = "poll"
    if value == CLIENT_CREDENTIALS:
        about |= {"api_scopes": ("read",), "resources": ("https://api.example/",)}
    who = await party(world, about=about)
    asked = {"scope": "read", "resource": "https://api.example/", "auth_req_id": "x"}
    said = await world.post(
        "/token",
        caller=(who.id, SECRET),
        grant_type=value,
        **(asked if value != TOKEN_EXCHANGE else {}),
    )
    if value == CLIENT_CREDENTIALS:
        assert said.json()["access_token"], said.text
    else:
        wanted = "invalid_grant" if value == CIBA else "invalid_request"
        assert said.json()["error"] == wanted, said.text


@exercises("prompt_values_supported")
async def _prompt(world: World, value: str) -> None:
    if value == "none":
        assert query_of(await world.ask(prompt=value))["error"] == "login_required"
    await world.login()
    asked = await world.ask(prompt=value)
    is_silent = "code" in query_of(asked)
    assert is_silent is (value == "none")


@exercises("ui_locales_supported")
async def _locale(world: World, value: str) -> None:
    assert value in LOCALES
    answer = await world.ask(ui_locales=f"fr {value}")
    assert (await world.parked(answer)).request.locale == value


@exercises("acr_values_supported")
async def _acr(world: World, value: str) -> None:
    level = value.rpartition("/")[2]
    who = await party(world)
    answer = await world.ask(client_id=who.id, acr_values=value, prompt="login")
    back = await world.approve(answer, acr=level)
    answer = await world.exchange(query_of(back)["code"], caller=(who.id, SECRET))
    assert part(answer.json()["id_token"], 1)["acr"] == value


@exercises("claims_parameter_supported")
async def _claims_parameter(world: World, value: bool) -> None:
    who = await party(world, about={"claims": ("phone_number",)})
    asked = json.dumps({"userinfo": {"phone_number": {"essential": True}}})
    body = await log_in(world, who, scope="openid", claims=asked)
    told = (await world.userinfo(body["access_token"])).json()
    assert value is ("phone_number" in told)


@exercises("request_parameter_supported")
async def _request(world: World, value: bool) -> None:
    key = PartyKey.make()
    who = await party(world, key)
    claims = {**world.authorization(client_id=who.id), "iss": who.id}
    answer = await world.browser.get(
        "/authorize",
        params={"client_id": who.id, "request": object_of(world, key, claims)},
    )
    assert value is (
        answer.status_code == 303 and "/login/" in answer.headers["location"]
    )


@exercises("request_uri_parameter_supported", "require_request_uri_registration")
async def _request_uri(world: World, value: bool) -> None:
    who = await party(world)
    said = await world.browser.get(
        "/authorize",
        params={
            **world.authorization(client_id=who.id),
            "request_uri": "https://x.test/",
        },
    )
    assert value is ("/login/" in said.headers.get("location", ""))


@exercises("require_pushed_authorization_requests", "require_signed_request_object")
async def _plain(world: World, value: bool) -> None:
    answer = await world.ask()
    assert value is ("/login/" not in answer.headers["location"])


@exercises("authorization_response_iss_parameter_supported")
async def _iss(world: World, value: bool) -> None:
    for answer in (
        await world.ask(prompt="none"),
        await world.approve(await world.ask()),
    ):
        assert value is (query_of(answer).get("iss") == ISSUER)


# --- who asks -----------------------------------------------------------------------


def endpoint_of(name: str) -> str:
    return {"token": "/token", "revocation": "/revoke", "introspection": "/introspect"}[
        name.partition("_")[0]
    ]


def _authentication(name: str) -> None:
    endpoint = endpoint_of(name)

    @exercises(f"{name}_methods_supported")
    async def _method(world: World, value: str) -> None:
        await calls(world, endpoint, value, "ES256")

    @exercises(f"{name}_signing_alg_values_supported")
    async def _alg(world: World, value: str) -> None:
        await calls(world, endpoint, PRIVATE_KEY_JWT, value)


for each in ("token", "revocation", "introspection"):
    _authentication(f"{each}_endpoint_auth")


@exercises("dpop_signing_alg_values_supported")
async def _dpop(world: World, value: str) -> None:
    key = PartyKey.make(value)
    claims = {
        "htm": "POST",
        "htu": f"{ISSUER}/token",
        "iat": int(world.clock.now().timestamp()),
        "jti": new_id(),
    }
    proof = key.sign(claims, typ="dpop+jwt", jwk=key.bare, kid=None)
    body = await log_in(world, await party(world), {"DPoP": proof})
    assert body["token_type"] == "DPoP"
    assert part(body["access_token"], 1)["cnf"]["jkt"]


@exercises("request_object_signing_alg_values_supported")
async def _request_alg(world: World, value: str) -> None:
    key = PartyKey.make(value)
    who = await party(world, key, about={"request_object_signing_alg": value})
    claims = {**world.authorization(client_id=who.id), "iss": who.id}
    answer = await world.browser.get(
        "/authorize",
        params={"client_id": who.id, "request": object_of(world, key, claims)},
    )
    assert "/login/" in answer.headers["location"]


# --- how it is answered -------------------------------------------------------------


async def told_as(world: World, kind: str, about: dict[str, Any]) -> str:
    """Return the token of this kind that a party with such metadata gets."""
    who = await party(world, about=about)
    if kind == "authorization":
        answer = await world.approve(
            await world.ask(client_id=who.id, response_mode="query.jwt")
        )
        return query_of(answer)["response"]
    body = await log_in(world, who)
    if kind == "id_token":
        return str(body["id_token"])
    if kind == "userinfo":
        answer = await world.userinfo(body["access_token"])
    else:
        answer = await world.browser.post(
            "/introspect",
            data={"token": body["access_token"]},
            headers={
                **basic(who.id, SECRET),
                "Accept": "application/token-introspection+jwt",
            },
        )
    assert "jwt" in answer.headers["content-type"]
    return answer.text


def _answers(kind: str) -> None:
    prefix = f"{kind}_signed_response_alg"

    @exercises(f"{kind}_signing_alg_values_supported")
    async def _signed(world: World, value: str) -> None:
        token = await told_as(world, kind, {prefix: value})
        assert part(token, 0)["alg"] == value

    async def sealed(world: World, alg: str, enc: str) -> None:
        about = {
            "jwks": SEALED_JWKS,
            prefix: "ES256",
            f"{kind}_encrypted_response_alg": alg,
            f"{kind}_encrypted_response_enc": enc,
        }
        token = await told_as(world, kind, about)
        assert (part(token, 0)["alg"], part(token, 0)["enc"]) == (alg, enc)
        key = SEALING["RSA" if alg.startswith("RSA") else "EC"]
        opened = jwe.decrypt_compact(token, key, algorithms=[alg, enc])
        assert opened.plaintext is not None
        assert part(opened.plaintext.decode(), 0)["alg"] == "ES256"

    @exercises(f"{kind}_encryption_alg_values_supported")
    async def _alg(world: World, value: str) -> None:
        await sealed(world, value, "A256GCM")

    @exercises(f"{kind}_encryption_enc_values_supported")
    async def _enc(world: World, value: str) -> None:
        await sealed(world, "ECDH-ES", value)


for each in ("id_token", "userinfo", "authorization", "introspection"):
    _answers(each)


# --- about whom ---------------------------------------------------------------------


@exercises("subject_types_supported")
async def _subjects(world: World, value: str) -> None:
    parties = [await party(world), await party(world, sector="other.test")]
    subs = {part((await log_in(world, who))["id_token"], 1)["sub"] for who in parties}
    assert value == "pairwise"
    assert len(subs) == 2


@exercises("claim_types_supported", "claims_supported", "claims_locales_supported")
async def _claims(world: World, value: str) -> None:
    await prove(world.services, world.account_id)
    names = ("nationality", "document_number", "verified_claims", "phone_number")
    who = await party(world, about={"claims": names})
    asked = {"userinfo": {"nationalities": None, "verified_claims": VERIFIED}}
    body = await log_in(
        world, who, scope=" ".join(SCOPES), claims=json.dumps(asked), nonce="n"
    )
    token = part(body["id_token"], 1)
    told = (await world.userinfo(body["access_token"])).json()
    if value == "normal":
        assert not {"_claim_names", "_claim_sources"} & set(told)
    elif value in {"en", "km"}:
        assert f"family_name{'' if value == 'en' else '#km'}" in told
    else:
        assert value in {*token, *told}


EVIDENCE = [
    {
        "type": {"value": "document"},
        "check_details": [{"check_method": None}],
        "document_details": {"type": None},
    },
    {"type": {"value": "electronic_record"}, "record": {"type": None}},
]
VERIFIED = {
    "verification": {
        "trust_framework": {"value": "kh_camdigikey"},
        "evidence": EVIDENCE,
    },
    "claims": dict.fromkeys(ADVERTISED["claims_in_verified_claims_supported"]),
}


@exercises(
    "verified_claims_supported",
    "trust_frameworks_supported",
    "claims_in_verified_claims_supported",
    "evidence_supported",
    "documents_supported",
    "documents_check_methods_supported",
    "electronic_records_supported",
)
async def _assurance(world: World, value: Any) -> None:
    await prove(world.services, world.account_id)
    names = ("nationality", "document_number", "verified_claims", "phone_number")
    who = await party(world, about={"claims": names})
    asked = {"userinfo": {"verified_claims": VERIFIED}}
    body = await log_in(world, who, scope="openid", claims=json.dumps(asked))
    told = (await world.userinfo(body["access_token"])).json()
    assert "verified_claims" in told
    assert value is True or f'"{value}"' in json.dumps(told["verified_claims"])


# --- over the back channel ----------------------------------------------------------


async def backchannel(world: World, who: RelyingParty, form: dict[str, str]) -> Any:
    return await world.browser.post(
        ADVERTISED["backchannel_authentication_endpoint"],
        data=form,
        headers=basic(who.id, SECRET),
    )


def ciba(mode: str, **more: Any) -> dict[str, Any]:
    about = {
        "grant_types": (*GRANT_TYPES[:2], CIBA),
        "backchannel_token_delivery_mode": mode,
        **more,
    }
    if mode != "poll":
        about["backchannel_client_notification_endpoint"] = "https://rp.example/cb"
    return about


@exercises(
    "backchannel_authentication_endpoint", "backchannel_token_delivery_modes_supported"
)
async def _mode(world: World, value: str) -> None:
    mode = "poll" if value.startswith("http") else value
    who = await party(world, about=ciba(mode))
    hint = (await log_in(world, who))["id_token"]
    form = {"scope": "openid", "id_token_hint": hint, "binding_message": "W4SCT"}
    answer = await backchannel(
        world, who, {**form, "client_notification_token": "t" * 32}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["auth_req_id"]


@exercises("backchannel_authentication_request_signing_alg_values_supported")
async def _signed_backchannel(world: World, value: str) -> None:
    key = PartyKey.make(value)
    registered = {"backchannel_authentication_request_signing_alg": value}
    who = await party(world, key, about=ciba("poll", **registered))
    hint = (await log_in(world, who))["id_token"]
    claims = {"scope": "openid", "id_token_hint": hint, "binding_message": "W4SCT"}
    signed = object_of(world, key, {**claims, "iss": who.id})
    answer = await backchannel(world, who, {"request": signed})
    assert answer.status_code == 200, answer.text


@exercises("backchannel_user_code_parameter_supported")
async def _user_code(_world: World, value: bool) -> None:
    name = "backchannel_user_code_parameter"
    assert value is (name in PartyMetadata.__dataclass_fields__)


@exercises("backchannel_logout_supported", "backchannel_logout_session_supported")
async def _logout(world: World, value: bool) -> None:
    async with receiver() as server:
        who = await party(world, about={"backchannel_logout_uri": server.url("/bye")})
        hint = (await log_in(world, who))["id_token"]
        await world.browser.get("/logout", params={"id_token_hint": hint})
        await deliver_due(world.services)
        (post,) = server.posts
    claims = part(post.form["logout_token"], 1)
    assert value is (claims["sid"] == part(hint, 1)["sid"])


# --- the walk -----------------------------------------------------------------------


@asynccontextmanager
async def fresh_world(folder: Path) -> AsyncIterator[World]:
    async with open_world(f"sqlite:///{folder / f'{next(NUMBER)}.sqlite3'}") as world:
        yield world


@pytest.mark.parametrize("name", sorted(ADVERTISED))
async def test_every_advertised_value_works(name: str, tmp_path: Path) -> None:
    assert name in EXERCISERS, "advertised, and nobody exercises it"
    found = ADVERTISED[name]
    values = found if isinstance(found, list) else [found]
    assert values
    assert len(set(values)) == len(values)
    for value in values:
        async with fresh_world(tmp_path) as world:
            await EXERCISERS[name](world, value)


def test_nothing_is_exercised_that_is_not_advertised() -> None:
    assert set(EXERCISERS) <= set(ADVERTISED)


async def test_the_server_advertises_what_is_walked_here(world: World) -> None:
    answer = await world.browser.get("/.well-known/openid-configuration")
    assert answer.json() == metadata(world.services.settings) == ADVERTISED


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    async with open_world(sqlite_url) as opened:
        yield opened


def test_certificates_are_advertised_only_where_they_arrive() -> None:
    with_origin = SETTINGS.model_copy(
        update={
            "mtls_origin": "https://mtls.example",
            "trusted_proxies": ("192.0.2.7",),
        }
    )
    found = metadata(with_origin)
    assert (
        "self_signed_tls_client_auth" in found["token_endpoint_auth_methods_supported"]
    )
    assert "tls_client_auth" not in found["token_endpoint_auth_methods_supported"]
    assert found["tls_client_certificate_bound_access_tokens"] is True
    for name, address in found["mtls_endpoint_aliases"].items():
        assert address.startswith("https://mtls.example/")
        path = address.removeprefix("https://mtls.example")
        assert found[name] == ISSUER + path
        scope = {"type": "http", "path": path, "method": "POST"}
        matches = [route.matches(scope)[0] for route in routes()]
        assert Match.FULL in matches
    assert not {"mtls_endpoint_aliases"} & set(ADVERTISED)
    assert not any(
        "tls" in m for m in ADVERTISED["token_endpoint_auth_methods_supported"]
    )
