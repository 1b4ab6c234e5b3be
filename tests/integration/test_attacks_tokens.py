"""Tokens in the wrong hands and in the wrong places, all at the running provider.

One login of one party gives every kind of token. Each is tried at every place that
takes a token; only the places of its own kind, from its own party, open.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
import pytest

from idp.domain.jws import parse
from idp.domain.party_metadata import CIBA, PartyMetadata
from idp.oidc.exchange_grant import ACCESS_TOKEN_TYPE, TokenExchangeGrant
from idp.storage.columns import b64encode
from tests.integration.test_authorization import CALLBACK, VERIFIER, asked, log_in
from tests.party_keys import PartyKey
from tests.world import ISSUER, PORTAL, SECRET, Browser, World, open_world

EXCHANGE = TokenExchangeGrant.GRANT_TYPE
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KINDS = ("code", "access", "refresh", "id", "logout", "answer")
OWN, OTHER = "portal", "other"


@dataclass
class Loot:
    """A party's tokens of one login, its browser, and who may try them."""

    world: World
    browser: Browser
    tokens: dict[str, str]

    async def post(
        self, path: str, caller: str | None, **form: str
    ) -> tuple[int, dict[str, Any]]:
        auth = None if caller is None else httpx2.BasicAuth(caller, SECRET)
        http = self.world.browser().http  # nobody's cookies
        answer = await http.post(ISSUER + path, data=form, auth=auth)
        assert answer.status_code < 500, answer.text
        return answer.status_code, answer.json() if answer.content else {}

    async def redeem(self, code: str, caller: str) -> tuple[int, dict[str, Any]]:
        return await self.post(
            "/token",
            caller,
            grant_type="authorization_code",
            code=code,
            redirect_uri=CALLBACK,
            code_verifier=VERIFIER,
        )

    async def refresh(self, token: str, caller: str) -> tuple[int, dict[str, Any]]:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return await self.post("/token", caller, **form)

    async def exchange(self, token: str, caller: str) -> tuple[int, dict[str, Any]]:
        return await self.post(
            "/token",
            caller,
            grant_type=EXCHANGE,
            subject_token=token,
            subject_token_type=ACCESS_TOKEN_TYPE,
            audience=OTHER,
        )

    async def introspect(self, token: str, caller: str) -> bool:
        status, body = await self.post("/introspect", caller, token=token)
        assert status == 200
        if not body["active"]:
            assert body == {"active": False}  # RFC 7662, 2.2: nothing more is told
        return bool(body["active"])

    async def userinfo(self, token: str) -> int:
        http = self.world.browser().http
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.get(f"{ISSUER}/userinfo", headers=headers)
        if answer.status_code != 200:
            assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        return answer.status_code

    async def hinted(self, token: str) -> str:
        """Ask for a silent login with this hint; return the place and its query."""
        query = asked(id_token_hint=token, prompt="none")
        answer = await self.browser.http.get(f"{ISSUER}/authorize", params=query)
        assert answer.status_code in {303, 400}
        return str(answer.headers.get("location", ""))

    async def is_signed_in(self) -> bool:
        answer = await self.browser.http.get(f"{ISSUER}/account")
        return answer.status_code == 200


def attack(url: str, work: Callable[[Loot], Awaitable[None]]) -> None:
    metadata = PartyMetadata(
        grant_types=("authorization_code", "refresh_token", EXCHANGE, CIBA),
        backchannel_token_delivery_mode="poll",
        may_act_at=(OTHER,),
        jwks=PartyKey.make("ES256", "own").jwks,
    )

    async def main() -> None:
        async with open_world(url, sandbox=True) as world:
            await world.portal(OTHER)
            await world.portal(OWN, metadata=metadata)
            await work(await loot(world))

    asyncio.run(main())


async def loot(world: World) -> Loot:
    browser = world.browser()
    found = Loot(world, browser, {})
    # The code first: a session signs nobody in before its code is redeemed.
    code = await code_of(found)
    scope = "openid profile offline_access"
    body = await tokens_of(found, scope=scope, prompt="login")
    claims = parse(body["id_token"], typ="JWT").unverified_payload
    told = {name: claims[name] for name in ("iss", "aud", "iat", "exp", "sub", "sid")}
    keys = world.services.keys
    said = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    found.tokens = {
        "code": code,
        "access": body["access_token"],
        "refresh": body["refresh_token"],
        "id": body["id_token"],
        "logout": await keys.sign({**told, **said}, typ="logout+jwt"),
        "answer": await keys.sign(told, typ="jarm+jwt"),
    }
    return found


