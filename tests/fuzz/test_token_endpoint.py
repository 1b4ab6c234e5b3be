"""Whatever is sent to the protocol's endpoints gets an answer of the protocol."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.idp.oidc.world import (
    PARTY,
    PORTAL,
    SECRET,
    VERIFIER,
    World,
    basic,
    open_world,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMES = st.sampled_from(
    [
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
        "refresh_token",
        "scope",
        "client_id",
        "client_secret",
        "token",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "authorization_code",
            "refresh_token",
            "openid",
            PORTAL,
            VERIFIER,
            PARTY.id,
            SECRET,
        ]
    ),
)
quietly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Door:
    """One provider in one event loop, for many examples."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self.runner = runner
        self.world = world

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def post(self, path: str, body: bytes, headers: dict[Any, Any]) -> httpx2.Response:
        answer = self.run(self.world.browser.post(path, content=body, headers=headers))
        assert isinstance(answer, httpx2.Response)
        return answer


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        opened = open_world(f"sqlite:///{folder / 'fuzz.sqlite3'}")
        world = runner.run(stack.enter_async_context(opened))
        yield Door(runner, world)
        runner.run(stack.aclose())


def assert_is_refusal(answer: httpx2.Response) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert isinstance(answer.json()["error"], str)
    assert "access_token" not in answer.json()
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
@given(body=st.binary(max_size=400), header=st.binary(max_size=80))
@example(body=b"a=%ed%a0%80", header=b"Basic \xff")
@example(body=b"a&&;=&=b", header=b"")
@quietly
def test_no_bytes_break_a_back_channel_endpoint(
    door: Door, path: str, body: bytes, header: bytes
) -> None:
    clean = bytes(octet for octet in header if octet not in b"\r\n\x00")
    assert_is_refusal(door.post(path, body, {**FORM, "Authorization": clean}))


@given(form=st.dictionaries(NAMES, VALUES, max_size=9))
@quietly
def test_no_form_without_a_code_of_ours_yields_a_token(
    door: Door, form: dict[str, str]
) -> None:
    encoded = httpx2.QueryParams(form).__str__().encode()
    headers = {**FORM, **basic(PARTY.id, SECRET)}
    assert_is_refusal(door.post("/token", encoded, headers))
    assert_is_refusal(door.post("/token", encoded, FORM))


@given(place=st.integers(min_value=0), octet=st.integers(1, 255))
@quietly
def test_no_altered_code_is_ours(door: Door, place: int, octet: int) -> None:
    code = door.run(door.world.code(prompt="login"))
    at = place % len(code)
    letter = chr((ord(code[at]) + octet) % 256)
    altered = code[:at] + letter + code[at + 1 :]
    assert_is_refusal(door.run(door.world.exchange(altered)))


@given(token=st.text(max_size=200))
@quietly
def test_no_text_is_an_access_token(door: Door, token: str) -> None:
    clean = "".join(letter for letter in token if letter not in "\r\n\x00")
    headers = {"Authorization": f"Bearer {clean}".encode()}
    answer = door.run(door.world.browser.get("/userinfo", headers=headers))
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/authorize", "/logout", "/authorize/resume"])
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "client_id",
                "redirect_uri",
                "response_type",
                "scope",
                "state",
                "nonce",
                "prompt",
                "max_age",
                "acr_values",
                "id_token_hint",
                "ui_locales",
                "confirm",
                "post_logout_redirect_uri",
                "interaction",
            ]
        ),
        st.text(max_size=30),
    ),
    is_known=st.booleans(),
)
@quietly
def test_no_query_breaks_a_front_channel_endpoint_or_leaves_for_elsewhere(
    door: Door, path: str, query: dict[str, str], is_known: bool
) -> None:
    asked = {**door.world.authorization(), **query} if is_known else query
    answer = door.run(door.world.browser.get(path, params=asked))
    assert answer.status_code in {200, 303, 400}
    where = answer.headers.get("location", PORTAL)
    assert where.startswith((PORTAL, "/login/"))
