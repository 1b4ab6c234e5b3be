"""Containers of our own, made with real keys and then spoilt, each in one way."""

import re
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest

from camdx_bridge import DocumentUnusable, Refusal
from camdx_bridge.documents import Verdict, Warned, judge_container
from camdx_bridge.documents.containers import (
    MESSAGE,
    SIG_CHAIN,
    SIG_RESULT,
    SIGNATURES,
)
from camdx_bridge.documents.signing import Credentials
from camdx_bridge.formats.zip_files import read_zip
from camdx_bridge.trust import read_shared_parameters
from camdx_bridge.trust.certificates import der_of
from camdx_bridge.trust_lab import (
    Authority,
    Holder,
    LabInstance,
    OcspDesk,
    TimestampDesk,
)
from camdx_bridge.trust_lab.authorities import OCSP_SIGNING, name_of
from tests.xroad import (
    NOW,
    REQUEST,
    bank,
    changed,
    judged,
    lab,
    request_alone,
    request_with_body,
    with_signatures,
    zipped,
)


def refusal_of(data: bytes) -> Refusal | None:
    """The code of an invalid container; None would be a valid one."""
    found = judged(data)
    assert found.verified is None or found.verdict is Verdict.VALID
    return found.code


def signed(**how: object) -> bytes:
    """A container of the bank's, signed with something unusual."""
    options: dict[str, object] = {"by": bank().holder, "at": NOW, **how}
    return lab().container(REQUEST, **options)  # type: ignore[arg-type]


# What was said.


def test_what_we_sign_is_valid_and_says_who_and_what() -> None:
    for data, covered in (
        (request_alone(), (MESSAGE,)),
        (request_with_body(), ("attachment1", MESSAGE)),
    ):
        found = judged(data)
        assert found.verdict is Verdict.VALID, found
        assert found.verified
        assert found.verified.signer == bank().id
        assert found.verified.stamped_at == NOW + timedelta(seconds=1)
        assert found.verified.covered == covered
        assert found.verified.warnings == ()


def test_a_tampered_head_is_refused() -> None:
    other = REQUEST.replace(b"/check", b"/erase")
    assert refusal_of(changed(request_alone(), message_xml=other)) is (
        Refusal.DIGEST_MISMATCH
    )
    assert refusal_of(changed(request_with_body(), message_xml=other)) is (
        Refusal.HASH_CHAIN_REFERENCE
    )


def test_a_tampered_body_is_refused() -> None:
    spoilt = changed(request_with_body(), attachment1=b"{}")
    assert refusal_of(spoilt) is Refusal.HASH_CHAIN_REFERENCE


def test_a_tampered_attachment_is_refused() -> None:
    files = {"attachment1": b"one", "attachment2": b"two"}
    data = signed(attachments=files)
    assert judged(data).verdict is Verdict.VALID
    assert refusal_of(changed(data, attachment2=b"2")) is Refusal.HASH_CHAIN_REFERENCE


def test_an_attachment_that_was_put_in_is_refused() -> None:
    for data, code in (
        (request_alone(), Refusal.PART_NOT_SIGNED),
        (request_with_body(), Refusal.HASH_CHAIN_UNUSED_INPUT),
    ):
        assert refusal_of(changed(data, attachment7=b"more")) is code


def test_an_attachment_that_was_taken_away_is_told() -> None:
    found = judged(changed(request_with_body(), attachment1=None))
    assert found.verified
    assert found.verified.unverified == ("attachment1",)
    assert found.verified.warnings == (Warned.ATTACHMENTS_MISSING,)


def test_a_file_that_nobody_signed_is_told() -> None:
    found = judged(changed(request_alone(), note_txt=b"believe me"))
    assert found.verified
    assert found.verified.unsigned == ("note.txt",)
    assert found.verified.warnings == (Warned.FILES_NOT_SIGNED,)


def test_a_swapped_chain_is_refused() -> None:
    other = read_zip(signed(attachments={"attachment1": b"other"}))
    chain, result = other[SIG_CHAIN], other[SIG_RESULT]
    only_chain = changed(request_with_body(), **{"sig-hashchain_xml": chain})
    assert refusal_of(only_chain) is Refusal.HASH_CHAIN_REFERENCE
    both = changed(
        request_with_body(),
        **{"sig-hashchain_xml": chain, "sig-hashchainresult_xml": result},
        attachment1=b"other",
    )
    assert refusal_of(both) is Refusal.DIGEST_MISMATCH


