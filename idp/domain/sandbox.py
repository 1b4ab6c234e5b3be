"""The sandbox: test citizens whom an integrator may log in as, without a phone.

For portals' own tests and for automated conformance suites: nobody of them is a
person, each shows one case that a portal must handle. Production refuses the setting
(`idp.settings`); nothing here is reachable without it.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace

from idp.domain.accounts import AccountFacts, Accounts
from idp.domain.assurance import UserVerification, amr_of, authenticator_level, lowest
from idp.domain.audit import Audit, EventTag
from idp.domain.backchannel_requests import (
    BackchannelRequests,
    Outcome,
    decide_backchannel,
)
from idp.domain.challenge_records import Challenge, State, Text
from idp.domain.decisions import Verdict
from idp.domain.evidence import Engine, EvidenceBox, EvidenceKind
from idp.domain.interactions import AuthorizationRequest, Login
from idp.errors import NotFound
from idp.interfaces import Clock
from idp.storage.columns import new_id, to_millis
from idp.storage.store import Transaction


@dataclass(frozen=True, slots=True)
class Citizen:
    """A test citizen; `age` in years when the account is made, `level` its proofing."""

    slug: str
    label: Text
    case: Text
    facts: AccountFacts
    age: int
    level: str = "substantial"


def _facts(number: int, **changes: str) -> AccountFacts:
    """Return the facts of a specimen; the birth date is filled in at its opening."""
    return replace(
        AccountFacts(
            surname_khmer="គំរូ",
            given_name_khmer="ពលរដ្ឋ",
            surname_latin="SPECIMEN",
            given_name_latin="CITIZEN",
            birth_date="",
            sex="F",
            document_number=f"00000000{number}",
            document_expires="2035-12-31",
            phone=f"+8551000000{number}",
        ),
        **changes,
    )


CITIZENS = (
    Citizen(
        "citizen",
        Text(km="ពលរដ្ឋ", en="Citizen"),
        Text(km="អ្វីៗទាំងអស់ត្រឹមត្រូវ", en="Everything is in order"),
        _facts(1),
        age=35,
    ),
    Citizen(
        "foreigner",
        Text(km="ជនបរទេស", en="Foreigner"),
        Text(km="គ្មានឈ្មោះជាអក្សរខ្មែរ", en="No name in Khmer letters"),
        _facts(
            2,
            surname_khmer="",
            given_name_khmer="",
            surname_latin="SAMPLE",
            given_name_latin="FOREIGNER",
            nationality="UTO",
            sex="M",
        ),
        age=41,
    ),
    Citizen(
        "minor",
        Text(km="អនីតិជន", en="Minor"),
        Text(km="អាយុក្រោម ១៨ ឆ្នាំ", en="Younger than 18"),
        _facts(3, given_name_khmer="កុមារ", given_name_latin="MINOR"),
        age=16,
    ),
    Citizen(
        "over-60",
        Text(km="មនុស្សចាស់", en="Over 60"),
        Text(km="អាយុលើស ៦០ ឆ្នាំ", en="Older than 60"),
        _facts(4, given_name_khmer="ចាស់", given_name_latin="SENIOR", sex="M"),
        age=67,
    ),
    Citizen(
        "expired-card",
        Text(km="អត្តសញ្ញាណប័ណ្ណផុតកំណត់", en="Expired card"),
        Text(
            km="អត្តសញ្ញាណប័ណ្ណបានផុតកំណត់",
            en="The identity document has expired",
        ),
        _facts(
            5,
            given_name_khmer="ផុតកំណត់",
            given_name_latin="EXPIRED",
            document_expires="2020-01-01",
        ),
        age=52,
    ),
    Citizen(
        "name-mismatch",
        Text(km="ឈ្មោះមិនត្រូវគ្នា", en="Name mismatch"),
        Text(
            km="ឈ្មោះខ្មែរ និងឡាតាំងមិនត្រូវគ្នា ហើយកម្រិតផ្ទៀងផ្ទាត់ទាប",
            en="Khmer and Latin names differ, and the proofing level is low",
        ),
        _facts(
            6,
            surname_khmer="ផ្សេង",
            given_name_khmer="ឈ្មោះ",
            surname_latin="OTHERWISE",
            given_name_latin="NAMED",
            sex="M",
        ),
        age=29,
        level="low",
    ),
)
ENGINE = Engine("sandbox", "1")
_BY_SLUG = {citizen.slug: citizen for citizen in CITIZENS}


def citizen_of(slug: str) -> Citizen:
    """Return a test citizen; raises NotFound."""
    found = _BY_SLUG.get(slug)
    if found is None:
        raise NotFound("test citizen")
    return found


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Open the test citizens and log them in."""

    clock: Clock
    accounts: Accounts
    audit: Audit
    evidence: EvidenceBox
    backchannel: BackchannelRequests

    async def account_of(self, tx: Transaction, slug: str) -> str:
        """Return the account of a test citizen, opened when it is first needed."""
        citizen = citizen_of(slug)
        number = citizen.facts.document_number
        known = await self.accounts.by_document(tx, number)
        if known is not None:
            return known
        born = self.clock.now().year - citizen.age
        facts = replace(citizen.facts, birth_date=f"{born}-01-01")
        account = await self.accounts.open(tx, facts, level=citizen.level)
        if citizen.level != "low":
            await self._prove(tx, account.id)
        return account.id

    async def slug_of(self, tx: Transaction, account_id: str) -> str | None:
        """Return which test citizen an account is, None for anybody else."""
        account = await self.accounts.find(tx, account_id)
        number = account.facts.document_number
        return next(
            (one.slug for one in CITIZENS if one.facts.document_number == number), None
        )

    async def login(
        self,
        tx: Transaction,
        slug: str,
        request: AuthorizationRequest,
        *,
        withheld: Collection[str] = (),
    ) -> Login:
        """Return the login of a test citizen who releases what is asked.

        Voluntary claims named in `withheld` are kept back. The session that it names
        is new. Raises NotFound and AccountSuspended.
        """
        account_id = await self.account_of(tx, slug)
        account = await self.accounts.active(tx, account_id)
        verification = UserVerification.PIN
        reached = lowest(account.level, authenticator_level(verification))
        await self.audit.record(
            tx,
            EventTag.SANDBOX_LOGIN,
            account=account_id,
            relying_party=request.client_id,
        )
        kept_back = set(withheld) & set(request.voluntary)
        return Login(
            grant_id=new_id(),
            account_id=account_id,
            session_id=new_id(),
            acr=reached,
            amr=amr_of(verification),
            auth_time=to_millis(self.clock.now()),
            claims=tuple(name for name in request.claims if name not in kept_back),
        )

    async def answer(
        self, tx: Transaction, auth_req_id: str, *, is_approved: bool
    ) -> tuple[Challenge, State]:
        """Answer a backchannel request in a test citizen's name, once.

        Returns the challenge and its new state, for `backchannel.decided`. Raises
        NotFound for an unknown or answered request and for anybody who is not a
        test citizen.
        """
        request = await self.backchannel.get(tx, auth_req_id.partition(".")[0])
        known, presented = request.auth_req_id.encode(), auth_req_id.encode()
        is_known = hmac.compare_digest(known, presented)
        outcome, _ = await self.backchannel.outcome(tx, request)
        if not is_known or outcome is not Outcome.PENDING:
            raise NotFound("no such request waits")
        if await self.slug_of(tx, request.account_id) is None:
            raise NotFound("not a test citizen")
        account = await self.accounts.active(tx, request.account_id)
        verification = UserVerification.PIN
        state = State.APPROVED if is_approved else State.DENIED
        verdict = Verdict(
            state=state,
            jti=new_id(),
            account_id=account.id,
            device_id="",
            acr=lowest(account.level, authenticator_level(verification)),
            amr=amr_of(verification),
            claims=request.challenge.interaction.request.claims if is_approved else (),
        )
        if not await decide_backchannel(
            self.backchannel, tx, request.challenge, verdict
        ):
            raise NotFound("answered before")
        return request.challenge, state

    async def _prove(self, tx: Transaction, account_id: str) -> None:
        """Keep the records that a registration of this invented person would leave."""
        registration_id = new_id()
        for kind, facts in _records(to_millis(self.clock.now()) // 1000).items():
            await self.evidence.keep(
                tx, registration_id, kind, judged=b"", engine=ENGINE, facts=facts
            )
        await self.evidence.attach(tx, registration_id, account_id=account_id)


def _records(now: int) -> dict[EvidenceKind, dict[str, object]]:
    """Return the facts of each check; `now` in seconds."""
    return {
        EvidenceKind.PORTRAIT: {
            "proved": ["number"],
            "repaired": [],
            "composite": "proved",
        },
        EvidenceKind.REGISTER: {
            "score": 1.0,
            "incorrect_fields": [],
            "message_id": "sandbox",
            "answered_at": now,
        },
        EvidenceKind.FACE: {"similarity": 1.0, "threshold": 0.6, "liveness": None},
    }
