"""Text messages through Nomsa, the messaging service of .gov.kh.

    POST /v1/transactional/sms/send   {"body", "recipient", "label"}   Bearer …
    GET  /v1/transactional/sms/{id}   UNSENT → SENT → DELIVERED   (410: redacted)

A 2xx says that it was taken, not that it arrived: its fate is asked for.
"""

from dataclasses import dataclass
from typing import Any, Final

from idp.engines.json_wire import Answer, JsonWire, open_wire
from idp.engines.loading import code_text
from idp.errors import PhoneInvalid, Unavailable
from idp.interfaces import DeliveryReport, Sent
from idp.settings import IdpSettings

PROVIDER: Final = "nomsa"
PATH: Final = "/v1/transactional/sms"
LABEL: Final = "camdigikey"
NUMBER_REFUSED: Final = 422
FAILED: Final = frozenset({"FAILED", "UNDELIVERED", "REJECTED", "EXPIRED"})


@dataclass(frozen=True, slots=True)
class NomsaSender:
    """Sends in the name of the account that the key belongs to."""

    wire: JsonWire
    key: str

    @property
    def provider(self) -> str:
        """The name of this provider."""
        return PROVIDER

    async def send(self, *, to: str, text: str) -> Sent:
        """Send one message; raises PhoneInvalid or Unavailable."""
        body = {"body": text, "recipient": to, "label": LABEL}
        answer = await self._call("POST", f"{PATH}/send", body)
        if answer.status == NUMBER_REFUSED:
            raise PhoneInvalid(PROVIDER)
        reference = _text(answer.value, "id")
        if not answer.is_fine or not reference:
            raise Unavailable(PROVIDER)
        return Sent(PROVIDER, reference)

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Send a code in one bilingual message."""
        return await self.send(to=to, text=code_text(code, locale))

    async def status_of(self, reference: str) -> DeliveryReport:
        """Return what is known of a message; raises Unavailable."""
        answer = await self._call("GET", f"{PATH}/{reference}")
        status = _text(answer.value, "status").upper()
        if status == "DELIVERED":
            return DeliveryReport(reference, "delivered")
        return DeliveryReport(reference, "failed" if status in FAILED else "")

    async def _call(self, method: str, path: str, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.key}"}
        return await self.wire.call(method, path, body=body, headers=headers)


def create(settings: IdpSettings) -> NomsaSender:
    """Return a sender; raises ValueError while the key is not set."""
    key = settings.nomsa_key.get_secret_value()
    if not key:
        raise ValueError("IDP_NOMSA_KEY is needed")
    return NomsaSender(open_wire(settings, PROVIDER, settings.nomsa_base_url), key)


def _text(value: Any, name: str) -> str:
    """Return a member, of the answer itself or of its `data`."""
    if not isinstance(value, dict):
        return ""
    inner = value.get("data")
    found = value.get(name) or (inner.get(name) if isinstance(inner, dict) else None)
    return found if isinstance(found, str) else ""
