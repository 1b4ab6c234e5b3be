"""A relying party's TLS certificate, as the proxy in front hands it on (RFC 8705).

The proxy ends TLS and proves that the caller holds the key; it writes the certificate
into `Client-Cert` and what came with it into `Client-Cert-Chain` (RFC 9440). Both are
believed only from a peer in `trusted_proxies` and only at `mtls_origin`: what anybody
else writes there is never read, nor what comes through a proxy by an address where it
asks for no certificate and may not know that it had to delete the header. A proxy that
serves self-signed certificates cannot judge chains, so they are judged here, against
`tls_client_ca_file`.

    tls_client_auth               a chain to that file, and the registered name
    self_signed_tls_client_auth   a public key of the party's registered JWKS
"""

from base64 import b64decode as standard_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from idp.domain import signing_algorithms as signing
from idp.domain.client_keys import Jwk, bare_key
from idp.domain.relying_parties import SELF_SIGNED_TLS, TLS, RelyingParty
from idp.errors import Malformed, RelyingPartyUnknown
from idp.oidc.errors import ProtocolRefusal
from idp.services import Services
from idp.settings import IdpSettings
from idp.storage.columns import b64encode

PEER = "camdigikey.peer"
MAX_HEADER = 16 * 1024
LONGEST_CHAIN = 4
ALIASED = (
    "token_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "pushed_authorization_request_endpoint",
    "backchannel_authentication_endpoint",
)
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class RememberPeer:
    """Note who is connected, before anything undoes proxies (outermost, ASGI)."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its peer's address beside it."""
        scope[PEER] = (scope.get("client") or ("", 0))[0]
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate whose key the caller holds; nothing else of it is checked."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @cached_property
    def thumbprint(self) -> str:
        """The base64url SHA-256 of its DER: `x5t#S256` (RFC 8705, 3.1)."""
        return b64encode(self.certificate.fingerprint(SHA256()))


def certificate_of(services: Services, request: Request) -> ClientCertificate | None:
    """Return the caller's certificate, if a trusted proxy tells of one.

    Raises ProtocolRefusal for one that cannot be read.
    """
    client = request.scope.get("client") or ("", 0)
    peer = str(request.scope.get(PEER, client[0]))
    given = request.headers.getlist("client-cert")
    settings = services.settings
    if not given or not is_trusted(peer, settings.trusted_proxies):
        return None
    if not is_mtls_origin(request, settings.mtls_origin):
        return None
    chain = ",".join(request.headers.getlist("client-cert-chain"))
    if len(given) > 1 or len(given[0]) + len(chain) > MAX_HEADER:
        raise ProtocolRefusal("invalid_request", "the client certificate")
    try:
        parts = [part.strip() for part in chain.split(",") if part.strip()]
        found = ClientCertificate(
            _certificate(given[0]),
            tuple(_certificate(part) for part in parts[:LONGEST_CHAIN]),
        )
    except UNREADABLE as error:
        raise ProtocolRefusal("invalid_request", "the client certificate") from error
    return found


def is_mtls_origin(request: Request, origin: str) -> bool:
    """Say whether a request came to where certificates are asked for. Pure."""
    named = [host.lower() for host in request.headers.getlist("host")]
    return bool(origin) and named == [urlsplit(origin).netloc.lower()]


def _certificate(item: str) -> x509.Certificate:
    """Read a byte sequence of RFC 8941, 3.3.5 as a certificate."""
    text = item.strip()
    if not text.startswith(":") or not text.endswith(":"):
        raise ValueError("not a byte sequence")
    der = standard_b64decode(text[1:-1], validate=True)
    return x509.load_der_x509_certificate(der)


def is_trusted(peer: str, proxies: tuple[str, ...]) -> bool:
    """Say whether a peer is one of the proxies, addresses or networks. Pure.

    A star trusts nobody here: it may do for an address, never for an identity.
    """
    try:
        address = ip_address(peer)
        return any(
            address in ip_network(proxy, strict=False)
            for proxy in proxies
            if proxy != "*"
        )
    except ValueError:
        return False


