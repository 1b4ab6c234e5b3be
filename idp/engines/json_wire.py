"""One call to a message provider: JSON over HTTPS, little time, few octets, no log.

Neither addresses (a key may stand in them) nor bodies are ever logged; of a refusal
only its status is. Nothing is repeated here: whether a message is sent again, and by
whom, is the router's business.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import orjson

from idp.engines.loading import EngineRefused
from idp.errors import Unavailable
from idp.settings import IdpSettings

logger = logging.getLogger(__name__)

CONNECT, TOTAL = 3.0, 8.0  # seconds
LIMIT: Final = 64 * 1024  # octets of an answer
AT_ONCE: Final = 32
BUSY: Final = 429
NO_FIELDS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `value` is the JSON, or None when it is none."""

    status: int
    value: Any

    @property
    def is_fine(self) -> bool:
        """Whether the provider took it."""
        return 200 <= self.status < 300  # noqa: PLR2004 - RFC 9110, 15.3


@dataclass(frozen=True, slots=True)
class JsonWire:
    """Calls one provider. `total` is in seconds, for all of a call."""

    provider: str
    base_url: str
    total: float = TOTAL
    at_once: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(AT_ONCE)
    )

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] = NO_FIELDS,
        query: Mapping[str, str] = NO_FIELDS,
    ) -> Answer:
        """Return the answer of a call; raises Unavailable for 429, 5xx and silence."""
        try:
            async with asyncio.timeout(self.total), self.at_once:
                status, raw = await self._exchange(method, path, body, headers, query)
        except (httpx2.HTTPError, httpx2.StreamError, OSError, ValueError) as failure:
            # The texts of these failures may quote the address: they stay here.
            logger.warning("%s: %s", self.provider, type(failure).__name__)
            raise Unavailable(self.provider) from None
        if status == BUSY or status >= 500:  # noqa: PLR2004 - RFC 9110, 15.6
            logger.warning("%s: status %s", self.provider, status)
            raise Unavailable(self.provider, retry_after=30 if status == BUSY else 5)
        return Answer(status, _json(raw))

    async def _exchange(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        query: Mapping[str, str],
    ) -> tuple[int, bytes]:
        client = httpx2.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(self.total, connect=min(CONNECT, self.total)),
        )
        content = None if body is None else orjson.dumps(body)
        sent = {"Content-Type": "application/json"} if content else {}
        request = client.build_request(
            method,
            self.base_url + path,
            params=dict(query) or None,
            headers={"Accept": "application/json", **sent, **headers},
            content=content,
        )
        async with client:
            answer = await client.send(request, stream=True)
            try:
                return answer.status_code, await _read(answer)
            finally:
                await answer.aclose()


def open_wire(settings: IdpSettings, provider: str, base_url: str) -> JsonWire:
    """Return the way to a provider; raises EngineRefused for one without TLS."""
    if settings.environment != "development" and not base_url.startswith("https://"):
        raise EngineRefused(f"{provider}: production speaks https only")
    # The libraries' own logs name whole addresses at INFO.
    for name in ("httpx2", "httpcore2", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return JsonWire(provider, base_url.rstrip("/"))


async def _read(answer: httpx2.Response) -> bytes:
    chunks = bytearray()
    async for chunk in answer.aiter_bytes():
        chunks += chunk
        if len(chunks) > LIMIT:
            raise ValueError("too long")
    return bytes(chunks)


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
