"""Every domain service, wired once: what can be done.

`open_services(settings)` opens the database, reads the master key and returns one
frozen value that the endpoints carry in their state. Nothing here knows HTTP.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from idp.domain.accounts import Accounts
from idp.domain.attestations import AttestationPolicies, load_policies
from idp.domain.audit import Audit
from idp.domain.audit_chain import AuditChain
from idp.domain.backchannel_deliveries import Deliveries
from idp.domain.backchannel_polls import Polls
from idp.domain.backchannel_requests import BackchannelRequests, PushLimits
from idp.domain.ceremonies import Ceremonies
from idp.domain.challenges import Challenges, Lives
from idp.domain.client_keys import ClientKeys
from idp.domain.code_delivery import CodeDelivery
from idp.domain.consents import Consents
from idp.domain.contact_rows import ContactRows
from idp.domain.contacts import Contacts
from idp.domain.custody import SealedCustody
from idp.domain.decisions import Decisions
from idp.domain.device_changes import DeviceChanges
from idp.domain.devices import Devices
from idp.domain.document_reminders import DocumentReminders
from idp.domain.documents import Documents
from idp.domain.evidence import EvidenceBox
from idp.domain.face_enrolments import FaceEnrolments
from idp.domain.grants import Grants
from idp.domain.interactions import Interactions
from idp.domain.journeys import open_journeys
from idp.domain.keys import KeyChanges, Keys, KeySchedule
from idp.domain.logout_deliveries import LogoutDeliveries
from idp.domain.logouts import Logouts
from idp.domain.lost_phones import LostPhones
from idp.domain.messages import Messages
from idp.domain.messaging import Messaging, open_messaging
from idp.domain.one_time_codes import OneTimeCodes
from idp.domain.operators import Operators
from idp.domain.party_registration import PartyRegistration
from idp.domain.passkeys import Passkeys
from idp.domain.proof_of_work import ProofOfWork
from idp.domain.push_blocks import PushBlocks
from idp.domain.pushed_requests import PushedRequests
from idp.domain.rate_limits import Budgets
from idp.domain.recoveries import Recoveries
from idp.domain.register_questions import RegisterQuestions
from idp.domain.registrations import Registrations
from idp.domain.releases import Releases
from idp.domain.relying_parties import RelyingParties
from idp.domain.request_proofs import RequestProofs
from idp.domain.reviews import Reviews
from idp.domain.sandbox import Sandbox
from idp.domain.sessions import Sessions
from idp.domain.token_status import TokenStatus
from idp.domain.user_verification import WebAuthnParty
from idp.engines import (
    DisabledEmailSender,
    load_email_sender,
    load_key_custody,
    load_sms_sender,
)
from idp.engines.outbound import create as create_outbound
from idp.interfaces import (
    Clock,
    EmailSender,
    KeyCustody,
    Outbound,
    SmsSender,
    SystemClock,
)
from idp.settings import IdpSettings
from idp.storage.encryption import Sealer
from idp.storage.ephemeral import Ephemeral, MemoryEphemeral
from idp.storage.master_keys import sealer_from_file, sealer_from_secret
from idp.storage.opening import open_store
from idp.storage.redis import open_redis
from idp.storage.signals import LocalSignals, Signals
from idp.storage.store import Store, Transaction
from idp.translations import translate

__all__ = ["Services", "Transaction", "open_services", "wire"]


@dataclass(frozen=True, slots=True)
class Services:
    """What can be done, and with what."""

    settings: IdpSettings
    clock: Clock
    store: Store
    sealer: Sealer
    ephemeral: Ephemeral
    signals: Signals
    sms: SmsSender
    email: EmailSender
    outbound: Outbound
    client_keys: ClientKeys
    translate: Callable[..., str]
    webauthn_party: WebAuthnParty
    audit: Audit
    audit_chain: AuditChain
    keys: Keys
    accounts: Accounts
    devices: Devices
    device_changes: DeviceChanges
    attestation_policies: AttestationPolicies
    lost_phones: LostPhones
    request_proofs: RequestProofs
    interactions: Interactions
    pushed_requests: PushedRequests
    challenges: Challenges
    decisions: Decisions
    relying_parties: RelyingParties
    party_registration: PartyRegistration
    grants: Grants
    token_status: TokenStatus
    sessions: Sessions
    logouts: Logouts
    consents: Consents
    push_blocks: PushBlocks
    backchannel: BackchannelRequests
    backchannel_polls: Polls
    backchannel_deliveries: Deliveries
    releases: Releases
    passkeys: Passkeys
    ceremonies: Ceremonies
    budgets: Budgets
    codes: OneTimeCodes
    code_delivery: CodeDelivery
    proof_of_work: ProofOfWork
    messages: Messages
    documents: Documents
    document_reminders: DocumentReminders
    messaging: Messaging
    evidence: EvidenceBox
    register_questions: RegisterQuestions
    registrations: Registrations
    recoveries: Recoveries
    reviews: Reviews
    face_enrolments: FaceEnrolments
    contacts: Contacts
    operators: Operators
    sandbox: Sandbox | None


def wire(
    settings: IdpSettings,
    *,
    store: Store,
    sealer: Sealer,
    ephemeral: Ephemeral,
    signals: Signals,
    sms: SmsSender,
    clock: Clock,
    email: EmailSender | None = None,
    custody: KeyCustody | None = None,
    outbound: Outbound | None = None,
) -> Services:
    """Put the services together on given storage. Does no I/O."""
    audit = Audit(clock)
    outbound = outbound or create_outbound(settings)
    custodies = (SealedCustody(sealer), *((custody,) if custody else ()))
    changes = KeyChanges(
        clock,
        store,
        audit,
        custodies={each.name: each for each in custodies},
        making=custodies[-1].name,
        schedule=_key_schedule(settings),
    )
    keys = Keys(clock, store, changes)
    accounts = Accounts(clock, sealer)
    devices = Devices(clock)
    budgets = Budgets(clock, sealer)
    messaging = open_messaging(
        settings,
        clock=clock,
        store=store,
        sealer=sealer,
        accounts=accounts,
        sms=sms,
        email=email or DisabledEmailSender("no sender was given"),
        emails=ContactRows(clock, sealer),
    )
    sessions = Sessions(clock, sealer, settings.session_life)
    logouts = Logouts(signals, audit, accounts, sessions, LogoutDeliveries(clock))
    device_changes = DeviceChanges(clock, audit, devices, logouts)
    challenges = Challenges(
        clock, ephemeral, signals, _lives(settings), settings.app_origin
    )
    decisions = Decisions(clock, sealer, settings.challenge_approved)
    blocks = PushBlocks(clock, audit, settings.push_block)
    backchannel = BackchannelRequests(
        clock,
        sealer,
        audit,
        signals,
        challenges,
        decisions,
        blocks,
        PushLimits(settings.pushes_unanswered_an_hour),
    )
    messages = messaging.messages
    passkeys = Passkeys(
        clock,
        sealer,
        audit,
        WebAuthnParty(settings.rp_id, (settings.issuer,)),
        settings.attestation_roots,
    )
    journeys = open_journeys(
        settings,
        clock=clock,
        sealer=sealer,
        ephemeral=ephemeral,
        audit=audit,
        accounts=accounts,
        device_changes=device_changes,
        budgets=budgets,
        messages=messages,
        passkeys=passkeys,
        logouts=logouts,
    )
    return Services(
        settings=settings,
        clock=clock,
        store=store,
        sealer=sealer,
        ephemeral=ephemeral,
        signals=signals,
        sms=messaging.sms,
        email=messaging.email,
        outbound=outbound,
        client_keys=ClientKeys(clock, outbound),
        translate=translate,
        webauthn_party=WebAuthnParty(
            settings.rp_id, (settings.issuer, settings.app_origin)
        ),
        audit=audit,
        audit_chain=AuditChain(clock, store, keys),
        keys=keys,
        accounts=accounts,
        devices=devices,
        device_changes=device_changes,
        lost_phones=journeys.lost_phones,
        attestation_policies=_attestation_policies(settings),
        request_proofs=RequestProofs(clock, ephemeral),
        interactions=Interactions(ephemeral, settings.interaction_life),
        pushed_requests=PushedRequests(clock, ephemeral, settings.interaction_life),
        challenges=challenges,
        decisions=decisions,
        party_registration=PartyRegistration(clock, sealer, audit),
        relying_parties=RelyingParties(
            clock,
            sealer,
            audit,
            is_development=settings.environment == "development",
            is_sandbox=settings.sandbox,
        ),
        grants=Grants(
            clock,
            sealer,
            audit,
            settings.code_life,
            settings.refresh_life,
            settings.refresh_grace,
        ),
        token_status=TokenStatus(clock),
        sessions=sessions,
        logouts=logouts,
        consents=Consents(clock),
        push_blocks=blocks,
        backchannel=backchannel,
        backchannel_polls=Polls(
            clock, ephemeral, int(settings.backchannel_interval.total_seconds())
        ),
        backchannel_deliveries=Deliveries(clock, store, backchannel),
        passkeys=passkeys,
        ceremonies=Ceremonies(ephemeral),
        releases=Releases(clock, audit, Consents(clock)),
        budgets=budgets,
        codes=journeys.codes,
        code_delivery=messaging.codes,
        proof_of_work=ProofOfWork(
            clock,
            sealer,
            ephemeral,
            settings.work_free_an_hour,
            settings.work_free_for_all_an_hour,
        ),
        messages=messages,
        documents=journeys.documents,
        document_reminders=journeys.reminders,
        messaging=messaging,
        evidence=journeys.evidence,
        register_questions=journeys.questions,
        registrations=journeys.registrations,
        recoveries=journeys.recoveries,
        reviews=journeys.reviews,
        face_enrolments=journeys.faces,
        contacts=journeys.contacts,
        operators=journeys.operators,
        sandbox=Sandbox(clock, accounts, audit, journeys.evidence, backchannel)
        if settings.sandbox
        else None,
    )


def _attestation_policies(settings: IdpSettings) -> AttestationPolicies:
    return load_policies(
        settings.device_attestation,
        android_package=settings.android_package,
        android_signers=settings.android_signers,
        apple_app_id=settings.apple_app_id,
        is_development=settings.environment == "development",
    )


def _key_schedule(settings: IdpSettings) -> KeySchedule:
    return KeySchedule(
        rotation=settings.key_rotation,
        publish_ahead=settings.key_publish_ahead,
        overlap=settings.key_overlap,
        algorithms=settings.signing_algorithms,
    )


def _lives(settings: IdpSettings) -> Lives:
    return Lives(
        pending=settings.challenge_pending,
        claimed=settings.challenge_claimed,
        approved=settings.challenge_approved,
        claims_a_minute=settings.claims_a_minute,
    )


def open_sealer(settings: IdpSettings) -> Sealer:
    """Read the master key; raises MasterKeyUnsafe."""
    if settings.master_key is not None:
        return sealer_from_secret(settings.master_key.get_secret_value())
    is_production = settings.environment == "production"
    return sealer_from_file(settings.master_key_file, is_production=is_production)


@asynccontextmanager
async def open_services(
    settings: IdpSettings, *, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Open everything the settings name, and close it again at the end."""
    sealer = open_sealer(settings)
    custody = load_key_custody(settings)
    store = await open_store(settings.store)
    ephemeral: Ephemeral = MemoryEphemeral()
    signals: Signals = LocalSignals()
    if settings.redis is not None:
        ephemeral, signals = open_redis(settings.redis.get_secret_value())
    services = wire(
        settings,
        store=store,
        sealer=sealer,
        ephemeral=ephemeral,
        signals=signals,
        sms=load_sms_sender(settings),
        email=load_email_sender(settings),
        clock=clock or SystemClock(),
        custody=custody,
    )
    try:
        async with store.begin() as tx:
            await services.keys.ensure(tx)
        yield services
    finally:
        await signals.close()
        await ephemeral.close()
        await store.close()
        if custody is not None:
            await custody.close()
