"""One-time codes through the Telegram Gateway: a message of Telegram's own, our code.

    checkSendAbility {phone_number}                    → request_id    (billed)
    sendVerificationMessage {…, request_id, code, ttl} → request_id    (free after it)

Telegram says at once when a number has no account there, and nothing was spent: the
router goes on. An undelivered message is paid back after its ttl. A report is signed:
HMAC-SHA-256 over `X-Request-Timestamp`, a line feed and the body, under the SHA-256 of
the token (core.telegram.org/gateway/api, "Checking report integrity").
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from idp.engines.json_wire import JsonWire, open_wire
from idp.engines.loading import reports_address
from idp.errors import Malformed, PhoneInvalid, ProofInvalid, Unavailable
from idp.interfaces import DeliveryReport, ReceivedReport, Sent
from idp.settings import IdpSettings

PROVIDER: Final = "telegram"
LEAST_TTL, MOST_TTL = 30, 3600  # seconds
FRESH: Final = 300.0  # seconds that a report may be old
# The number has no Telegram, or cannot be written to; nothing is spent.
NUMBER_REFUSED: Final = frozenset(
    {"PHONE_NUMBER_INVALID", "PHONE_NUMBER_NOT_FOUND", "PHONE_NUMBER_NOT_AVAILABLE"}
)
DELIVERED: Final = frozenset({"delivered", "read"})
FAILED: Final = frozenset({"expired", "revoked"})


@dataclass(frozen=True, slots=True)
class TelegramCodes:
    """Brings codes. `ttl` is in seconds; `sender` a verified channel, or empty."""

    wire: JsonWire
    token: str
    sender: str
    ttl: int
    reports_at: str

    @property
    def provider(self) -> str:
        """The name of this provider."""
        return PROVIDER

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Bring a code; raises PhoneInvalid (no Telegram there) or Unavailable."""
        del locale  # Telegram writes in the language of the app
        able = await self._call("checkSendAbility", {"phone_number": to})
        request_id = _request_id(able)
        body: dict[str, Any] = {"phone_number": to, "request_id": request_id}
        body |= {"code": code, "ttl": self.ttl}
        if self.sender:
            body["sender_username"] = self.sender
        if self.reports_at:
            body["callback_url"] = self.reports_at
        return Sent(
            PROVIDER, _request_id(await self._call("sendVerificationMessage", body))
        )

    async def status_of(self, reference: str) -> DeliveryReport:
        """Return what is known of a message; raises Unavailable."""
        found = await self._call("checkVerificationStatus", {"request_id": reference})
        return DeliveryReport(reference, _state(found))

    async def revoke(self, reference: str) -> None:
        """Take back a message that was not delivered yet; raises Unavailable."""
        await self._call("revokeVerificationMessage", {"request_id": reference})

    def read_report(self, report: ReceivedReport) -> DeliveryReport:
        """Return what is reported; raises ProofInvalid or Malformed."""
        at = report.headers.get("x-request-timestamp", "")
        signature = report.headers.get("x-request-signature", "")
        expected = report_signature(self.token, timestamp=at, body=report.body)
        if not hmac.compare_digest(signature.lower().encode(), expected.encode()):
            raise ProofInvalid("telegram report")
        is_number = at.isascii() and at.isdigit()
        if not is_number or abs(report.now - int(at)) > FRESH:
            raise ProofInvalid("telegram report: old")
        try:
            value = orjson.loads(report.body)
        except orjson.JSONDecodeError:
            raise Malformed("telegram report") from None
        if not isinstance(value, dict) or not value.get("request_id"):
            raise Malformed("telegram report")
        return DeliveryReport(str(value["request_id"]), _state(value))

    async def _call(self, method: str, body: dict[str, Any]) -> Any:
        answer = await self.wire.call(
            "POST",
            f"/{method}",
            body=body,
            headers={"Authorization": f"Bearer {self.token}"},
        )
        value = answer.value
        if not isinstance(value, dict) or "ok" not in value:
            raise Unavailable(PROVIDER)
        if value["ok"] is True:
            return value.get("result")
        if str(value.get("error", "")) in NUMBER_REFUSED:
            raise PhoneInvalid(PROVIDER)
        raise Unavailable(PROVIDER)


def report_signature(token: str, *, timestamp: str, body: bytes) -> str:
    """Return the signature that a report must carry (lower-case hex)."""
    key = sha256(token.encode()).digest()
    return hmac.digest(key, timestamp.encode() + b"\n" + body, "sha256").hex()


def create(settings: IdpSettings) -> TelegramCodes:
    """Return a sender; raises ValueError while the token is not set."""
    token = settings.telegram_gateway_token.get_secret_value()
    if not token:
        raise ValueError("IDP_TELEGRAM_GATEWAY_TOKEN is needed")
    ttl = int(settings.code_validity.total_seconds())
    return TelegramCodes(
        open_wire(settings, PROVIDER, settings.telegram_gateway_base_url),
        token,
        settings.telegram_gateway_sender,
        min(max(ttl, LEAST_TTL), MOST_TTL),
        reports_address(settings, PROVIDER),
    )


def _request_id(result: Any) -> str:
    """Return the request's identifier; raises Unavailable when there is none."""
    found = result.get("request_id") if isinstance(result, dict) else None
    if not isinstance(found, str) or not found:
        raise Unavailable(PROVIDER)
    return found


def _state(result: Any) -> Any:
    """Return `delivered`, `failed` or nothing, from a RequestStatus."""
    told = result.get("delivery_status") if isinstance(result, dict) else None
    status = str(told.get("status", "")) if isinstance(told, dict) else ""
    if status in DELIVERED:
        return "delivered"
    return "failed" if status in FAILED else ""
