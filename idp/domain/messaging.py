"""Everything by which people are told something, wired once."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.domain.accounts import Accounts
from idp.domain.code_delivery import CodeDelivery, TextCodes
from idp.domain.message_courier import Courier
from idp.domain.message_spending import Spending
from idp.domain.message_watch import MessageWatch
from idp.domain.messages import EmailBook, Messages, NoEmails
from idp.domain.outbox import Outbox
from idp.domain.sent_messages import SentMessages
from idp.interfaces import (
    Budgeted,
    Clock,
    CodeSender,
    EmailSender,
    ManyProviders,
    Provider,
    SmsSender,
)
from idp.settings import IdpSettings
from idp.storage.encryption import Sealer
from idp.storage.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Messaging:
    """Notices, codes, their way out and what became of them."""

    sms: SmsSender
    email: EmailSender
    messages: Messages
    codes: CodeDelivery
    courier: Courier
    sent: SentMessages
    spending: Spending
    watch: MessageWatch

    async def drop_old(self, tx: Transaction) -> None:
        """Delete what nobody needs any more."""
        await self.messages.drop_old(tx)
        await self.messages.outbox.drop_old(tx)
        await self.sent.drop_old(tx)
        await self.spending.drop_old(tx)


def open_messaging(
    settings: IdpSettings,
    *,
    clock: Clock,
    store: Store,
    sealer: Sealer,
    accounts: Accounts,
    sms: SmsSender,
    email: EmailSender,
    emails: EmailBook | None = None,
) -> Messaging:
    """Put it together. `emails` knows people's addresses. Does no I/O."""
    outbox, sent = Outbox(clock, sealer), SentMessages(clock)
    spending = Spending(clock, store, settings.message_budgets, settings.message_prices)
    sender = sms.within(spending) if isinstance(sms, Budgeted) else sms
    codes = CodeDelivery(
        store,
        sender if isinstance(sender, CodeSender) else TextCodes(sender),
        email,
        sent,
        spending,
        frozenset(settings.sms_countries),
        settings.codes_per_number_prefix_an_hour,
        settings.code_validity,
    )
    return Messaging(
        sms=sender,
        email=email,
        messages=Messages(clock, sealer, accounts, outbox, emails or NoEmails()),
        codes=codes,
        courier=Courier(store, outbox, sent, sender, email),
        sent=sent,
        spending=spending,
        watch=MessageWatch(store, sent, providers_of(sender)),
    )


def providers_of(sms: SmsSender) -> Mapping[str, object]:
    """Return the providers behind a sender, by the names in its messages."""
    if isinstance(sms, ManyProviders):
        return sms.engines
    return {sms.provider: sms} if isinstance(sms, Provider) else {}
