"""Whatever is asked at /authorize and /par: no fault, and no way to elsewhere."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from idp.oidc.authorization_request import REQUEST_URI
from idp.oidc.errors import ProtocolRefusal
from idp.oidc.parameters import parse_parameters
from tests.unit.idp.oidc.signed_party import FAPI, MESSAGES, SIGNING, request_object
from tests.unit.idp.oidc.world import (
    CHALLENGE,
    PARTY,
    PORTAL,
    SECRET,
    World,
    basic,
    open_world,
)

EVIL = "https://evil.example/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTIES = (PARTY, SIGNING, FAPI, MESSAGES, replace(PARTY, id="app", auth_method="none"))
NAMES = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "acr_values",
    "claims",
    "ui_locales",
    "claims_locales",
    "login_hint",
    "id_token_hint",
    "resource",
    "display",
    "registration",
    "request",
    "request_uri",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "client_secret",
    "client_assertion",
    "made_up",
]
TELLING = (
    *(party.id for party in PARTIES),
    PORTAL,
    EVIL,
    f"{PORTAL}#",
    "code",
    "code id_token",
    "query",
    "form_post",
    "jwt",
    "query.jwt",
    "form_post.jwt",
    "fragment.jwt",
    "openid profile",
    "none",
    "login consent",
    "0",
    "S256",
    "plain",
    CHALLENGE,
    REQUEST_URI,
    REQUEST_URI + "A" * 43,
    "[",
    '["https://api.example/"]',
    '{"id_token":{"acr":{"essential":true,"values":[]}}}',
    '{"userinfo":{"verified_claims":[]}}',
    "e30.e30.e30",
    "eyJhbGciOiJFUzI1NiJ9.W10.AA",
)
VALUES = st.one_of(st.sampled_from(TELLING), st.text(max_size=40))
SOUP = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=14)
quietly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Door:
    """One provider in one event loop, for many examples."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self.runner = runner
        self.world = world

    def send(self, method: str, path: str, **how: Any) -> httpx2.Response:
        self.world.browser.cookies.clear()
        answer = self.runner.run(self.world.browser.request(method, path, **how))
        assert isinstance(answer, httpx2.Response)
        return answer


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opened = open_world(f"sqlite:///{folder / 'fuzz.sqlite3'}")
        world = runner.run(stack.enter_async_context(opened))
        object.__setattr__(world.services.settings, "logins_per_prefix_a_minute", 10**9)
        for party in PARTIES[1:]:
            secret = SECRET if party.has_secret else None
            runner.run(world.add_party(party, secret))
        yield Door(runner, world)
        runner.run(stack.aclose())


def assert_goes_nowhere_else(answer: httpx2.Response) -> None:
    assert answer.status_code in {200, 303, 400, 413, 415}, answer.text
    where = answer.headers.get("location")
    if where is not None:
        parts = urlsplit(where)
        path = f"{parts.scheme}://{parts.netloc}{parts.path}"
        assert path == PORTAL or where.startswith(("/login/", "/consent/")), where
        assert not parts.fragment
    if "<form" in answer.text:
        assert f'action="{PORTAL}"' in answer.text


@given(soup=SOUP, base=st.sampled_from([*PARTIES, None]), posts=st.booleans())
@example(soup=[("request", "a.b.c")], base=SIGNING, posts=False)
@example(soup=[("request_uri", REQUEST_URI), ("state", "x")], base=PARTY, posts=True)
@example(soup=[("response_mode", "jwt"), ("scope", "x")], base=MESSAGES, posts=False)
@quietly
def test_no_soup_of_parameters_faults_or_leaves_for_an_unregistered_uri(
    door: Door, soup: list[tuple[str, str]], base: Any, posts: bool
) -> None:
    asked = door.world.authorization(client_id=base.id) if base is not None else {}
    over = dict(soup)
    pairs = [(k, v) for k, v in asked.items() if k not in over] + soup
    body = urlencode(pairs)
    if posts:
        answer = door.send("POST", "/authorize", content=body, headers=FORM)
    else:
        answer = door.send("GET", f"/authorize?{body}")
    assert_goes_nowhere_else(answer)


@given(soup=SOUP, party=st.sampled_from(PARTIES[:2]))
@quietly
def test_no_soup_of_parameters_faults_when_it_is_pushed(
    door: Door, soup: list[tuple[str, str]], party: Any
) -> None:
    over = dict(soup)
    asked = door.world.authorization(client_id=party.id)
    pairs = [(k, v) for k, v in asked.items() if k not in over] + soup
    headers = {**FORM, **basic(party.id, SECRET)}
    answer = door.send("POST", "/par", content=urlencode(pairs), headers=headers)
    assert answer.status_code in {201, 400, 401}, answer.text
    assert answer.headers["cache-control"] == "no-store"
    if answer.status_code != 201:
        assert isinstance(answer.json()["error"], str)
        return
    uri = answer.json()["request_uri"]
    query = urlencode({"client_id": party.id, "request_uri": uri})
    assert_goes_nowhere_else(door.send("GET", f"/authorize?{query}"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    claims=st.dictionaries(
        st.sampled_from(NAMES), st.sampled_from(TELLING) | JSON, max_size=8
    )
)
@example(claims={"resource": [[]]})
@example(claims={"max_age": True})
@example(claims={"redirect_uri": [PORTAL, EVIL]})
@quietly
def test_nothing_that_a_party_signs_faults_or_leaves_for_an_unregistered_uri(
    door: Door, claims: dict[str, Any]
) -> None:
    inside = request_object(door.world, SIGNING.id, **claims)
    query = urlencode({"client_id": SIGNING.id, "request": inside})
    assert_goes_nowhere_else(door.send("GET", f"/authorize?{query}"))


@given(octets=st.binary(max_size=300))
@quietly
def test_no_bytes_break_the_authorization_endpoint(door: Door, octets: bytes) -> None:
    answer = door.send("POST", "/authorize", content=octets, headers=FORM)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@given(pairs=st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), max_size=6))
@quietly
def test_what_is_read_is_what_was_written_or_refused(
    pairs: list[tuple[str, str]],
) -> None:
    names = [name for name, _ in pairs if name != "resource"]
    is_fine = len(set(names)) == len(names) and not any(
        "\x00" in name + value for name, value in pairs
    )
    try:
        found = parse_parameters(urlencode(pairs).encode())
    except ProtocolRefusal:
        assert not is_fine
        return
    assert is_fine
    plain = {name: value for name, value in pairs if value and name != "resource"}
    assert {k: v for k, v in found.items() if k != "resource"} == plain
