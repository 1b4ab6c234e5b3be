"""A new document for an account that is open: the identifiers stay, the rest follows.

`camdigikey_id` and every pairwise `sub` hang on the account, which is never replaced.
The document that proves most is the one the account shows; a passport that is added
beside a valid card changes nothing of the person's data.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from idp.domain.accounts import Account, AccountFacts, Accounts
from idp.domain.assurance import highest, reaches
from idp.domain.audit import Audit, EventTag
from idp.domain.documents import Documents
from idp.domain.messages import Messages, Notice
from idp.domain.names import khmer_key, latin_key
from idp.storage.store import Transaction


@dataclass(frozen=True, slots=True)
class Renewals:
    """Bring an account up to its newest document."""

    accounts: Accounts
    documents: Documents
    audit: Audit
    messages: Messages

    async def renew(
        self, tx: Transaction, account_id: str, facts: AccountFacts, *, level: str
    ) -> Account:
        """Take over what the register confirmed; the document itself is added after.

        Raises AccountSuspended, NotFound, AlreadyRegistered.
        """
        account = await self.accounts.active(tx, account_id)
        if reaches(level, needed=account.level):
            account = await self.accounts.amend(
                tx,
                account_id,
                lambda known: replace(facts, phone=known.phone),
                level=level,
            )
        await self.audit.record(
            tx, EventTag.DOCUMENT_RENEWED, account=account_id, detail={"level": level}
        )
        await self.messages.tell(
            tx,
            account_id,
            Notice.DOCUMENT_RENEWED,
            detail={"kind": facts.document_kind, "expires": facts.document_expires},
        )
        return account

    async def raise_level(
        self, tx: Transaction, account_id: str, *, proved_by: str, level: str
    ) -> None:
        """Raise the document that a registration brought, and its account with it."""
        account = await self.accounts.active(tx, account_id)
        for document in await self.documents.of_account(tx, account_id):
            if document.proved_by != proved_by or document.replaced_at is not None:
                continue
            if not reaches(level, needed=document.level):
                continue
            await self.documents.raise_level(
                tx, account_id, document.id, level=level, proved_by=proved_by
            )
            await self.accounts.amend(
                tx,
                account_id,
                lambda known: known,
                level=highest(level, account.level),
            )
            detail = {"level": level}
            await self.audit.record(
                tx, EventTag.LEVEL_RAISED, account=account_id, detail=detail
            )


def changes_between(known: AccountFacts, told: AccountFacts) -> tuple[str, ...]:
    """Return which facts of a person a new document says otherwise, sorted.

    Names compare by their keys; a name that one of the two does not have is no change.
    """
    pairs = {
        "birth_date": (known.birth_date, told.birth_date),
        "nationality": (known.nationality, told.nationality),
        "sex": (known.sex, told.sex),
        "surname_khmer": _keys(khmer_key, known.surname_khmer, told.surname_khmer),
        "given_name_khmer": _keys(
            khmer_key, known.given_name_khmer, told.given_name_khmer
        ),
        "surname_latin": _keys(latin_key, known.surname_latin, told.surname_latin),
        "given_name_latin": _keys(
            latin_key, known.given_name_latin, told.given_name_latin
        ),
    }
    return tuple(
        name for name, (one, other) in sorted(pairs.items()) if one and other != one
    )


def _keys(key: Callable[[str], str], one: str, other: str) -> tuple[str, str]:
    return (key(one), key(other)) if other else ("", "")