def test_a_chain_that_gives_another_result_is_refused() -> None:
    data = request_with_body()
    chain = read_zip(data)[SIG_CHAIN]
    value = f"<ns2:HashValue><DigestValue>{'A' * 86}==</DigestValue></ns2:HashValue>"
    spoilt = chain.replace(
        b"    </ns2:HashStep>", value.encode() + b"</ns2:HashStep>", 1
    )
    assert spoilt != chain
    assert refusal_of(changed(data, **{"sig-hashchain_xml": spoilt})) is (
        Refusal.HASH_CHAIN_RESULT
    )


def test_a_chain_that_is_not_there_is_refused() -> None:
    gone = changed(request_with_body(), **{"sig-hashchain_xml": None})
    assert refusal_of(gone) is Refusal.HASH_CHAIN_REFERENCE
    gone = changed(request_with_body(), **{"sig-hashchainresult_xml": None})
    assert refusal_of(gone) is Refusal.REFERENCE_MISSING


def test_a_log_without_bodies_is_valid_only_when_that_is_allowed_and_says_so() -> None:
    head = REQUEST.replace(b"Content-Type:application/json\r\n", b"")
    for whole in (request_alone(), request_with_body()):
        names = {"attachment1": None} if "attachment1" in read_zip(whole) else {}
        data = changed(whole, message_xml=head, **names)
        assert judged(data).verdict is Verdict.INVALID
        found = judged(data, withheld=True)
        assert found.verdict is Verdict.VALID
        assert found.verified
        assert found.verified.signer == bank().id
        assert found.verified.covered == ()
        assert MESSAGE in found.verified.unverified
        assert found.verified.head is None
        assert Warned.MESSAGE_WITHHELD in found.verified.warnings


# The signature.


def test_a_changed_signature_value_is_refused() -> None:
    def change(text: bytes) -> bytes:
        value = re.search(rb'"signature-value">(.)', text)
        assert value
        other = b"B" if value[1] == b"A" else b"A"
        return text[: value.start(1)] + other + text[value.end(1) :]

    # The stamp is over the value, so it is the first to disagree.
    data = with_signatures(request_alone(), change)
    assert refusal_of(data) is Refusal.TIMESTAMP_MISMATCH


def test_a_signature_by_another_key_than_the_certificates_is_refused() -> None:
    stranger = Holder(lab().members[1].holder.key, bank().holder.certificate)
    assert refusal_of(signed(by=stranger)) is Refusal.SIGNATURE_VALUE


def test_a_changed_signing_time_is_refused() -> None:
    data = with_signatures(request_alone(), lambda t: t.replace(b"2026-11", b"2025-11"))
    assert refusal_of(data) is Refusal.DIGEST_MISMATCH


@pytest.mark.parametrize("time", ["yesterday", "9999-12-31T23:59:59-23:59"])
def test_a_signing_time_that_is_none_is_refused(time: str) -> None:
    data = with_signatures(
        request_alone(),
        lambda t: re.sub(rb"SigningTime>[^<]*<", f"SigningTime>{time}<".encode(), t),
    )
    assert refusal_of(data) is Refusal.SIGNATURE_MALFORMED


def test_a_certificate_that_was_exchanged_is_refused() -> None:
    """The same key in another certificate: only the signed digest tells."""
    holder = bank().holder
    again = lab().authority.issue(lab().sign_name("BANK"), now=NOW, key=holder.key)
    own, other = (b64encode(der_of(one.certificate)) for one in (holder, again))
    data = with_signatures(request_alone(), lambda t: t.replace(own, other))
    assert refusal_of(data) is Refusal.SIGNATURE_MALFORMED


def test_signature_wrapping_is_refused() -> None:
    """The signed properties are moved aside, and others put in their place."""

    def wrap(text: bytes) -> bytes:
        found = re.search(rb"<xades:SignedProperties .*</xades:SignedProperties>", text)
        assert found
        forged = found[0].replace(b"2026", b"2020")
        aside = b"<ds:Object>" + found[0] + b"</ds:Object></ds:Signature>"
        text = text.replace(found[0], forged)
        return text.replace(b"</ds:Signature>", aside)

    assert refusal_of(with_signatures(request_alone(), wrap)) is Refusal.DUPLICATE_ID

    def wrap_renamed(text: bytes) -> bytes:
        wrapped = wrap(text)
        return wrapped.replace(b'Id="signed-properties"', b'Id="other"', 1)

    data = with_signatures(request_alone(), wrap_renamed)
    assert refusal_of(data) is Refusal.SIGNATURE_MALFORMED


