"""Text messages through Twilio's Messages API, by Twilio's own library.

One POST to `/2010-04-01/Accounts/{sid}/Messages.json`. Delivery reports come to the
`StatusCallback`, signed with the account's token (Twilio, "Webhooks security").
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs

from twilio.request_validator import RequestValidator

from idp.engines.loading import code_text, reports_address
from idp.engines.twilio_calls import AT_ONCE, in_thread, open_client
from idp.errors import Malformed, ProofInvalid
from idp.interfaces import DeliveryReport, ReceivedReport, Sent
from idp.settings import IdpSettings

PROVIDER: Final = "twilio"
DELIVERED: Final = frozenset({"delivered", "read"})
FAILED: Final = frozenset({"undelivered", "failed", "canceled"})
MOST_FIELDS: Final = 60


@dataclass(frozen=True, slots=True)
class TwilioSmsSender:
    """Sends from a number, an alphanumeric sender or a messaging service (MG…).

    `sender` holds what each message carries beside recipient and text.
    """

    client: Any
    sender: dict[str, str]
    slots: asyncio.Semaphore
    token: str

    @property
    def provider(self) -> str:
        """The name of this provider."""
        return PROVIDER

    async def send(self, *, to: str, text: str) -> Sent:
        """Send one message; raises PhoneInvalid or Unavailable."""
        call = partial(self.client.messages.create, to=to, body=text, **self.sender)
        made = await in_thread(self.slots, call)
        return Sent(PROVIDER, str(made.sid or ""))

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Send a code in one bilingual message."""
        return await self.send(to=to, text=code_text(code, locale))

    def read_report(self, report: ReceivedReport) -> DeliveryReport:
        """Return what is reported; raises ProofInvalid or Malformed."""
        try:
            form = parse_qs(
                report.body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS
            )
        except ValueError:
            raise Malformed("twilio report") from None
        params = {name: values[0] for name, values in form.items()}
        signature = report.headers.get("x-twilio-signature", "")
        if not RequestValidator(self.token).validate(report.url, params, signature):
            raise ProofInvalid("twilio report")
        reference = params.get("MessageSid", "")
        if not reference:
            raise Malformed("twilio report")
        status = params.get("MessageStatus", "")
        if status in DELIVERED:
            return DeliveryReport(reference, "delivered")
        return DeliveryReport(reference, "failed" if status in FAILED else "")


def create(settings: IdpSettings) -> TwilioSmsSender:
    """Return a sender; raises ValueError while the account is not set."""
    token = settings.twilio_auth_token.get_secret_value()
    if not (settings.twilio_account_sid and token and settings.twilio_sender):
        raise ValueError("IDP_TWILIO_ACCOUNT_SID, _AUTH_TOKEN and _SENDER are needed")
    client = open_client(settings)
    client.api.base_url = settings.twilio_base_url
    is_service = settings.twilio_sender.startswith("MG")
    name = "messaging_service_sid" if is_service else "from_"
    sender = {name: settings.twilio_sender}
    reports_at = reports_address(settings, PROVIDER)
    if reports_at:
        sender["status_callback"] = reports_at
    return TwilioSmsSender(client, sender, asyncio.Semaphore(AT_ONCE), token)