async def code_of(found: Loot, **changes: str) -> str:
    http = found.browser.http
    answer = await http.get(f"{ISSUER}/authorize", params=asked(**changes))
    if not answer.headers["location"].startswith(PORTAL):
        answer = await log_in(found.browser, answer)
    return str(httpx2.URL(answer.headers["location"]).params["code"])


async def tokens_of(found: Loot, **changes: str) -> dict[str, Any]:
    status, body = await found.redeem(await code_of(found, **changes), OWN)
    assert status == 200, body
    return body


def test_only_a_code_is_redeemed_and_only_by_its_party(sqlite_url: str) -> None:
    async def work(found: Loot) -> None:
        for kind in KINDS:
            assert await error(found.redeem(found.tokens[kind], OTHER)) == (
                "invalid_grant"
            )
        for kind in set(KINDS) - {"code"}:
            assert await error(found.redeem(found.tokens[kind], OWN)) == (
                "invalid_grant"
            )
        status, _ = await found.redeem(found.tokens["code"], OWN)
        assert status == 200

    attack(sqlite_url, work)


def test_only_a_refresh_token_refreshes_and_only_its_party(sqlite_url: str) -> None:
    async def work(found: Loot) -> None:
        for kind in KINDS:
            assert await error(found.refresh(found.tokens[kind], OTHER)) == (
                "invalid_grant"
            )
        for kind in set(KINDS) - {"refresh"}:
            assert await error(found.refresh(found.tokens[kind], OWN)) == (
                "invalid_grant"
            )
        status, _ = await found.refresh(found.tokens["refresh"], OWN)
        assert status == 200

    attack(sqlite_url, work)


def test_only_an_access_token_is_exchanged_and_only_by_its_party(
    sqlite_url: str,
) -> None:
    async def work(found: Loot) -> None:
        body = await tokens_of(found, scope="openid delegate:other", prompt="login")
        for kind in set(KINDS) - {"access"}:
            assert await error(found.exchange(found.tokens[kind], OWN)) == (
                "invalid_request"
            )
        assert await error(found.exchange(body["access_token"], OTHER)) in {
            "unauthorized_client",
            "invalid_request",
        }

    attack(sqlite_url, work)


def test_only_an_access_token_opens_userinfo(sqlite_url: str) -> None:
    async def work(found: Loot) -> None:
        for kind in KINDS:
            status = await found.userinfo(found.tokens[kind])
            assert status == (200 if kind == "access" else 401), kind

    attack(sqlite_url, work)


def test_another_party_learns_nothing_of_a_token_and_cannot_end_it(
    sqlite_url: str,
) -> None:
    async def work(found: Loot) -> None:
        for kind in KINDS:
            assert not await found.introspect(found.tokens[kind], OTHER), kind
            known = await found.introspect(found.tokens[kind], OWN)
            assert known == (kind in {"access", "refresh"}), kind
            status, _ = await found.post("/revoke", OTHER, token=found.tokens[kind])
            assert status == 200  # RFC 7009, 2.2: no matter whose it is
        assert await found.userinfo(found.tokens["access"]) == 200
        assert (await found.refresh(found.tokens["refresh"], OWN))[0] == 200

    attack(sqlite_url, work)


def test_only_an_id_token_is_a_hint_of_who_is_expected(sqlite_url: str) -> None:
    async def work(found: Loot) -> None:
        assert "code=" in await found.hinted(found.tokens["id"])
        for kind in set(KINDS) - {"id"}:
            answer = await found.hinted(found.tokens[kind])
            assert "code=" not in answer, kind
            assert "error=invalid_request" in answer, kind
            assert "iss=https%3A%2F%2Fidp.test" in answer, kind

    attack(sqlite_url, work)


def test_only_an_id_token_ends_a_session_without_asking(sqlite_url: str) -> None:
    async def work(found: Loot) -> None:
        for kind in sorted(set(KINDS) - {"id"}):
            form = {"id_token_hint": found.tokens[kind], "client_id": OWN}
            answer = await found.browser.http.get(f"{ISSUER}/logout", params=form)
            assert answer.status_code == 200, kind
            assert 'name="confirm"' in answer.text, kind
            assert await found.is_signed_in(), kind

    attack(sqlite_url, work)


def test_only_an_id_token_names_whom_a_back_channel_request_is_for(
    sqlite_url: str,
) -> None:
    async def work(found: Loot) -> None:
        for kind in sorted(set(KINDS) - {"id"}):
            form = {"scope": "openid", "id_token_hint": found.tokens[kind]}
            status, body = await found.post("/backchannel-authentication", OWN, **form)
            assert status == 400, kind
            assert body["error"] in {"invalid_request", "unknown_user_id"}, kind

    attack(sqlite_url, work)