def test_two_signatures_in_one_document_are_refused() -> None:
    def twice(text: bytes) -> bytes:
        found = re.search(rb"<ds:Signature .*</ds:Signature>", text)
        assert found
        other = re.sub(rb'Id="', b'Id="second-', found[0])
        return text.replace(found[0], found[0] + other)

    data = with_signatures(request_alone(), twice)
    assert refusal_of(data) is Refusal.SIGNATURE_MALFORMED


def test_duplicate_ids_are_refused() -> None:
    data = with_signatures(
        request_alone(),
        lambda t: t.replace(b'Id="signature-value"', b'Id="signed-properties"'),
    )
    assert refusal_of(data) is Refusal.DUPLICATE_ID


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b'URI="/message.xml"', b'URI="/other.xml"', Refusal.REFERENCE_MISSING),
        (b'URI="/message.xml"', b'URI="https://x"', Refusal.REFERENCE_UNKNOWN),
        (b'URI="#signed-properties"', b'URI="#signature"', Refusal.REFERENCE_UNKNOWN),
        (b'Target="#signature"', b'Target="#x"', Refusal.SIGNATURE_MALFORMED),
        (b"rsa-sha512", b"rsa-sha1", Refusal.ALGORITHM_REFUSED),
        (b"xmlenc#sha512", b"xmldsig#sha1", Refusal.ALGORITHM_REFUSED),
        (b"REC-xml-c14n-20010315", b"REC-xml-c14n-2#", Refusal.ALGORITHM_REFUSED),
    ],
)
def test_a_signature_of_another_shape_is_refused(
    before: bytes, after: bytes, code: Refusal
) -> None:
    data = with_signatures(request_alone(), lambda t: t.replace(before, after))
    assert refusal_of(data) is code


DOCTYPE = b'<!DOCTYPE a [<!ENTITY e "x">]>'


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda t: t.replace(b"<asic", DOCTYPE + b"<asic", 1), Refusal.XML_DOCTYPE),
        (
            lambda t: t.replace(
                b"<asic", b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><asic', 1
            ),
            Refusal.XML_DOCTYPE,
        ),
        (lambda t: t.replace(b"<ds:Key", b"&e;<ds:Key"), Refusal.XML_MALFORMED),
        (lambda _: b"<a>" * 100 + b"</a>" * 100, Refusal.XML_TOO_DEEP),
        (lambda _: b"<a>" + b"<b/>" * 300_000 + b"</a>", Refusal.XML_TOO_LARGE),
        (lambda _: b"x" * (9 * 1024 * 1024), Refusal.XML_TOO_LARGE),
        (lambda t: t.decode().encode("utf-16"), Refusal.XML_ENCODING),
        (lambda t: t.replace(b"UTF-8", b"ISO-8859-1", 1), Refusal.XML_ENCODING),
        (lambda t: t[:-9], Refusal.XML_MALFORMED),
    ],
)  # fmt: skip
def test_hostile_xml_is_refused(spoil: object, code: Refusal) -> None:
    data = with_signatures(request_alone(), spoil)  # type: ignore[arg-type]
    assert refusal_of(data) is code


def test_a_chain_that_goes_round_in_a_circle_is_refused() -> None:
    chain = read_zip(request_with_body())[SIG_CHAIN]
    circle = re.sub(rb"<ns2:DataRef.*</ns2:DataRef>\s*", b"", chain, flags=re.DOTALL)
    circle = circle.replace(b"</ns2:HashStep>", b'<ns2:StepRef URI="#STEP0"/>'
                                                b"</ns2:HashStep>")  # fmt: skip
    data = changed(request_with_body(), **{"sig-hashchain_xml": circle})
    assert refusal_of(data) is Refusal.HASH_CHAIN_MALFORMED


def test_a_chain_whose_steps_multiply_is_refused() -> None:
    """Each step asks for the next one twice: 2 to the 16 steps in a small file."""
    chain = read_zip(request_with_body())[SIG_CHAIN]
    last = f"<ns2:HashValue><DigestValue>{'A' * 86}==</DigestValue></ns2:HashValue>"
    values = [f'<ns2:StepRef URI="#STEP{n + 1}"/>' * 2 for n in range(16)] + [last]
    steps = "".join(
        f'<ns2:HashStep id="STEP{n}">{value}</ns2:HashStep>'
        for n, value in enumerate(values)
    )
    begin = chain[: chain.index(b"<ns2:HashStep")]
    bomb = begin + steps.encode() + b"</ns2:HashChain>"
    data = changed(request_with_body(), **{"sig-hashchain_xml": bomb})
    assert refusal_of(data) is Refusal.HASH_CHAIN_MALFORMED


