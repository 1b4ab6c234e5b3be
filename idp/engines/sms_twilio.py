"""Text messages through Twilio's Messages API, by Twilio's own library.

One POST to `/2010-04-01/Accounts/{sid}/Messages.json`, in a thread, never repeated: a
message whose answer was lost may have been sent, and the person can ask for another.
Neither the number nor the text is logged; of a refusal only its code is.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from idp.errors import PhoneInvalid, Unavailable
from idp.interfaces import Sent
from idp.settings import IdpSettings

logger = logging.getLogger(__name__)

PROVIDER = "twilio"
TIMEOUT = 8.0  # seconds to connect, and between two bytes of the answer
PATIENCE = 15.0  # seconds for all of it: an answer may drip
AT_ONCE = 16
TOO_MANY_REQUESTS = 429
# The number cannot be reached by text: invalid, no permission for its region,
# unsubscribed, no route, not a mobile (Twilio's error dictionary).
NUMBER_REFUSED = frozenset({21211, 21214, 21217, 21408, 21610, 21612, 21614, 21635})


@dataclass(frozen=True, slots=True)
class TwilioSmsSender:
    """Sends from a number, an alphanumeric sender or a messaging service (MG…)."""

    client: Any
    sender: dict[str, str]
    slots: asyncio.Semaphore

    async def send(self, *, to: str, text: str) -> Sent:
        """Send one message; raises PhoneInvalid or Unavailable."""
        async with self.slots:
            try:
                async with asyncio.timeout(PATIENCE):
                    made = await asyncio.to_thread(
                        self.client.messages.create, to=to, body=text, **self.sender
                    )
            except TwilioRestException as refusal:
                raise _translated(refusal) from None
            except (TwilioException, OSError, ValueError) as failure:
                logger.warning("twilio: %s", type(failure).__name__)
                raise Unavailable("sms") from None
            return Sent(PROVIDER, str(made.sid or ""))


def create(settings: IdpSettings) -> TwilioSmsSender:
    """Return a sender; raises ValueError while the account is not set."""
    token = settings.twilio_auth_token.get_secret_value()
    if not (settings.twilio_account_sid and token and settings.twilio_sender):
        raise ValueError("IDP_TWILIO_ACCOUNT_SID, _AUTH_TOKEN and _SENDER are needed")
    http = TwilioHttpClient(timeout=TIMEOUT, logger=_silent())
    client = Client(settings.twilio_account_sid, token, http_client=http)
    client.api.base_url = settings.twilio_base_url
    is_service = settings.twilio_sender.startswith("MG")
    name = "messaging_service_sid" if is_service else "from_"
    return TwilioSmsSender(
        client, {name: settings.twilio_sender}, asyncio.Semaphore(AT_ONCE)
    )


def _translated(refusal: TwilioRestException) -> PhoneInvalid | Unavailable:
    logger.warning("twilio: status %s, code %s", refusal.status, refusal.code)
    if refusal.code in NUMBER_REFUSED:
        return PhoneInvalid(f"twilio {refusal.code}")
    is_busy = refusal.status == TOO_MANY_REQUESTS
    return Unavailable("sms", retry_after=30 if is_busy else 5)


def _silent() -> logging.Logger:
    """Return a logger that says nothing: the library logs bodies, codes included."""
    quiet = logging.Logger("twilio", logging.CRITICAL)  # noqa: LOG001 - apart on purpose
    quiet.addHandler(logging.NullHandler())
    return quiet
