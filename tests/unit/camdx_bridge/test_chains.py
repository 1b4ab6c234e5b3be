"""From a certificate up to an approved authority: no link may be missing or unfit."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from camdx_bridge import ClientId, DocumentRefused, Refusal
from camdx_bridge.trust import ApprovedCa, SharedParameters
from camdx_bridge.trust.chains import Chain, find_chain
from camdx_bridge.trust.profiles import read_server, read_signer
from camdx_bridge.trust_lab import Authority, Holder
from camdx_bridge.trust_lab.authorities import name_of
from camdx_bridge.trust_lab.instance import PROFILE
from tests.xroad import NOW, bank, lab, lab_trust


def trusting(**how: object) -> SharedParameters:
    """The lab's trust with its authority changed; no intermediates are listed."""
    (authority,) = lab_trust().authorities
    changed: ApprovedCa = replace(authority, **{"intermediates": (), **how})  # type: ignore[arg-type]
    return replace(lab_trust(), authorities=(changed,))


def chain(
    certificate: x509.Certificate,
    *extra: x509.Certificate,
    trust: SharedParameters | None = None,
    **how: bool,
) -> Chain:
    return find_chain(
        certificate, extra=extra, trust=trust or trusting(), at=NOW, **how
    )


def refusal_of(*certificates: x509.Certificate, **how: object) -> Refusal:
    with pytest.raises(DocumentRefused) as refusal:
        chain(*certificates, **how)  # type: ignore[arg-type]
    return refusal.value.code


def test_what_came_along_fills_the_gap_to_the_top() -> None:
    own, between = bank().holder.certificate, lab().authority.certificate
    found = chain(own, between)
    assert found.certificates == (own, between, lab().root.certificate)
    assert refusal_of(own) is Refusal.AUTHORITY_UNKNOWN
    assert chain(own, trust=lab_trust()) == replace(
        found, authority=lab_trust().authorities[0]
    )


def test_an_authority_for_authentication_vouches_for_no_signature() -> None:
    own, between = bank().holder.certificate, lab().authority.certificate
    trust = trusting(authentication_only=True)
    assert refusal_of(own, between, trust=trust) is Refusal.AUTHORITY_UNKNOWN
    assert chain(own, between, trust=trust, may_authenticate_only=True)


def test_a_chain_longer_than_five_is_refused() -> None:
    authorities = [lab().root]
    for number in range(5):
        name = f"Number {number}"
        made = Authority.make(name, now=NOW, issuer=authorities[-1])
        authorities.append(made)
    extra = [one.certificate for one in authorities[1:]]
    short = authorities[3].issue(lab().sign_name("BANK"), now=NOW).certificate
    assert len(chain(short, *extra).certificates) == 5
    long = authorities[5].issue(lab().sign_name("BANK"), now=NOW).certificate
    assert refusal_of(long, *extra) is Refusal.AUTHORITY_UNKNOWN


def test_more_certificates_than_a_chain_needs_are_refused() -> None:
    own, between = bank().holder.certificate, lab().authority.certificate
    assert refusal_of(own, *[between] * 9) is Refusal.CERTIFICATE_MALFORMED


def made_by_hand(
    *, issuer: Holder, path_length: int | None = None, signs: bool = True
) -> Authority:
    """An authority with limits, or without the right to sign certificates."""
    key = rsa.generate_private_key(65537, 2048)
    usage = dict.fromkeys(
        ["digital_signature", "key_encipherment", "data_encipherment",
         "key_agreement", "crl_sign", "encipher_only", "decipher_only"], False
    )  # fmt: skip
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return Authority(
        key,
        x509.CertificateBuilder()
        .subject_name(name_of(common="By hand"))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(constraints, critical=True)
        .add_extension(
            x509.KeyUsage(content_commitment=not signs, key_cert_sign=signs, **usage),
            critical=True,
        )
        .sign(issuer.key, SHA256()),
    )


