"""openid-client 6 (JavaScript) is known by its certificate, over real TLS."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.domain.signing_algorithms import ALGORITHMS
from idp.storage.columns import b64encode
from tests.certificates import Authority, certificate
from tests.interop.node_program import running
from tests.interop.op import walk
from tests.interop.real_op import RealOp, open_real_op
from tests.tls_front import ADDRESS, Holder, front_context, tls_front
from tests.unit.sdk_web.serving import listen

BACK = "http://localhost:9/callback"
SUBJECT = "CN=portal,O=Ministry,C=KH"
ALIASED = ["/introspect", "/par", "/revoke", "/token", "/userinfo"]

pytestmark = pytest.mark.foreign


@dataclass(frozen=True)
class Case:
    """One method, the portal's certificate, and one that must not do."""

    method: str
    own: Holder
    other: Holder
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Guarded:
    """The provider behind TLS, and the certificates of this test."""

    op: RealOp
    ca: str
    cases: dict[str, Case]


def holder(subject: str = SUBJECT, **facts: Any) -> Holder:
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate(key, now=datetime.now(UTC), subject=subject, **facts)
    return Holder(key, made)


def by_chain(own: Authority, stranger: Authority) -> dict[str, Case]:
    """Return the ways to be another: another's authority, and another name."""
    ours = holder(issuer=own)
    subject = {"tls_client_auth_subject_dn": SUBJECT}
    named = {"tls_client_auth_san_dns": "portal.example"}
    neighbour = [x509.DNSName("neighbour.example")]
    return {
        "subject": Case(
            "tls_client_auth", ours, holder("CN=neighbour,C=KH", issuer=own), subject
        ),
        "authority": Case("tls_client_auth", ours, holder(issuer=stranger), subject),
        "dns": Case("tls_client_auth", ours, holder(issuer=own, san=neighbour), named),
    }


def self_signed() -> Case:
    own = holder()
    jwk = ALGORITHMS["ES256"].jwk(own.key.public_key())
    keys = {"jwks": {"keys": [{**jwk, "kid": "tls", "use": "sig", "alg": "ES256"}]}}
    # Of another name: OpenSSL finds trust anchors by their names.
    other = holder("CN=neighbour,C=KH")
    return Case("self_signed_tls_client_auth", own, other, keys)


@pytest.fixture
def guarded(sqlite_url: str, tmp_path: Path) -> Iterator[Guarded]:
    now = datetime.now(UTC)
    authority, stranger = Authority.make(now), Authority.make(now, name="CN=Other,C=KH")
    server = holder(
        "CN=localhost",
        issuer=authority,
        san=[x509.DNSName("localhost")],
        usage=ExtendedKeyUsageOID.SERVER_AUTH,
    )
    cases = {**by_chain(authority, stranger), "self-signed": self_signed()}
    alone = cases["self-signed"]
    clients = [authority.certificate, stranger.certificate]
    clients += [alone.own.certificate, alone.other.certificate]
    authorities = tmp_path / "clients.pem"
    authorities.write_bytes(authority.pem)
    context = front_context(server, clients, tmp_path)
    listener, front = listen(), listen()
    upstream = listener.getsockname()[1]
    with (
        open_real_op(
            listener,
            sqlite_url,
            trusted_proxies=(ADDRESS,),
            mtls_origin=f"https://localhost:{front.getsockname()[1]}",
            tls_client_ca_file=authorities,
        ) as op,
        tls_front(front, upstream=upstream, context=context),
    ):
        yield Guarded(op, authority.pem.decode(), cases)


@pytest.mark.parametrize("name", ["self-signed", "subject", "authority", "dns"])
def test_openid_client_is_known_by_its_certificate_and_nobody_else_is(
    guarded: Guarded, browser: httpx2.Client, name: str
) -> None:
    case = guarded.cases[name]
    register(guarded.op, case)
    with running("openid_client_mtls.mjs") as script:
        started = script.ask(
            {
                "issuer": guarded.op.issuer,
                "client_id": "ministry",
                "redirect_uri": BACK,
                "ca": guarded.ca,
                "own": case.own.as_client(),
                "other": case.other.as_client(),
            }
        )
        callback = walk(guarded.op, started["authorize"], browser)
        finished = script.ask({"callback": callback})
    thumbprint = b64encode(case.own.certificate.fingerprint(SHA256()))
    assert finished["claims"]["iss"] == guarded.op.issuer
    assert finished["token_type"].lower() == "bearer"
    assert finished["userinfo"]["sub"] == finished["claims"]["sub"]
    assert finished["afresh"] == finished["userinfo"]
    assert finished["introspected"]["active"] is True
    assert finished["introspected"]["cnf"] == {"x5t#S256": thumbprint}
    assert finished["aliased"] == ALIASED
    assert finished["active_afterwards"] is False
    see_others_refused(started, finished)


def see_others_refused(started: dict[str, Any], finished: dict[str, Any]) -> None:
    nobody_known = {"nobody": "invalid_client", "another": "invalid_client"}
    assert started["refused_requests"] == nobody_known
    assert finished["stolen_code"] == "invalid_client"
    assert finished["refused_refreshes"] == nobody_known
    presented = finished["presented"]
    assert presented.pop("own")[0] == 200
    assert len(presented) == 5
    for status, challenge in presented.values():
        assert status == 401
        assert 'error="invalid_token"' in challenge


def register(op: RealOp, case: Case) -> None:
    op.register(
        client_id="ministry",
        redirect_uris=[BACK],
        post_logout_redirect_uris=[],
        secret=None,
        auth_method=case.method,
        profile="fapi2",
        tls_client_certificate_bound_access_tokens=True,
        **case.metadata,
    )
