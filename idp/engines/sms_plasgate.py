"""Text messages through PlasGate, a gateway in Cambodia.

    POST /rest/send?private_key=…   X-Secret: …
         {"sender", "to": "85512345678", "content", "dlr": "yes", "dlr_url"}

A code stands between `#ma#` marks, so that the gateway's own reports hide it. Delivery
reports come by GET with `id`, `message_status` and `err` (SMPP 3.4, appendix B) and are
not signed: the address that we give for them holds a key made of the account's secret.
"""

import hmac
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from idp.engines.json_wire import Answer, JsonWire, open_wire
from idp.engines.loading import code_text, reports_address
from idp.errors import Malformed, PhoneInvalid, ProofInvalid, Unavailable
from idp.interfaces import DeliveryReport, ReceivedReport, Sent
from idp.settings import IdpSettings

PROVIDER: Final = "plasgate"
PATH: Final = "/rest/send"
TAKEN: Final = "ACK/Jasmin"  # the gateway repeats a report without this answer
REFERENCE: Final = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII
)
FIELDS: Final = ("message_id", "queue_id", "id", "data", "message_ids")
FAILED: Final = frozenset({"UNDELIV", "EXPIRED", "REJECTD", "DELETED"})
NO_ERROR: Final = frozenset({"", "0", "000"})
BAD_REQUEST: Final = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class PlasgateSender:
    """Sends in the name of `sender`; `reports_at` is empty when none are wanted."""

    wire: JsonWire
    private_key: str
    secret: str
    sender: str
    reports_at: str

    @property
    def provider(self) -> str:
        """The name of this provider."""
        return PROVIDER

    async def send(self, *, to: str, text: str) -> Sent:
        """Send one message; raises PhoneInvalid or Unavailable."""
        body = {"sender": self.sender, "to": to.removeprefix("+"), "content": text}
        if self.reports_at:
            body |= {"dlr": "yes", "dlr_url": self.reports_at}
        answer = await self.wire.call(
            "POST",
            PATH,
            body=body,
            headers={"X-Secret": self.secret},
            query={"private_key": self.private_key},
        )
        if answer.status in BAD_REQUEST and _blames_number(answer.value):
            raise PhoneInvalid("plasgate")
        reference = _reference(answer)
        if not reference:
            raise Unavailable(PROVIDER)
        return Sent(PROVIDER, reference)

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Send a code, hidden from the gateway's reports."""
        return await self.send(to=to, text=code_text(f"#ma#{code}#ma#", locale))

    def read_report(self, report: ReceivedReport) -> DeliveryReport:
        """Return what is reported; raises ProofInvalid or Malformed."""
        key = report.query.get("key", "")
        if not hmac.compare_digest(key.encode(), report_key(self.secret).encode()):
            raise ProofInvalid("plasgate report")
        reference = report.query.get("id", "")
        if not reference:
            raise Malformed("plasgate report")
        status = report.query.get("message_status", "").upper()
        if status == "DELIVRD":
            return DeliveryReport(reference, "delivered", TAKEN)
        is_failure = report.query.get("err", "") not in NO_ERROR or status in FAILED
        return DeliveryReport(reference, "failed" if is_failure else "", TAKEN)


def report_key(secret: str) -> str:
    """Return what stands in the address of reports; it does not tell the secret."""
    return hmac.digest(secret.encode(), b"camdigikey plasgate reports", "sha256").hex()


def create(settings: IdpSettings) -> PlasgateSender:
    """Return a sender; raises ValueError while the account is not set."""
    private_key = settings.plasgate_private_key.get_secret_value()
    secret = settings.plasgate_secret.get_secret_value()
    if not (private_key and secret and settings.plasgate_sender):
        raise ValueError("IDP_PLASGATE_PRIVATE_KEY, _SECRET and _SENDER are needed")
    reports_at = reports_address(settings, PROVIDER)
    return PlasgateSender(
        open_wire(settings, PROVIDER, settings.plasgate_base_url),
        private_key,
        secret,
        settings.plasgate_sender,
        f"{reports_at}?key={report_key(secret)}" if reports_at else "",
    )


def _reference(answer: Answer) -> str:
    """Return the message's identifier, or nothing when it was not taken."""
    if not answer.is_fine or not isinstance(answer.value, dict):
        return ""
    for name in FIELDS:
        said = answer.value.get(name)
        found = REFERENCE.search(orjson.dumps(said).decode()) if said else None
        if found:
            return found[0]
    return ""


def _blames_number(value: Any) -> bool:
    """Say whether a refusal names the recipient."""
    if not isinstance(value, dict):
        return False
    said = orjson.dumps(value).lower()
    return b'"to"' in said or b"destination" in said