def test_an_authority_goes_no_deeper_than_it_may() -> None:
    top = made_by_hand(issuer=lab().root, path_length=0)
    below = made_by_hand(issuer=top)
    name = lab().sign_name("BANK")
    direct = top.issue(name, now=NOW).certificate
    assert chain(direct, top.certificate)
    deeper = below.issue(name, now=NOW).certificate
    extra = (below.certificate, top.certificate)
    assert refusal_of(deeper, *extra) is Refusal.AUTHORITY_UNKNOWN


def test_an_authority_that_may_sign_no_certificates_is_none() -> None:
    unfit = made_by_hand(issuer=lab().root, signs=False)
    own = unfit.issue(lab().sign_name("BANK"), now=NOW).certificate
    assert refusal_of(own, unfit.certificate) is Refusal.AUTHORITY_UNKNOWN


def test_a_weak_key_of_an_authority_is_refused() -> None:
    key = rsa.generate_private_key(65537, 1024)
    strong = made_by_hand(issuer=lab().root)
    weak = Authority(
        key,
        x509.CertificateBuilder()
        .subject_name(name_of(common="Weak"))
        .issuer_name(lab().root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(lab().root.key, SHA256()),
    )
    name = lab().sign_name("BANK")
    assert chain(strong.issue(name, now=NOW).certificate, strong.certificate)
    own = weak.issue(name, now=NOW).certificate
    assert refusal_of(own, weak.certificate) is Refusal.KEY_TOO_SMALL


def test_an_authority_that_was_renewed_is_found_beside_the_old_one() -> None:
    """The same key and name in an older certificate, listed first, is no obstacle."""
    (authority,) = lab_trust().authorities
    old = lab().root
    expired = Authority.make("Old", now=NOW - timedelta(days=9), days=3)
    entry = replace(authority.top, certificate=again(old, expired))
    outdated = replace(authority, top=entry)
    trust = replace(lab_trust(), authorities=(outdated, authority))
    own = bank().holder.certificate
    assert chain(own, trust=trust).authority == authority
    only = replace(trust, authorities=(outdated,))
    assert refusal_of(own, trust=only) is Refusal.AUTHORITY_EXPIRED


def again(authority: Authority, dates: Authority) -> x509.Certificate:
    """The certificate of an authority with the dates of another one."""
    own = authority.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(own.subject)
        .issuer_name(own.subject)
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(dates.certificate.not_valid_before_utc)
        .not_valid_after(dates.certificate.not_valid_after_utc)
    )
    for extension in own.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(authority.key, SHA256())


def test_another_profile_is_not_guessed_at() -> None:
    certificate = bank().holder.certificate
    assert read_signer(certificate, PROFILE).member == ClientId(
        "CAMBODIA", "GOV", "BANK"
    )
    # The name of CamDX's own class is not known: the shape decides.
    assert read_signer(certificate, "kh.gov.camdx.CamdxProfile")
    other = PROFILE.replace("FiVRK", "EjbcaSign")
    with pytest.raises(DocumentRefused) as refusal:
        read_signer(certificate, other)
    assert refusal.value.code is Refusal.PROFILE_UNKNOWN


def test_an_authentication_certificate_names_its_server() -> None:
    name = name_of(
        country="KH",
        organization="Bank",
        common="ss.bank.example",
        serial="CAMBODIA/SS1/GOV",
    )
    held = lab().authority.issue(name, now=NOW, usage="digital_signature")
    found = read_server(held.certificate, PROFILE)
    assert (found.instance, found.server_code) == ("CAMBODIA", "SS1")
    assert (found.member_class, found.dns_name) == ("GOV", "ss.bank.example")


def test_a_key_of_another_kind_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP192R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name_of(common="Small curve"))
        .issuer_name(lab().root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(lab().root.key, SHA256())
    )
    own = (
        x509.CertificateBuilder()
        .subject_name(lab().sign_name("BANK"))
        .issuer_name(certificate.subject)
        .public_key(bank().holder.key.public_key())
        .serial_number(3)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, SHA256())
    )
    assert refusal_of(own, certificate) is Refusal.KEY_TOO_SMALL
