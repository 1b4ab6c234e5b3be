"""Delivers the outbox: any node, until it is taken, refused, or a day has passed.

    claim → open → send → taken                    done, its reference noted
                        → the address is no good   refused
                        → anything else            later, for a day; then given up

A node that dies between the sending and the record leaves a row that is sent again:
a notice that comes twice harms nobody. Numbers, addresses and texts are never logged.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from idp.domain.outbox import Letter, MessageChannel, Outbox, OutboxState, Posting
from idp.domain.sent_messages import SentKind, SentMessages, prefix_of
from idp.errors import EmailInvalid, PhoneInvalid, Unavailable
from idp.interfaces import EmailSender, Sent, SmsSender
from idp.storage.encryption import SealBroken
from idp.storage.store import Store

logger = logging.getLogger(__name__)

POLL: Final = 1.0  # seconds between two looks
AFTER_FAILURE: Final = 5.0  # seconds
PATIENCE: Final = 60.0  # seconds for one sending; shorter than a lease


@dataclass(frozen=True, slots=True)
class Courier:
    """Takes what is due to its people."""

    store: Store
    outbox: Outbox
    sent: SentMessages
    sms: SmsSender
    email: EmailSender

    async def deliver_forever(self) -> None:
        """Deliver what is due, every second, until cancelled."""
        while True:
            try:
                await self.deliver_due()
                await asyncio.sleep(POLL)
            except Exception as failure:  # noqa: BLE001 - see below
                # Never the end of delivering. The text of the failure may hold a
                # number, so its kind is all that is said.
                logger.error("messages: %s", type(failure).__name__)  # noqa: TRY400
                await asyncio.sleep(AFTER_FAILURE)

    async def deliver_due(self) -> int:
        """Try every message that is due; return how many were tried."""
        tried = 0
        while batch := await self._claim():
            tried += len(batch)
            await asyncio.gather(*(self.deliver(posting) for posting in batch))
        return tried

    async def deliver(self, posting: Posting) -> None:
        """Try one message whose lease is ours, and record what came of it."""
        try:
            letter = self.outbox.letter_of(posting)
        except SealBroken:
            await self._close(posting, OutboxState.REFUSED, "seal broken")
            return
        try:
            async with asyncio.timeout(PATIENCE):
                sent = await self._send(posting.channel, letter)
        except (PhoneInvalid, EmailInvalid) as refusal:
            await self._close(posting, OutboxState.REFUSED, refusal.code)
        except Unavailable as away:
            await self._later(posting, away.dependency)
        except Exception as failure:  # noqa: BLE001 - an engine's fault is tried again
            logger.error("messages: %s", type(failure).__name__)  # noqa: TRY400
            await self._later(posting, type(failure).__name__)
        else:
            await self._done(posting, letter, sent)

    async def _send(self, channel: MessageChannel, letter: Letter) -> Sent:
        if channel is MessageChannel.SMS:
            return await self.sms.send(to=letter.to, text=letter.text)
        return await self.email.send(
            to=letter.to, subject=letter.subject, text=letter.text, html=letter.html
        )

    async def _claim(self) -> list[Posting]:
        async with self.store.read() as tx:
            if not await self.outbox.is_any_due(tx):
                return []
        async with self.store.begin() as tx:
            return await self.outbox.claim(tx)

    async def _done(self, posting: Posting, letter: Letter, sent: Sent) -> None:
        is_text = posting.channel is MessageChannel.SMS
        prefix = prefix_of(letter.to) if is_text else ""
        async with self.store.begin() as tx:
            closed = await self.outbox.close(
                tx,
                posting,
                OutboxState.DONE,
                provider=sent.provider,
                reference=sent.reference,
            )
            if closed:
                await self.sent.note(
                    tx, sent, kind=SentKind.NOTICE, owner=posting.id, prefix=prefix
                )

    async def _later(self, posting: Posting, answer: str) -> None:
        async with self.store.begin() as tx:
            if await self.outbox.postpone(tx, posting, answer=answer):
                return
        await self._close(posting, OutboxState.GIVEN_UP, answer)

    async def _close(self, posting: Posting, state: OutboxState, answer: str) -> None:
        async with self.store.begin() as tx:
            await self.outbox.close(tx, posting, state, answer=answer)
        logger.warning("message %s: %s (%s)", posting.notice, state.value, answer)
