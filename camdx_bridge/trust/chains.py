"""From a certificate up to an approved authority, each link checked at one instant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from camdx_bridge.errors import DocumentRefused, refused
from camdx_bridge.formats.algorithms import HASHES, require_strong
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import (
    is_within_time,
    may_sign_certificates,
    path_length,
)
from camdx_bridge.trust.shared_params import ApprovedCa, SharedParameters

LONGEST = 5
MOST_EXTRA = 8
MOST_PATHS = 16


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate, the authorities between, and the approved one at the top."""

    certificates: tuple[x509.Certificate, ...]
    authority: ApprovedCa

    @property
    def links(self) -> tuple[tuple[x509.Certificate, x509.Certificate], ...]:
        """Each certificate below the top with the one that issued it."""
        return tuple(zip(self.certificates, self.certificates[1:], strict=False))


def find_chain(
    certificate: x509.Certificate,
    *,
    extra: Sequence[x509.Certificate],
    trust: SharedParameters,
    at: datetime,
    may_authenticate_only: bool = False,
) -> Chain:
    """Return the chain to an approved authority, all in force at `at`.

    `extra` are certificates that came with the signature: they may only fill the gap
    between. DocumentInvalid when there is no chain, or when it was not in force.
    """
    if len(extra) > MOST_EXTRA:
        raise refused(Refusal.CERTIFICATE_MALFORMED, "too many")
    trouble = refused(Refusal.AUTHORITY_UNKNOWN)
    for authority in trust.authorities:
        if authority.authentication_only and not may_authenticate_only:
            continue
        between = [entry.certificate for entry in authority.intermediates]
        paths = _climb((certificate,), authority, [*between, *extra])
        for path in islice(paths, MOST_PATHS):
            try:
                _require_in_force(path, at)
            except DocumentRefused as error:
                # The same authority may be there with a newer certificate.
                trouble = error
            else:
                return Chain(path, authority)
    raise trouble


def _climb(
    path: tuple[x509.Certificate, ...],
    authority: ApprovedCa,
    between: list[x509.Certificate],
) -> Iterator[tuple[x509.Certificate, ...]]:
    top = authority.top.certificate
    if issued(path[-1], top):
        if _lengths_hold((*path, top)):
            yield (*path, top)
    elif len(path) < LONGEST:
        for candidate in _candidates(path, between):
            yield from _climb((*path, candidate), authority, between)


def _candidates(
    path: tuple[x509.Certificate, ...], between: list[x509.Certificate]
) -> Iterator[x509.Certificate]:
    return (one for one in between if one not in path and issued(path[-1], one))


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether an authority's certificate issued this one, by name and signature."""
    if certificate.issuer != issuer.subject or not may_sign_certificates(issuer):
        return False
    used = certificate.signature_hash_algorithm
    if used is None or used.name not in HASHES:
        raise refused(Refusal.ALGORITHM_REFUSED, "a certificate's signature")
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    require_strong(issuer.public_key())
    return True


def _lengths_hold(path: tuple[x509.Certificate, ...]) -> bool:
    """Check pathLenConstraint: how many authorities stand below each (RFC 5280)."""
    for below, authority in enumerate(path[1:]):
        allowed = path_length(authority)
        if allowed is not None and below > allowed:
            return False
    return True


def _require_in_force(path: tuple[x509.Certificate, ...], at: datetime) -> None:
    certificate, *authorities = path
    if not is_within_time(certificate, at):
        raise refused(Refusal.CERTIFICATE_EXPIRED)
    if not all(is_within_time(one, at) for one in authorities):
        raise refused(Refusal.AUTHORITY_EXPIRED)
