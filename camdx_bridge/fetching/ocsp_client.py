"""OCSP responses for our own certificates: fetched before they lapse, kept while fresh.

Every response is verified before it is kept, as whoever receives our messages will.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from camdx_bridge.errors import BridgeError, SourceFailed, refused
from camdx_bridge.fetching.http import Fetcher
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.certificates import fingerprint
from camdx_bridge.trust.chains import Chain
from camdx_bridge.trust.ocsp import Status, read_ocsp, require_good

REQUEST_TYPE = "application/ocsp-request"
# Asked again after this share of the time for which a response is fresh.
_RENEW_AFTER = 3
_OK = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    response: bytes
    status: Status


class OcspClient:
    """Keeps the OCSP responses of a few certificates. `clock` has a zone."""

    def __init__(self, *, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def responses(self, chain: Chain, *, freshness_s: int) -> tuple[bytes, ...]:
        """Return a fresh good response for each certificate below the top.

        A failing responder is no matter while the kept response is fresh; after that
        it is a SourceFailed. DocumentInvalid when a certificate is revoked.
        """
        links = [
            Chain((certificate, issuer), chain.authority)
            for certificate, issuer in chain.links
        ]
        return tuple([await self._one(link, freshness_s) for link in links])

    def this_update(self, certificate: x509.Certificate) -> datetime | None:
        """Return when the kept response was made, for whoever watches its age."""
        kept = self._kept.get(fingerprint(certificate))
        return None if kept is None else kept.status.this_update

    async def _one(self, link: Chain, freshness_s: int) -> bytes:
        now, key = self._clock(), fingerprint(link.certificates[0])
        kept = self._kept.get(key)
        fresh_for = timedelta(seconds=freshness_s)
        if kept and self._holds(kept, now, fresh_for / _RENEW_AFTER):
            return kept.response
        try:
            fetched = await self._fetch(link, freshness_s, now)
        except SourceFailed:
            if kept is None or not self._holds(kept, now, fresh_for):
                raise
            return kept.response
        self._kept[key] = fetched
        return fetched.response

    def _holds(self, kept: _Kept, now: datetime, fresh_for: timedelta) -> bool:
        until = kept.status.next_update
        is_young = now < kept.status.this_update + fresh_for
        return is_young and (until is None or now < until)

    async def _fetch(self, link: Chain, freshness_s: int, now: datetime) -> _Kept:
        """Ask each responder of the issuer until one gives a response that holds."""
        trouble: BridgeError = SourceFailed("no OCSP responder is known")
        certificate, issuer = link.certificates
        question = _question(certificate, issuer)
        for url in _urls(link, issuer):
            try:
                answered = await self._fetcher.fetch(
                    url, body=question, content_type=REQUEST_TYPE
                )
                if answered.status != _OK:
                    raise SourceFailed(f"status {answered.status}")
                answers = [read_ocsp(answered.body)]
                (status,) = require_good(
                    link, answers=answers, freshness_s=freshness_s, at=now
                )
            except BridgeError as error:
                if _is_final(error):
                    self._kept.pop(fingerprint(certificate), None)
                    raise
                trouble = error
            else:
                return _Kept(answered.body, status)
        if isinstance(trouble, SourceFailed):
            raise trouble
        raise SourceFailed(str(trouble))


def _is_final(error: BridgeError) -> bool:
    return getattr(error, "code", None) is Refusal.CERTIFICATE_REVOKED


def _urls(link: Chain, issuer: x509.Certificate) -> list[str]:
    return [
        responder.url
        for entry in link.authority.entries
        if entry.certificate == issuer
        for responder in entry.responders
    ]


def _question(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    # SHA-1 only names the certificate here (RFC 6960, 4.1.1), and X-Road's responders
    # know no other name.
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1())  # noqa: S303
    try:
        return builder.build().public_bytes(Encoding.DER)
    except ValueError:
        raise refused(Refusal.CERTIFICATE_MALFORMED) from None
