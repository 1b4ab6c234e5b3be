"""One-time codes through Twilio Verify, with codes of our own (`CustomCode`).

One POST to `/v2/Services/{VA…}/Verifications`; Twilio picks sender and wording for the
country, and watches for traffic nobody reads. The code is checked here, so Twilio is
told when it was used: a verification that nobody approves counts against the route.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from idp.engines.twilio_calls import AT_ONCE, in_thread, open_client
from idp.interfaces import DeliveryReport, Sent
from idp.settings import IdpSettings

PROVIDER: Final = "twilio-verify"
SPOKEN: Final = {"km": "en", "en": "en"}  # Verify has no Khmer template of its own


@dataclass(frozen=True, slots=True)
class TwilioVerifyCodes:
    """Brings codes by one Verify service."""

    service: Any
    slots: asyncio.Semaphore

    @property
    def provider(self) -> str:
        """The name of this provider."""
        return PROVIDER

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Bring a code; raises PhoneInvalid or Unavailable."""
        call = partial(
            self.service.verifications.create,
            to=to,
            channel="sms",
            custom_code=code,
            locale=SPOKEN.get(locale, "en"),
        )
        made = await in_thread(self.slots, call)
        return Sent(PROVIDER, str(made.sid or ""))

    async def status_of(self, reference: str) -> DeliveryReport:
        """Return what is known: approved means that it arrived. Raises Unavailable."""
        call = partial(self.service.verifications(reference).fetch)
        found = await in_thread(self.slots, call)
        is_approved = found.status == "approved"
        return DeliveryReport(reference, "delivered" if is_approved else "")

    async def code_used(self, reference: str) -> None:
        """Tell Twilio that the code was typed; raises Unavailable."""
        verification = self.service.verifications(reference)
        await in_thread(self.slots, partial(verification.update, status="approved"))


def create(settings: IdpSettings) -> TwilioVerifyCodes:
    """Return a sender; raises ValueError while the service is not set."""
    if not settings.twilio_verify_service.startswith("VA"):
        raise ValueError("IDP_TWILIO_VERIFY_SERVICE is needed: VA…")
    client = open_client(settings)
    client.verify.base_url = settings.twilio_verify_base_url
    service = client.verify.v2.services(settings.twilio_verify_service)
    return TwilioVerifyCodes(service, asyncio.Semaphore(AT_ONCE))