async def verify_client_certificate(
    services: Services, request: Request, party: RelyingParty
) -> None:
    """Authenticate a party by its certificate (RFC 8705, 2).

    Raises RelyingPartyUnknown, ProtocolRefusal, Unavailable.
    """
    found = certificate_of(services, request)
    if found is None:
        raise RelyingPartyUnknown("no client certificate")
    certificate, now = found.certificate, services.clock.now()
    is_valid = (
        certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    )
    if not is_valid:
        raise RelyingPartyUnknown("the certificate is not valid now")
    if party.auth_method == TLS:
        _check_chain(services, found)
        if not has_registered_name(certificate, party):
            raise RelyingPartyUnknown("another name than the registered one")
    elif party.auth_method == SELF_SIGNED_TLS:
        await _check_registered_key(services, party, certificate)
    else:
        raise RelyingPartyUnknown("not the registered method")


def _check_chain(services: Services, found: ClientCertificate) -> None:
    path = services.settings.tls_client_ca_file
    if path is None:
        raise RelyingPartyUnknown("no authority of client certificates is set")
    policy = PolicyBuilder().store(_authorities(path)).time(services.clock.now())
    try:
        policy.build_client_verifier().verify(found.certificate, list(found.chain))
    except (VerificationError, ValueError) as error:
        raise RelyingPartyUnknown("no chain to a known authority") from error


@lru_cache(maxsize=8)
def _authorities(path: Path) -> Store:
    return Store(x509.load_pem_x509_certificates(path.read_bytes()))


def has_registered_name(certificate: x509.Certificate, party: RelyingParty) -> bool:
    """Say whether the certificate is in the one registered name. Pure.

    RFC 8705, 2.1.2: the subject (RFC 4514), or one subject alternative name.
    """
    named = party.metadata
    try:
        if named.tls_client_auth_subject_dn:
            registered = x509.Name.from_rfc4514_string(named.tls_client_auth_subject_dn)
            return certificate.subject == registered
        names = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        if named.tls_client_auth_san_dns:
            dns = names.get_values_for_type(x509.DNSName)
            return named.tls_client_auth_san_dns.lower() in map(str.lower, dns)
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        return bool(named.tls_client_auth_san_uri) and (
            named.tls_client_auth_san_uri in uris
        )
    except (*UNREADABLE, x509.ExtensionNotFound):
        return False


async def _check_registered_key(
    services: Services, party: RelyingParty, certificate: x509.Certificate
) -> None:
    """Find the certificate's key among the registered ones (RFC 8705, 2.2)."""
    try:
        wanted = thumbprint_of_key(certificate)
        for refresh in (False, True):
            keys = await services.client_keys.of(party, refresh=refresh)
            if any(_same(key, wanted) for key in keys):
                return
    except Malformed as error:
        raise RelyingPartyUnknown("not a key that is used here") from error
    raise RelyingPartyUnknown("not a registered certificate")


def thumbprint_of_key(certificate: x509.Certificate) -> str:
    """Return the RFC 7638 thumbprint of a certificate's key; raises Malformed."""
    try:
        key: Any = certificate.public_key()
    except UNREADABLE as error:
        raise Malformed("a key of no kind") from error
    kinds: Mapping[type, str] = {
        ec.EllipticCurvePublicKey: "ES256",
        ed25519.Ed25519PublicKey: "EdDSA",
        rsa.RSAPublicKey: "PS256",
    }
    alg = next((alg for kind, alg in kinds.items() if isinstance(key, kind)), None)
    if alg is None or (alg == "ES256" and key.curve.name != "secp256r1"):
        raise Malformed("a kind of key that is not used here")
    return signing.thumbprint(bare_key(signing.ALGORITHMS[alg].jwk(key)))


def _same(key: Jwk, wanted: str) -> bool:
    return signing.thumbprint(bare_key(key)) == wanted


def mtls_metadata(
    settings: IdpSettings, endpoints: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what discovery says of certificates (RFC 8705, 3.3 and 5). Pure.

    `endpoints` is the rest of the metadata; nothing is said without `mtls_origin`.
    """
    if not settings.mtls_origin:
        return {}
    aliases = {
        name: settings.mtls_origin + str(endpoints[name]).removeprefix(settings.issuer)
        for name in ALIASED
        if name in endpoints
    }
    return {
        "tls_client_certificate_bound_access_tokens": True,
        "mtls_endpoint_aliases": aliases,
    }


def mtls_methods(settings: IdpSettings) -> tuple[str, ...]:
    """Return the methods by certificate that work with these settings. Pure."""
    if not settings.mtls_origin or not settings.trusted_proxies:
        return ()
    if settings.tls_client_ca_file is None:
        return (SELF_SIGNED_TLS,)
    return (TLS, SELF_SIGNED_TLS)
