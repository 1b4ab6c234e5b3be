"""Whatever is handed in as signed, it is judged, or refused with a code of ours."""

import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from camdx_bridge import DocumentRefused
from camdx_bridge.documents import Link, Verdict, judge_container, read_archive
from camdx_bridge.documents.container_writing import write_archive
from camdx_bridge.documents.containers import SIG_CHAIN, SIG_RESULT, SIGNATURES
from camdx_bridge.documents.hash_chain import verify_hash_chain
from camdx_bridge.documents.message_heads import read_head
from camdx_bridge.documents.signatures import read_signature
from camdx_bridge.formats.multipart import read_multipart, read_part
from camdx_bridge.formats.xml_documents import parse_xml
from camdx_bridge.formats.zip_files import ZipLimits, read_zip
from camdx_bridge.trust import (
    read_anchor,
    read_directory,
    read_private_parameters,
    read_shared_parameters,
)
from camdx_bridge.trust.certificates import der_of, read_certificate
from camdx_bridge.trust.ocsp import read_ocsp
from camdx_bridge.trust.timestamps import verify_timestamp
from tests.xroad import (
    CONTAINERS,
    NOW,
    SAMPLES,
    judged,
    lab,
    request_with_body,
    sample_trust,
    zipped,
)

ANCHOR = (SAMPLES / "globalconf" / "configuration_anchor_CS_internal.xml").read_bytes()
SERVED = (SAMPLES / "globalconf" / "V6" / "internalconf").read_bytes()
PARTS = read_zip((CONTAINERS / "valid-batch-ts.asice").read_bytes())
WHOLE = read_zip((CONTAINERS / "valid-signed-hashchain.asice").read_bytes())
KEYS = read_anchor(ANCHOR).certificates
OCSP = read_signature(WHOLE[SIGNATURES]).ocsp_responses[0]
ARCHIVE = write_archive({"a.asice": b"1"}, Link("-", "-"))[0]
CERTIFICATE = der_of(sample_trust().timestampers[0].certificate)


@st.composite
def nearly(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes with a few places cut, doubled, exchanged, or written over."""
    spoilt = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(spoilt) - 1)))
        size = draw(st.integers(0, 40))
        put = draw(st.binary(max_size=8) | st.just(bytes(spoilt[at : at + size]) * 2))
        spoilt[at : at + size] = put
    return bytes(spoilt)


def quietly(read: Callable[[], Any]) -> Any:
    """Return what was read, or None for a refusal; anything else is a crash."""
    try:
        return read()
    except DocumentRefused as error:
        refusal = error
    assert refusal.code
    assert str(refusal).isprintable()
    return None


@given(st.binary(max_size=200) | nearly(zipped({"a": b"1" * 50, "b/c": b""})))
def test_any_bytes_are_a_zip_or_are_refused(data: bytes) -> None:
    limits = ZipLimits(size=10_000, entries=10, inflated=10_000)
    found = quietly(lambda: read_zip(data, limits))
    if found is None:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        names = [name for name in other.namelist() if not name.endswith("/")]
        assert found == {name: other.read(name) for name in names}


@given(st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_any_number_in_a_zip_may_lie(at: int, number: int) -> None:
    data = bytearray(zipped({"a": b"1" * 50, "b/c": b"2"}))
    at = min(at, len(data) - 4)
    struct.pack_into("<L", data, at, number)
    quietly(lambda: read_zip(bytes(data)))


@given(st.binary(max_size=300) | nearly(SERVED))
def test_any_bytes_are_a_served_configuration_or_are_refused(data: bytes) -> None:
    quietly(lambda: read_multipart(read_part(data), "related"))
    found = quietly(lambda: read_directory(data, certificates=KEYS, now=NOW))
    # What is not signed may differ: the outer headers, and what stands around.
    assert found is None or found.expires_at > NOW


XML = st.sampled_from(
    [b"<a>", b"</a>", b"<!DOCTYPE a>", b"<!--", b"-->", b"&x;", b"<![CDATA[", b"]]>",
     b"<?xml version='1.0'?>", b"<?p?>", b" xmlns='x'", b"<a b='c'/>", b"\xff", b"x"]
)  # fmt: skip


@given(st.lists(XML, max_size=12).map(b"".join) | nearly(WHOLE[SIGNATURES]))
def test_any_bytes_are_xml_or_are_refused(data: bytes) -> None:
    quietly(lambda: parse_xml(data))
    quietly(lambda: read_signature(data))


@given(st.sampled_from([0, 1]), st.data())
def test_any_configuration_file_is_read_or_is_refused(
    number: int, data: st.DataObject
) -> None:
    (folder,) = (p for p in (SAMPLES / "globalconf" / "V6").iterdir() if p.is_dir())
    name, read = [
        ("shared-params.xml", read_shared_parameters),
        ("private-params.xml", read_private_parameters),
    ][number]
    spoilt = data.draw(nearly((folder / name).read_bytes()))
    quietly(lambda: read(spoilt))  # type: ignore[operator]
    quietly(lambda: read_anchor(data.draw(nearly(ANCHOR))))


@given(st.binary(max_size=60) | nearly(OCSP))
def test_any_bytes_are_an_ocsp_response_or_are_refused(data: bytes) -> None:
    quietly(lambda: read_ocsp(data))


@given(st.binary(max_size=60) | nearly(CERTIFICATE))
def test_any_bytes_are_a_certificate_or_are_refused(data: bytes) -> None:
    quietly(lambda: read_certificate(data))


@settings(deadline=None)
@given(st.binary(max_size=60) | nearly(PARTS["META-INF/timestamp.tst"]))
def test_any_bytes_are_a_time_stamp_or_are_refused(data: bytes) -> None:
    stamped = PARTS["ts-hashchainresult.xml"]
    found = quietly(
        lambda: verify_timestamp(data, stamped=stamped, trust=sample_trust())
    )
    if found is not None:
        assert found.authority is sample_trust().timestampers[0]


@given(st.binary(max_size=60) | nearly(WHOLE["message.xml"]))
def test_any_bytes_are_a_message_or_are_refused(data: bytes) -> None:
    quietly(lambda: read_head(data))


@given(nearly(WHOLE[SIG_RESULT]), nearly(WHOLE[SIG_CHAIN]))
def test_a_spoilt_chain_holds_only_for_the_very_message(
    result: bytes, chain: bytes
) -> None:
    files = {**WHOLE, SIG_CHAIN: chain}
    found = quietly(
        lambda: verify_hash_chain(result, resolve=files.get, required={"message.xml"})
    )
    assert found is None or "message.xml" in found.verified


@given(st.binary(max_size=60) | nearly(ARCHIVE))
def test_any_bytes_are_an_archive_or_are_refused(data: bytes) -> None:
    quietly(lambda: read_archive(data))


@settings(deadline=None)
@given(st.sampled_from(sorted(read_zip(request_with_body()))), st.data())
def test_a_container_with_one_spoilt_file_proves_no_other_words(
    name: str, data: st.DataObject
) -> None:
    files = read_zip(request_with_body())
    spoilt = {**files, name: data.draw(nearly(files[name]))}
    found = judged(zipped(spoilt))
    if found.verdict is not Verdict.VALID:
        assert found.verified is None
        assert found.code
        return
    assert found.verified
    assert found.verified.signer == lab().members[0].id
    for part in found.verified.covered:
        assert spoilt[part] == files[part]


@settings(deadline=None)
@given(nearly(request_with_body()))
def test_a_spoilt_container_never_crashes(data: bytes) -> None:
    judge_container(data, trust=sample_trust())
    judged(data)