# Who signed.


def test_the_wrong_member_in_the_certificate_is_refused() -> None:
    assert refusal_of(signed(by=lab().members[1].holder)) is Refusal.SIGNER_MISMATCH


def test_a_member_of_another_instance_is_refused() -> None:
    """Even in a message of that instance: our authorities do not speak for it."""
    name = name_of(country="KH", organization="x", common="BANK", serial="DEV/S/GOV")
    holder = lab().authority.issue(name, now=NOW)
    message = REQUEST.replace(b"CAMBODIA/GOV/BANK", b"DEV/GOV/BANK")
    data = lab().container(message, by=holder, at=NOW)
    assert refusal_of(data) is Refusal.SIGNER_MISMATCH


@pytest.mark.parametrize(
    "parts",
    [
        {"country": "FR", "common": "BANK", "serial": "CAMBODIA/S/GOV"},
        {"country": "KH", "common": "BANK", "serial": "CAMBODIA/GOV"},
        {"country": "KH", "common": "BANK", "serial": "CAMBODIA/S/GOV/X"},
        {"country": "KH", "common": "BANK", "serial": "CAMBODIA//GOV"},
        {"country": "KH", "common": "BANK"},
        {"country": "KH", "serial": "CAMBODIA/S/GOV"},
        {"common": "BANK", "serial": "CAMBODIA/S/GOV"},
    ],
)
def test_a_certificate_that_names_no_member_is_refused(parts: dict[str, str]) -> None:
    holder = lab().authority.issue(name_of(**parts), now=NOW)
    assert refusal_of(signed(by=holder)) is Refusal.SIGNER_UNNAMED


def test_a_certificate_that_is_not_for_signing_is_refused() -> None:
    holder = lab().authority.issue(
        lab().sign_name("BANK"), now=NOW, usage="digital_signature"
    )
    assert refusal_of(signed(by=holder)) is Refusal.CERTIFICATE_USAGE


def test_an_unknown_authority_is_refused() -> None:
    stranger = LabInstance.make("CAMBODIA", now=NOW)
    holder = stranger.add_member("BANK").holder
    credentials = stranger.credentials(holder, at=NOW)
    data = signed(by=holder, credentials=credentials)
    # The names are all the same; only the keys differ.
    assert stranger.root.certificate.subject == lab().root.certificate.subject
    assert refusal_of(data) is Refusal.AUTHORITY_UNKNOWN


def test_a_member_cannot_be_an_authority() -> None:
    """A sign certificate that signs another one is no link of a chain."""
    held = bank().holder
    forged = Authority(held.key, held.certificate).issue(
        lab().sign_name("REGISTER"), now=NOW
    )
    given = lab().credentials(held, at=NOW)
    credentials = Credentials(
        certificate=forged.certificate,
        intermediates=(held.certificate, *given.intermediates),
        ocsp_responses=given.ocsp_responses,
    )
    data = signed(by=forged, credentials=credentials)
    assert refusal_of(data) is Refusal.AUTHORITY_UNKNOWN


def test_an_expired_certificate_is_refused() -> None:
    holder = lab().authority.issue(lab().sign_name("BANK"), now=NOW, days=2)
    assert judged(signed(by=holder)).verdict is Verdict.VALID
    late = signed(by=holder, at=NOW + timedelta(days=3))
    assert refusal_of(late) is Refusal.CERTIFICATE_EXPIRED


def test_an_expired_authority_is_refused() -> None:
    made = LabInstance.make("CAMBODIA", now=NOW)
    root = Authority.make("Short top CA", now=NOW, days=2)
    made.root = made.authority = root
    made.ocsp = made.root_ocsp = OcspDesk.make(root, now=NOW)
    holder = made.add_member("BANK").holder
    for at, code in ((NOW, None), (NOW + timedelta(days=3), Refusal.AUTHORITY_EXPIRED)):
        own = Credentials(
            certificate=holder.certificate,
            ocsp_responses=(made.ocsp.answer(holder.certificate, at=at),),
        )
        data = made.container(REQUEST, by=holder, at=at, credentials=own)
        assert judge_container(data, trust=made.trust).code is code


# Whether the certificate was good.


def with_ocsp(*responses: bytes) -> Credentials:
    return Credentials(
        certificate=bank().holder.certificate,
        intermediates=(lab().authority.certificate,),
        ocsp_responses=responses,
    )