def test_no_token_of_ours_proves_a_party_or_signs_its_request(
    sqlite_url: str,
) -> None:
    async def work(found: Loot) -> None:
        for kind in KINDS:
            proof = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": found.tokens[kind],
            }
            for named in ({}, {"client_id": OWN}):
                status, body = await found.post("/token", None, **proof, **named)
                assert (status, body["error"]) in {
                    (401, "invalid_client"),
                    (400, "invalid_request"),
                }, kind
            status, body = await found.post(
                "/par", OWN, client_id=OWN, request=found.tokens[kind]
            )
            assert (status, body["error"]) == (400, "invalid_request_object"), kind

    attack(sqlite_url, work)


def test_no_token_travels_in_a_form_or_an_address_at_userinfo(
    sqlite_url: str,
) -> None:
    async def work(found: Loot) -> None:
        http = found.world.browser().http
        token = {"access_token": found.tokens["access"]}
        url = f"{ISSUER}/userinfo"
        assert (await http.get(url, params=token)).status_code == 401
        assert (await http.post(url, data=token)).status_code == 401
        both = [("Authorization", f"Bearer {found.tokens['access']}")] * 2
        assert (await http.get(url, headers=both)).status_code == 401

    attack(sqlite_url, work)


async def error(work: Awaitable[tuple[int, dict[str, Any]]]) -> str:
    status, body = await work
    assert status == 400, body
    return str(body["error"])


THIEF = PartyKey.make("ES256")
INJECTED = [
    "../../../../dev/null",
    "/proc/self/environ",
    "' OR '1'='1",
    "x' UNION SELECT 'AA==' --",
    "https://evil.example/jwks",
    "|id",
    "\x00",
    "k" * 4_000,
    "",
]
FORGED_HEADERS: dict[str, dict[str, Any]] = {
    "another key under our kid": {},
    "jwk": {"jwk": THIEF.bare},
    "jku": {"jku": "https://evil.example/jwks"},
    "x5u": {"x5u": "https://evil.example/cert"},
    "x5c": {"x5c": ["MIIB"]},
    "crit": {"crit": ["exp"]},
    "b64": {"b64": False, "crit": ["b64"]},
    "no kid": {"kid": None},
    "kid is a number": {"kid": 1},
    "kid is a list": {"kid": ["a"]},
    "none": {"alg": "none"},
    "None": {"alg": "None"},
    "HS256": {"alg": "HS256"},
    "RS256": {"alg": "RS256"},
    "no alg": {"alg": None},
    "zip": {"zip": "DEF"},
    **{f"kid {text[:20]!r}": {"kid": text} for text in INJECTED},
}


@pytest.mark.parametrize("kind", ["access", "id"])
def test_no_header_makes_a_forged_token_ours(sqlite_url: str, kind: str) -> None:
    """RFC 8725, 3: neither kid, jku, jwk nor alg of a token chooses its key."""

    async def work(found: Loot) -> None:
        head, payload, signature = found.tokens[kind].split(".")
        true = parse(found.tokens[kind], typ="at+jwt" if kind == "access" else "JWT")
        usual = true.unverified_header
        forged = [f"{head}.{payload}.", f"{head}.{payload}.{signature[:-4]}AAAA"]
        for changes in FORGED_HEADERS.values():
            header = {**usual, **changes}
            made = orjson.dumps({k: v for k, v in header.items() if v is not None})
            claims = orjson.dumps(true.unverified_payload)
            forged.append(THIEF.sign_text(made, claims))
            forged.append(f"{b64encode(made)}.{payload}.")
        for token in forged:
            if "\n" in token:
                continue
            assert await found.userinfo(token) == 401
            assert "code=" not in await found.hinted(token)
            assert not await found.introspect(token, OWN)
            assert await error(found.exchange(token, OWN)) == "invalid_request"
        assert await found.is_signed_in()

    attack(sqlite_url, work)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"aud": "https://another.example"},
        {"sub": "somebody"},
        {"jti": "A" * 22 + "." + "B" * 22},
    ],
    ids=str,
)
def test_a_signature_of_ours_under_other_facts_is_not_enough(
    sqlite_url: str, changes: dict[str, Any]
) -> None:
    """RFC 9068, 4: issuer, time, audience, subject and grant are all looked at."""

    async def work(found: Loot) -> None:
        claims = parse(found.tokens["access"], typ="at+jwt").unverified_payload
        keys = found.world.services.keys
        true = await keys.sign(dict(claims), typ="at+jwt")
        assert await found.userinfo(true) == 200
        signed = await keys.sign({**claims, **changes}, typ="at+jwt")
        assert await found.userinfo(signed) == 401

    attack(sqlite_url, work)
