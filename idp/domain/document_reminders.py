"""Tell people in time that a document ends, and that the level went down with it.

90, 30 and 7 days before the last day, and once when it is over: each exactly once,
whichever node sweeps (documents.py, `take_notice`), in one transaction with the
message. A server that slept says what is true now, not what it missed.
"""

from dataclasses import dataclass
from typing import Final

from idp.domain.audit import Audit, EventTag
from idp.domain.documents import Document, Documents, best_level
from idp.domain.messages import Messages, Notice
from idp.storage.columns import to_millis
from idp.storage.store import Transaction

BEFORE: Final = 1  # ms before the end: the level that ends with the document


@dataclass(frozen=True, slots=True)
class DocumentReminders:
    """Work the notices that are due."""

    documents: Documents
    audit: Audit
    messages: Messages

    async def sweep(self, tx: Transaction) -> int:
        """Tell a batch of people; return how many."""
        due = await self.documents.due(tx)
        taken = [one for one in due if await self.documents.take_notice(tx, one)]
        for document in taken:
            if document.expires_at > to_millis(self.documents.clock.now()):
                await self._remind(tx, document)
            else:
                await self._expired(tx, document)
        return len(taken)

    async def _remind(self, tx: Transaction, document: Document) -> None:
        facts = document.facts
        await self.messages.tell(
            tx,
            document.account_id,
            Notice.DOCUMENT_EXPIRES,
            detail={"kind": facts.kind, "expires": facts.expires},
        )

    async def _expired(self, tx: Transaction, document: Document) -> None:
        """Say so when the level went down; another document may carry it."""
        account_id = document.account_id
        all_of_them = await self.documents.of_account(tx, account_id)
        before = best_level(all_of_them, at=document.expires_at - BEFORE)
        now = best_level(all_of_them, at=to_millis(self.documents.clock.now()))
        if before == now:
            return
        detail = {"from": before, "to": now}
        await self.audit.record(
            tx, EventTag.LEVEL_LOWERED, account=account_id, detail=detail
        )
        await self.messages.tell(tx, account_id, Notice.LEVEL_LOWERED, detail=detail)
