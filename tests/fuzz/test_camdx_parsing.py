"""Whatever arrives, the bridge reads it, or refuses it with an error of its own."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from camdx_bridge import (
    BridgeClient,
    BridgeError,
    CanonicalRequest,
    CanonicalResponse,
    ClientId,
    IdentifierInvalid,
    MessageInvalid,
    NationalIdClient,
    Request,
    Response,
    SecurityServerId,
    ServiceId,
    Verification,
)
from camdx_bridge.errors import fault_of
from camdx_bridge.simulator import CLIENT, SERVICE
from tests.unit.camdx_bridge.bridge_world import SREYPOV

PRINTED = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
PART = st.text(PRINTED | st.sampled_from("/%.+ "), min_size=1, max_size=20).filter(
    lambda p: p not in {".", ".."}
)
TOKEN = st.text("abcXYZ019-_", min_size=1, max_size=12).map(lambda name: f"X-T-{name}")
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
HEADERS = st.lists(st.tuples(TOKEN, LINE), max_size=5).map(tuple)
KINDS = (ClientId, ServiceId, SecurityServerId)


@given(st.lists(PART, min_size=3, max_size=5))
def test_an_identifier_survives_being_written_and_read(parts: list[str]) -> None:
    kinds: dict[int, list[Callable[..., Any]]] = {
        3: [ClientId],
        4: [ClientId, SecurityServerId],
        5: [ServiceId],
    }
    for kind in kinds[len(parts)]:
        written = str(kind(*parts))
        assert kind.parse(written) == kind(*parts)  # type: ignore[attr-defined]
        assert written.isascii()
        assert written.count("/") == len(parts) - 1


@given(st.text(max_size=60) | st.text("AB/%2F.\x00é", max_size=30))
def test_any_text_is_an_identifier_or_is_refused_as_one(text: str) -> None:
    for kind in KINDS:
        try:
            found = kind.parse(text)
        except IdentifierInvalid:
            continue
        assert kind.parse(str(found)) == found


@given(st.sampled_from(["GET", "POST", "PUT"]), LINE, HEADERS)
def test_a_canonical_request_survives_being_written_and_read(
    method: str, target: str, headers: tuple[tuple[str, str], ...]
) -> None:
    message = CanonicalRequest(method, f"/{target}", headers)
    assert CanonicalRequest.parse(bytes(message)) == message


@given(st.integers(100, 599), LINE, HEADERS)
def test_a_canonical_response_survives_being_written_and_read(
    status: int, reason: str, headers: tuple[tuple[str, str], ...]
) -> None:
    message = CanonicalResponse(status, reason, headers)
    assert CanonicalResponse.parse(bytes(message)) == message


@given(
    st.binary(max_size=80)
    | st.lists(st.sampled_from([b"GET", b"/a", b"200", b"\r\n", b":", b"a:b", b"Host"]))
    .map(b"".join)
)  # fmt: skip
def test_any_bytes_are_a_canonical_message_or_are_refused_as_one(data: bytes) -> None:
    for kind in (CanonicalRequest, CanonicalResponse):
        try:
            found = kind.parse(data)
        except MessageInvalid:
            continue
        assert bytes(found) == data


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_a_request_that_is_made_holds_no_line_of_somebody_elses(
    value: str, path: str, query: str
) -> None:
    try:
        request = Request(
            client=CLIENT,
            service=SERVICE,
            message_id=value,
            path=path,
            query=query,
            headers=(("X-Test", value),),
        )
    except MessageInvalid:
        return
    written = request.target + "".join(name + v for name, v in request.all_headers)
    assert written.isascii()
    assert written.isprintable()


@given(st.text(max_size=60))
def test_any_fault_code_becomes_an_error_that_names_who_failed(code: str) -> None:
    error = fault_of(code=code, message_id=None)
    assert error.party
    assert error.is_temporary in {True, False}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "data", "score", "x"]), inner
        )
    ),
    max_leaves=8,
)
NEARLY_RIGHT = st.fixed_dictionaries(
    {
        "error": st.sampled_from([0, 0, 1, False, "0", None]),
        "message": st.sampled_from(["OK", "OK", None]),
        "data": st.fixed_dictionaries(
            {
                "idNumber": st.sampled_from(["012345678", "012345678", "0", 12345678]),
                "score": st.sampled_from([0, 1, 0.5, 1.5, -1, True, "1", None, 1e999]),
                "incorrectFields": st.sampled_from(
                    [[], ["dob"], ["dob", "dob"], ["x"], [1], "dob", None, {"dob": 1}]
                ),
            }
        ),
    }
)
BODY = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | NEARLY_RIGHT.map(lambda value: json.dumps(value).encode())
)


class Canned:
    """A transport with one answer, which belongs to whatever was asked."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    async def send(self, request: Request) -> Response:
        own = {"X-Road-Id": request.message_id, "Content-Type": "application/json"}
        return Response(self.status, tuple({**own, **self.headers}.items()), self.body)


async def no_pause(_: float) -> None:
    """Wait not at all."""


@settings(deadline=None)
@given(
    st.sampled_from([200, 200, 200, 204, 302, 404, 500]),
    st.dictionaries(
        st.sampled_from(
            [
                "X-Road-Id",
                "X-Road-Error",
                "X-Road-Service",
                "X-Road-Request-Id",
                "X-Road-Request-Hash",
                "Content-Type",
            ]
        ),
        st.sampled_from(["", "application/json", "Server.ServerProxy.X", "a/b/c/d/e"]),
        max_size=2,
    ),
    BODY,
)
def test_any_answer_is_a_verification_or_a_bridge_error(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    async def ask() -> Verification:
        bridge = BridgeClient(
            transport=Canned(status, headers, body), client=CLIENT, sleep=no_pause
        )
        return await NationalIdClient(bridge, SERVICE).verify(**SREYPOV)

    try:
        said = asyncio.run(ask())
    except BridgeError:
        return
    assert status == 200
    assert 0 <= said.score <= 1
    assert said.incorrect_fields <= SREYPOV.keys()
