"""What both engines on Twilio's own library share: a quiet client, calls in threads.

A call is never repeated: a message whose answer was lost may have been sent. Neither
number nor text is logged; of a refusal only its code is.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from idp.errors import PhoneInvalid, Unavailable
from idp.settings import IdpSettings

logger = logging.getLogger(__name__)

TIMEOUT: Final = 8.0  # seconds to connect, and between two bytes of the answer
PATIENCE: Final = 15.0  # seconds for all of it: an answer may drip
AT_ONCE: Final = 16
TOO_MANY_REQUESTS: Final = 429
# The number cannot be reached by text: invalid, no permission for its region,
# unsubscribed, no route, not a mobile (Twilio's error dictionary); Verify's own two.
NUMBER_REFUSED: Final = frozenset(
    {21211, 21214, 21217, 21408, 21610, 21612, 21614, 21635, 60200, 60205}
)


async def in_thread(slots: asyncio.Semaphore, call: Callable[[], Any]) -> Any:
    """Make one call of the library; raises PhoneInvalid or Unavailable."""
    async with slots:
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.to_thread(call)
        except TwilioRestException as refusal:
            raise _translated(refusal) from None
        except (TwilioException, OSError, ValueError) as failure:
            logger.warning("twilio: %s", type(failure).__name__)
            raise Unavailable("sms") from None


def open_client(settings: IdpSettings) -> Client:
    """Return a client that logs nothing; raises ValueError without an account."""
    token = settings.twilio_auth_token.get_secret_value()
    if not (settings.twilio_account_sid and token):
        raise ValueError("IDP_TWILIO_ACCOUNT_SID and _AUTH_TOKEN are needed")
    http = TwilioHttpClient(timeout=TIMEOUT, logger=_silent())
    return Client(settings.twilio_account_sid, token, http_client=http)


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
