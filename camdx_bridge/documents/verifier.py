"""Whether a member signed a message, when, and what of it exactly.

The order is X-Road's, so that a document with several faults is refused for the same
one: references, time-stamp, speaker, hash chain, signature, authority, OCSP.
"""

from dataclasses import dataclass
from datetime import datetime

from camdx_bridge.documents.containers import (
    FURNITURE,
    MESSAGE,
    SIG_CHAIN,
    SIG_RESULT,
    SIGNATURES,
    TIMESTAMP,
    TS_RESULT,
    Container,
)
from camdx_bridge.documents.hash_chain import ChainOutcome, verify_hash_chain
from camdx_bridge.documents.message_heads import MessageHead, read_head
from camdx_bridge.documents.signatures import (
    Signature,
    read_signature,
    verify_signature,
)
from camdx_bridge.documents.warnings_given import Warned
from camdx_bridge.errors import refused
from camdx_bridge.formats.algorithms import is_digest
from camdx_bridge.identifiers import ClientId
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import fingerprint, may_sign_documents
from camdx_bridge.trust.chains import Chain, find_chain
from camdx_bridge.trust.ocsp import Status, read_ocsp, require_good
from camdx_bridge.trust.profiles import SignerName, read_signer
from camdx_bridge.trust.shared_params import SharedParameters
from camdx_bridge.trust.timestamps import TimeStamp, authority_name, verify_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to judge. `message_withheld`: the log kept no bodies (CamDX's default).

    Then message.xml holds only part of what was signed: signature and time-stamp are
    checked, the message is not, and the outcome says so.
    """

    message_withheld: bool = False


DEFAULT_OPTIONS = Options()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a valid document proves: `signer` signed `covered`, before `stamped_at`.

    `unverified` are parts that the signature speaks of and that are not here, or not
    whole; of them only a digest is proved. `unsigned` are files that it does not speak
    of. `claimed_at` is what the signer says; only `stamped_at` is proved.
    """

    signer: ClientId
    server_code: str
    certificate_sha256: str
    claimed_at: datetime | None
    stamped_at: datetime
    stamped_by: str
    status_at: datetime
    head: MessageHead | None
    covered: tuple[str, ...]
    unverified: tuple[str, ...]
    unsigned: tuple[str, ...]
    warnings: tuple[Warned, ...]


@dataclass(frozen=True, slots=True)
class _Coverage:
    covered: frozenset[str]
    unverified: frozenset[str]


def verify_container(
    container: Container,
    *,
    trust: SharedParameters,
    options: Options = DEFAULT_OPTIONS,
) -> Verified:
    """Return what a container proves; DocumentRefused with a code when it does not."""
    signature = read_signature(container.signatures)
    _require_references(signature)
    stamp = _timestamp(container, signature, trust)
    head = None if options.message_withheld else read_head(container.message)
    coverage = _coverage(container, signature, options)
    verify_signature(signature)
    chain, status, signer = _signer(signature, trust=trust, at=stamp.at, head=head)
    unsigned = _unsigned(container, coverage)
    return Verified(
        signer=signer.member,
        server_code=signer.server_code,
        certificate_sha256=fingerprint(chain.certificates[0]),
        claimed_at=signature.claimed_at,
        stamped_at=stamp.at,
        stamped_by=authority_name(stamp.authority),
        status_at=status[0].this_update,
        head=head,
        covered=tuple(sorted(coverage.covered)),
        unverified=tuple(sorted(coverage.unverified)),
        unsigned=unsigned,
        warnings=_warnings(container, signature, coverage, unsigned),
    )


def _require_references(signature: Signature) -> None:
    wanted = (MESSAGE, SIG_RESULT)
    if not any(signature.reference(name) for name in wanted):
        raise refused(Refusal.REFERENCE_MISSING, MESSAGE)


def _timestamp(
    container: Container, signature: Signature, trust: SharedParameters
) -> TimeStamp:
    """Check the time-stamp: over a batch of signatures, or over this one's value."""
    result = container.files.get(TS_RESULT)
    if result is None:
        if len(signature.timestamps) != 1:
            raise refused(Refusal.TIMESTAMP_MISSING)
        return verify_timestamp(
            signature.timestamps[0], stamped=signature.value, trust=trust
        )
    verify_hash_chain(result, resolve=container.files.get, required={SIGNATURES})
    token = container.files.get(TIMESTAMP)
    if token is None:
        raise refused(Refusal.TIMESTAMP_MISSING)
    return verify_timestamp(token, stamped=result, trust=trust)


def _coverage(
    container: Container, signature: Signature, options: Options
) -> _Coverage:
    """Compare every part with what was signed, directly or through the hash chain."""
    withheld = frozenset({MESSAGE}) if options.message_withheld else frozenset()
    covered: set[str] = set()
    unverified: set[str] = set()
    if signature.reference(SIG_RESULT):
        outcome = _signed_chain(container, withheld)
        covered |= outcome.verified
        unverified |= outcome.unverified
    for reference in signature.references:
        data = container.files.get(reference.name)
        if reference.name in withheld or (data is None and options.message_withheld):
            unverified.add(reference.name)
        elif data is None:
            raise refused(Refusal.REFERENCE_MISSING, reference.name[:100])
        elif not is_digest(reference.algorithm, data, reference.digest):
            raise refused(Refusal.DIGEST_MISMATCH, reference.name[:100])
        else:
            covered.add(reference.name)
    if MESSAGE not in covered | unverified:
        raise refused(Refusal.REFERENCE_MISSING, MESSAGE)
    return _Coverage(frozenset(covered) - FURNITURE, frozenset(unverified))


def _signed_chain(container: Container, withheld: frozenset[str]) -> ChainOutcome:
    result = container.files.get(SIG_RESULT)
    if result is None:
        raise refused(Refusal.REFERENCE_MISSING, SIG_RESULT)
    required = {MESSAGE, *container.attachments}
    return verify_hash_chain(
        result, resolve=container.files.get, required=required, withheld=withheld
    )


def _signer(
    signature: Signature,
    *,
    trust: SharedParameters,
    at: datetime,
    head: MessageHead | None,
) -> tuple[Chain, tuple[Status, ...], SignerName]:
    """Return who signed, once an approved authority and its OCSP vouch for it."""
    if not may_sign_documents(signature.certificate):
        raise refused(Refusal.CERTIFICATE_USAGE)
    chain = find_chain(
        signature.certificate,
        extra=signature.extra_certificates,
        trust=trust,
        at=at,
    )
    signer = read_signer(signature.certificate, chain.authority.profile)
    if signer.member.instance != trust.instance:
        # An authority that one instance approved speaks for no member of another.
        raise refused(Refusal.SIGNER_MISMATCH, "instance")
    if head is not None and signer.member not in head.speakers:
        raise refused(Refusal.SIGNER_MISMATCH)
    answers = [read_ocsp(one) for one in signature.ocsp_responses]
    status = require_good(
        chain, answers=answers, freshness_s=trust.ocsp_freshness_s, at=at
    )
    return chain, status, signer


def _unsigned(container: Container, coverage: _Coverage) -> tuple[str, ...]:
    """Return the files nobody signed; an attachment among them is an intruder."""
    signed = coverage.covered | coverage.unverified
    for name in container.attachments:
        if name not in signed:
            raise refused(Refusal.PART_NOT_SIGNED, name)
    return tuple(sorted(set(container.strangers) - signed))


def _warnings(
    container: Container,
    signature: Signature,
    coverage: _Coverage,
    unsigned: tuple[str, ...],
) -> tuple[Warned, ...]:
    has_chain = SIG_RESULT in container.files or SIG_CHAIN in container.files
    found: dict[Warned, bool] = {
        Warned.HASH_CHAIN_NOT_SIGNED: (
            has_chain and signature.reference(SIG_RESULT) is None
        ),
        Warned.FILES_NOT_SIGNED: bool(unsigned),
        Warned.MESSAGE_WITHHELD: MESSAGE in coverage.unverified,
        Warned.ATTACHMENTS_MISSING: bool(coverage.unverified - {MESSAGE}),
    }
    return tuple(warning for warning, is_given in found.items() if is_given)