def of_intermediate() -> bytes:
    return lab().root_ocsp.answer(lab().authority.certificate, at=NOW)


def of_bank(**how: object) -> bytes:
    options: dict[str, object] = {"at": NOW, **how}
    return lab().ocsp.answer(bank().holder.certificate, **options)  # type: ignore[arg-type]


def ocsp_refusal(*responses: bytes) -> Refusal | None:
    return refusal_of(signed(credentials=with_ocsp(*responses)))


def test_a_missing_ocsp_response_is_refused() -> None:
    assert ocsp_refusal() is Refusal.OCSP_MISSING
    assert ocsp_refusal(of_intermediate()) is Refusal.OCSP_MISSING
    assert ocsp_refusal(of_bank()) is Refusal.OCSP_MISSING
    assert ocsp_refusal(of_bank(), of_intermediate()) is None


def test_an_ocsp_response_about_another_certificate_is_refused() -> None:
    other = lab().ocsp.answer(lab().members[1].holder.certificate, at=NOW)
    assert ocsp_refusal(other, of_intermediate()) is Refusal.OCSP_MISSING


def test_a_stale_ocsp_response_is_refused() -> None:
    hour = timedelta(hours=1)
    fresh = of_bank(at=NOW - hour + timedelta(seconds=1))
    assert ocsp_refusal(fresh, of_intermediate()) is None
    stale = of_bank(at=NOW - hour)
    assert ocsp_refusal(stale, of_intermediate()) is Refusal.OCSP_STALE
    # A far nextUpdate does not make it fresh; a near one makes it stale.
    stale = of_bank(at=NOW - hour, next_update=NOW + hour)
    assert ocsp_refusal(stale, of_intermediate()) is Refusal.OCSP_STALE
    lapsed = of_bank(at=NOW - timedelta(minutes=9), next_update=NOW)
    assert ocsp_refusal(lapsed, of_intermediate()) is Refusal.OCSP_STALE


def test_an_ocsp_response_from_the_future_is_refused() -> None:
    later = of_bank(at=NOW + timedelta(minutes=6))
    assert ocsp_refusal(later, of_intermediate()) is Refusal.OCSP_FUTURE


def test_a_revoked_certificate_is_refused() -> None:
    desk = OcspDesk(lab().authority, lab().ocsp.responder)
    desk.revoked[bank().holder.certificate.serial_number] = NOW - timedelta(days=1)
    revoked = desk.answer(bank().holder.certificate, at=NOW)
    assert ocsp_refusal(revoked, of_intermediate()) is Refusal.CERTIFICATE_REVOKED
    # An older good answer beside it changes nothing.
    both = ocsp_refusal(of_bank(), revoked, of_intermediate())
    assert both is Refusal.CERTIFICATE_REVOKED


def test_an_ocsp_response_by_a_stranger_is_refused() -> None:
    stranger = Authority.make("Stranger", now=NOW)
    delegate = stranger.issue(
        lab().ocsp.responder.certificate.subject, now=NOW, purpose=OCSP_SIGNING
    )
    forged = of_bank(signer=delegate)
    assert ocsp_refusal(forged, of_intermediate()) is Refusal.OCSP_SIGNATURE
    forged = of_bank(signer=stranger)
    assert ocsp_refusal(forged, of_intermediate()) is Refusal.OCSP_SIGNER


def test_an_ocsp_response_by_the_signer_himself_is_refused() -> None:
    own = of_bank(signer=bank().holder)
    assert ocsp_refusal(own, of_intermediate()) is Refusal.OCSP_SIGNER


def test_a_delegate_of_the_authority_may_answer_though_unlisted() -> None:
    name = name_of(common="Second responder")
    delegate = lab().authority.issue(name, now=NOW, purpose=OCSP_SIGNING)
    assert ocsp_refusal(of_bank(signer=delegate), of_intermediate()) is None
    unfit = lab().authority.issue(name, now=NOW)
    assert ocsp_refusal(of_bank(signer=unfit), of_intermediate()) is (
        Refusal.OCSP_SIGNER
    )


def test_a_responder_whose_certificate_expired_is_refused() -> None:
    name = name_of(common="Short responder")
    brief = lab().authority.issue(name, now=NOW, purpose=OCSP_SIGNING, days=2)
    for at, code in ((NOW, None), (NOW + timedelta(days=3), Refusal.OCSP_SIGNER)):
        between = lab().root_ocsp.answer(lab().authority.certificate, at=at)
        own = with_ocsp(of_bank(signer=brief, at=at), between)
        assert refusal_of(signed(credentials=own, at=at)) is code


