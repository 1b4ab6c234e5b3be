"""The only door to the network: bounded in size and time, never redirected."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
import httpx2

from sdk_web.errors import Misconfigured, ProviderUnavailable, UnexpectedAnswer

MAX_BYTES = 256 * 1024
DEADLINE_SECONDS = 10.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status, headers (names in lower case) and JSON."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json_object(self) -> dict[str, object]:
        """Return the JSON object in the body.

        Raises:
            UnexpectedAnswer: the body is not a JSON object declared as JSON.

        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise UnexpectedAnswer(f"expected JSON, got {kind or 'no content type'}")
        try:
            value = json.loads(self.content, object_pairs_hook=_no_duplicates)
        except (ValueError, RecursionError) as error:
            raise UnexpectedAnswer("the provider's answer is not JSON") from error
        if not isinstance(value, dict):
            raise UnexpectedAnswer("the provider's answer is not a JSON object")
        return value


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member is repeated")
    return value


def require_secure(url: object, *, what: str) -> str:
    """Return `url` when it is https, or http on this very machine.

    Raises:
        Misconfigured: anything else (OIDC Discovery 1.0, 7.1; RFC 8252, 8.3).

    """
    try:
        parts = httpx2.URL(url if isinstance(url, str) else "")
    except httpx2.InvalidURL as error:
        raise Misconfigured(f"{what} is not an address") from error
    local = parts.scheme == "http" and parts.host in LOOPBACK
    if not parts.host or parts.userinfo or parts.fragment:
        raise Misconfigured(f"{what} is not a plain absolute address")
    if parts.scheme != "https" and not local:
        raise Misconfigured(f"{what} must be https")
    return str(url)


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Sends one request at a time through `http`, in at most `deadline` seconds."""

    http: httpx2.AsyncClient
    deadline: float = DEADLINE_SECONDS

    async def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET `url`, or POST `form` to it, and read the whole answer.

        At most 256 KiB; redirects and compressed bodies are refused, for nothing
        a provider says needs them.

        Raises:
            ProviderUnavailable: no answer in time, or a server error.
            UnexpectedAnswer: a redirect, or a body that is too large.

        """
        asked = {"Accept": "application/json", "Accept-Encoding": "identity"}
        asked.update(headers or {})
        method = "GET" if form is None else "POST"
        request = self.http.build_request(method, url, headers=asked, data=form)
        try:
            with anyio.fail_after(self.deadline):
                return await _send(self.http, request)
        except TimeoutError as error:
            raise ProviderUnavailable("the provider did not answer in time") from error
        except httpx2.HTTPError as error:
            raise ProviderUnavailable(type(error).__name__) from error


async def _send(http: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    response = await http.send(request, stream=True, follow_redirects=False)
    try:
        not_modified = response.status_code == httpx2.codes.NOT_MODIFIED
        if response.is_redirect and not not_modified:
            raise UnexpectedAnswer("the provider answered with a redirect")
        if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            raise ProviderUnavailable(f"the provider answered {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UnexpectedAnswer("the provider's answer is compressed")
        content = await _read(response)
    finally:
        await response.aclose()
    return Answer(response.status_code, dict(response.headers), content)


async def _read(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > MAX_BYTES:
            raise UnexpectedAnswer("the provider's answer is too large")
    return bytes(content)
