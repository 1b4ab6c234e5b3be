"""One-time codes on their way: where they may go, what they may cost, what came of it.

    the country is served → the prefix has budget → a provider takes it → noted

The code itself is one_time_codes.py's; here it is only carried, and never logged.
"""

import asyncio
import logging
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import phonenumbers

from idp.domain.message_spending import HOUR, Spending
from idp.domain.message_texts import email_of_code
from idp.domain.sent_messages import SentKind, SentMessages, prefix_of
from idp.errors import Exhausted, PhoneInvalid
from idp.interfaces import CodeSender, EmailSender, Sent, SmsSender
from idp.storage.store import Store
from idp.translations import translate

logger = logging.getLogger(__name__)

EVERYWHERE: Final = "*"


@dataclass(frozen=True, slots=True)
class TextCodes:
    """Brings codes by a sender that only knows texts."""

    sms: SmsSender

    async def send_code(self, *, to: str, code: str, locale: str) -> Sent:
        """Send the code in one bilingual text message."""
        return await self.sms.send(to=to, text=translate("sms.code", locale, code=code))


@dataclass(frozen=True, slots=True)
class CodeDelivery:
    """Brings codes to numbers and addresses. `countries` are ISO 3166 codes."""

    store: Store
    codes_by: CodeSender
    email: EmailSender
    sent: SentMessages
    spending: Spending
    countries: AbstractSet[str]
    per_prefix_an_hour: int
    validity: timedelta
    under_way: set[asyncio.Task[None]] = field(default_factory=set, compare=False)

    def require_served(self, phone: str) -> None:
        """Raise PhoneInvalid for a number of a country that is not served. Pure."""
        number = phonenumbers.parse(phone)
        country = phonenumbers.region_code_for_number(number)
        if EVERYWHERE not in self.countries and country not in self.countries:
            raise PhoneInvalid("a country that is not served")

    async def by_text(self, *, owner: str, to: str, code: str, locale: str) -> None:
        """Bring a code to a number (E.164), after the commit that issued it.

        Raises PhoneInvalid, Exhausted (the prefix's budget is spent), Unavailable.
        """
        self.require_served(to)
        prefix = prefix_of(to)
        await self._spend(prefix)
        sent = await self.codes_by.send_code(to=to, code=code, locale=locale)
        await self._note(sent, owner=owner, prefix=prefix)

    def by_text_apart(self, *, owner: str, to: str, code: str, locale: str) -> None:
        """Bring a code beside the answer, for which nothing is to be told by time.

        A failure is logged, without a word about whose it was.
        """
        task = asyncio.create_task(
            self._quietly(owner=owner, to=to, code=code, locale=locale)
        )
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def by_email(self, *, owner: str, to: str, code: str, locale: str) -> None:
        """Bring a code to an address; raises EmailInvalid or Unavailable."""
        minutes = max(1, int(self.validity.total_seconds() // 60))
        subject, text, html = email_of_code(code, locale, minutes=minutes)
        sent = await self.email.send(to=to, subject=subject, text=text, html=html)
        await self._note(sent, owner=owner, prefix="")

    async def _quietly(self, *, owner: str, to: str, code: str, locale: str) -> None:
        try:
            await self.by_text(owner=owner, to=to, code=code, locale=locale)
        except Exception as failure:  # noqa: BLE001 - its text may hold a number
            logger.warning("a code was not sent: %s", type(failure).__name__)

    async def _spend(self, prefix: str) -> None:
        async with self.store.begin() as tx:
            is_within = await self.spending.spend(
                tx,
                f"prefix:{prefix}",
                cost=1,
                limit=self.per_prefix_an_hour,
                window=HOUR,
            )
            if not is_within:
                raise Exhausted("codes to a prefix", retry_after=600)

    async def _note(self, sent: Sent, *, owner: str, prefix: str) -> None:
        async with self.store.begin() as tx:
            await self.sent.note(
                tx, sent, kind=SentKind.CODE, owner=owner, prefix=prefix
            )