def test_an_ocsp_response_that_is_none_is_refused() -> None:
    assert ocsp_refusal(b"\x30\x00") is Refusal.OCSP_MALFORMED


# When.


def test_a_missing_time_stamp_is_refused() -> None:
    data = with_signatures(
        request_alone(),
        lambda t: re.sub(
            rb"<xades:SignatureTimeStamp>.*</xades:SignatureTimeStamp>", b"", t
        ),
    )
    assert refusal_of(data) is Refusal.TIMESTAMP_MISSING


def test_the_wrong_time_stamping_authority_is_refused() -> None:
    unlisted = TimestampDesk.make(lab().authority, now=NOW)
    assert refusal_of(signed(tsa=unlisted)) is Refusal.TIMESTAMP_AUTHORITY
    stranger = Authority.make("Stranger", now=NOW)
    subject = lab().tsa.holder.certificate.subject
    forged = TimestampDesk(stranger.issue(subject, now=NOW))
    assert refusal_of(signed(tsa=forged)) is Refusal.TIMESTAMP_AUTHORITY


def test_a_time_stamp_by_another_key_in_the_authoritys_name_is_refused() -> None:
    own = lab().tsa.holder.certificate
    forged = TimestampDesk(Holder(bank().holder.key, own))
    assert refusal_of(signed(tsa=forged)) is Refusal.TIMESTAMP_SIGNATURE


def test_a_time_stamp_whose_time_was_changed_is_refused() -> None:
    """The signature of a token is over a digest of its content, not over the time."""

    def earlier(text: bytes) -> bytes:
        found = re.search(rb"<xades:EncapsulatedTimeStamp>([^<]*)<", text)
        assert found
        token = b64decode(found[1])
        assert token.count(b"20261128030001Z") == 1
        forged = token.replace(b"20261128030001Z", b"20261128025959Z")
        return text.replace(found[1], b64encode(forged))

    data = with_signatures(request_alone(), earlier)
    assert refusal_of(data) is Refusal.TIMESTAMP_SIGNATURE


def test_a_certificate_that_is_not_for_stamping_is_no_authority() -> None:
    holder = lab().authority.issue(name_of(common="TSA"), now=NOW)
    made = LabInstance(
        lab().instance, NOW, lab().root, lab().authority, lab().ocsp, lab().root_ocsp,
        TimestampDesk(holder), lab().members,
    )  # fmt: skip
    data = made.container(REQUEST, by=bank().holder, at=NOW)
    assert judge_container(data, trust=made.trust).code is Refusal.TIMESTAMP_AUTHORITY


def test_a_time_stamp_over_something_else_is_refused() -> None:
    other = read_zip(signed(attachments={"attachment1": b"other"}))[SIGNATURES]
    pattern = rb"<xades:SignatureTimeStamp>.*</xades:SignatureTimeStamp>"
    stamp = re.search(pattern, other)
    assert stamp
    data = with_signatures(request_alone(), lambda t: re.sub(pattern, stamp[0], t))
    assert refusal_of(data) is Refusal.TIMESTAMP_MISMATCH


# The file itself.


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Refusal.NOT_A_ZIP),
        (b"PK\x05\x06" + bytes(18), Refusal.NOT_A_CONTAINER),
        (zipped({"mimetype": b"text/plain"}), Refusal.NOT_A_CONTAINER),
        (zipped({"a": b"1", "../b": b"2"}), Refusal.ENTRY_NAME),
    ],
)
def test_what_is_no_container_is_unusable(data: bytes, code: Refusal) -> None:
    found = judged(data)
    assert (found.verdict, found.code) == (Verdict.UNUSABLE, code)


def test_a_container_without_message_or_signature_is_unusable() -> None:
    for gone in ({"message_xml": None}, {"META-INF__signatures_xml": None}):
        found = judged(changed(request_alone(), **gone))
        assert (found.verdict, found.code) == (
            Verdict.UNUSABLE,
            Refusal.NOT_A_CONTAINER,
        )


def test_trust_that_cannot_be_read_is_no_verdict_on_anything() -> None:
    text = lab().shared_params()
    with pytest.raises(DocumentUnusable) as refusal:
        read_shared_parameters(text.replace(b"approvedTSA", b"approvedXXX", 1))
    assert refusal.value.code is Refusal.TRUST_MALFORMED
