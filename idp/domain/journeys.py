"""Everything by which people come to an account, or back to it, wired once."""

from dataclasses import dataclass

from idp.domain.accounts import Accounts
from idp.domain.audit import Audit
from idp.domain.contact_rows import ContactRows
from idp.domain.contacts import Contacts
from idp.domain.device_changes import DeviceChanges
from idp.domain.document_reminders import DocumentReminders
from idp.domain.document_renewals import Renewals
from idp.domain.documents import Documents
from idp.domain.evidence import EvidenceBox
from idp.domain.face_enrolments import FaceEnrolments
from idp.domain.logouts import Logouts
from idp.domain.lost_phones import LostPhones
from idp.domain.messages import Messages
from idp.domain.one_time_codes import OneTimeCodes
from idp.domain.operators import Operators
from idp.domain.passkeys import Passkeys
from idp.domain.rate_limits import Budgets
from idp.domain.recoveries import Recoveries, Waits
from idp.domain.recovery_endings import RecoveryEndings
from idp.domain.recovery_rows import RecoveryRows
from idp.domain.register_questions import RegisterQuestions
from idp.domain.registration_rows import RegistrationRows
from idp.domain.registrations import Limits, Registrations
from idp.domain.reviews import Reviews
from idp.interfaces import Clock
from idp.settings import IdpSettings
from idp.storage.encryption import Sealer
from idp.storage.ephemeral import Ephemeral


@dataclass(frozen=True, slots=True)
class Journeys:
    """Registrations, recoveries, and what they rest on."""

    codes: OneTimeCodes
    evidence: EvidenceBox
    questions: RegisterQuestions
    documents: Documents
    reminders: DocumentReminders
    operators: Operators
    reviews: Reviews
    registrations: Registrations
    recoveries: Recoveries
    lost_phones: LostPhones
    faces: FaceEnrolments
    contacts: Contacts


def open_journeys(
    settings: IdpSettings,
    *,
    clock: Clock,
    sealer: Sealer,
    ephemeral: Ephemeral,
    audit: Audit,
    accounts: Accounts,
    device_changes: DeviceChanges,
    budgets: Budgets,
    messages: Messages,
    passkeys: Passkeys,
    logouts: Logouts,
) -> Journeys:
    """Put it together. Does no I/O."""
    codes = OneTimeCodes(
        clock,
        sealer,
        digits=settings.code_digits,
        validity=settings.code_validity,
        attempts=settings.code_attempts,
        resend=settings.code_resend,
    )
    documents, reviews = Documents(clock, sealer), Reviews(clock, audit)
    faces = FaceEnrolments(clock, sealer)
    registrations = Registrations(
        clock=clock,
        rows=RegistrationRows(clock, sealer),
        documents=documents,
        renewals=Renewals(accounts, documents, audit, messages),
        audit=audit,
        budgets=budgets,
        codes=codes,
        evidence=EvidenceBox(clock, sealer, settings.evidence_retention),
        questions=RegisterQuestions(clock),
        accounts=accounts,
        devices=device_changes.devices,
        life=settings.registration_life,
        limits=_limits(settings),
        reviews=reviews,
        faces=faces,
    )
    contact_rows = ContactRows(clock, sealer)
    endings = RecoveryEndings(
        registrations=registrations,
        accounts=accounts,
        contacts=contact_rows,
        devices=device_changes,
        passkeys=passkeys,
        logouts=logouts,
        messages=messages,
        audit=audit,
    )
    recoveries = Recoveries(
        clock=clock,
        rows=RecoveryRows(clock, sealer),
        registrations=registrations,
        accounts=accounts,
        endings=endings,
        messages=messages,
        audit=audit,
        budgets=budgets,
        waits=Waits(settings.recovery_wait, settings.recovery_wait_long),
    )
    return Journeys(
        codes=codes,
        evidence=registrations.evidence,
        questions=registrations.questions,
        documents=documents,
        reminders=DocumentReminders(documents, audit, messages),
        operators=Operators(clock, audit),
        reviews=reviews,
        registrations=registrations,
        recoveries=recoveries,
        faces=faces,
        contacts=Contacts(
            clock,
            contact_rows,
            accounts,
            codes,
            budgets,
            messages,
            audit,
            settings.recovery_wait,
        ),
        lost_phones=LostPhones(
            ephemeral,
            budgets,
            codes,
            accounts,
            device_changes,
            contact_rows,
            messages,
            audit,
        ),
    )


def _limits(settings: IdpSettings) -> Limits:
    return Limits(
        registrations_per_device_a_day=settings.registrations_per_device_a_day,
        codes_per_number_an_hour=settings.codes_per_number_an_hour,
        codes_per_prefix_an_hour=settings.codes_per_prefix_an_hour,
        documents_an_hour=settings.documents_an_hour,
        face_attempts=settings.face_attempts,
        disagreements=settings.register_disagreements,
    )
