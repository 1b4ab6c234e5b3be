"""Zip files: read whole and alike by every reader, or refused."""

import io
import struct
import zipfile
import zlib

import pytest

from camdx_bridge import DocumentRefused, Refusal
from camdx_bridge.formats.zip_files import ZipLimits, read_zip
from tests.xroad import CONTAINERS, zipped

FILES = {"mimetype": b"x" * 40, "META-INF/a.xml": b"<a/>" * 50, "b": b""}
SMALL = ZipLimits(size=10_000, entries=8, inflated=5_000)


def refusal_of(data: bytes, limits: ZipLimits = SMALL) -> Refusal:
    with pytest.raises(DocumentRefused) as refusal:
        read_zip(data, limits)
    return refusal.value.code


def test_stored_and_deflated_entries_are_read() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", method) as archive:
            archive.comment = b"mimetype=x"
            for name, data in FILES.items():
                archive.writestr(name, data)
        assert read_zip(written.getvalue(), SMALL) == FILES


def test_entries_whose_sizes_come_after_them_are_read() -> None:
    class Stream(io.RawIOBase):
        """Writes like a socket: zipfile then puts descriptors after the data."""

        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for name, data in FILES.items():
            archive.writestr(name, data)
    assert read_zip(bytes(stream.data), SMALL) == FILES


def test_the_samples_read_as_another_reader_reads_them() -> None:
    for path in CONTAINERS.glob("*.asice"):
        with zipfile.ZipFile(path) as other:
            files = {n: other.read(n) for n in other.namelist() if n[-1] != "/"}
        assert read_zip(path.read_bytes()) == files


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped([("message.xml", b"good"), ("message.xml", b"bad")])
    assert refusal_of(data) is Refusal.DUPLICATE_ENTRY
    data = zipped([("message.xml", b"good"), ("Message.XML", b"bad")])
    assert refusal_of(data) is Refusal.DUPLICATE_ENTRY


@pytest.mark.parametrize(
    "name",
    ["../a", "/a", "a//b", "a/./b", "a\\b", "C:/a", "a\x01", "a\u202eb", "x" * 600],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    assert refusal_of(zipped({name: b"1"})) is Refusal.ENTRY_NAME


def test_a_zip_that_inflates_without_end_is_refused() -> None:
    bomb = zipped({"a": bytes(6_000)})
    assert len(bomb) < 200
    assert refusal_of(bomb) is Refusal.ZIP_BOMB
    assert refusal_of(zipped({str(n): b"" for n in range(9)})) is Refusal.ZIP_BOMB
    assert refusal_of(zipped({"a": bytes(range(256)) * 5}), ZipLimits(size=100)) is (
        Refusal.TOO_LARGE
    )


def test_a_zip_that_lies_about_what_it_inflates_to_is_stopped_in_time() -> None:
    """The headers say ten bytes; the stream would give a gibibyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()
    body = struct.pack("<3L2H", 0, len(packed), 10, 1, 0) + b"a"
    local = struct.pack("<4s5H", b"PK\x03\x04", 20, 0, 8, 0, 0) + body + packed
    central = struct.pack("<4s6H", b"PK\x01\x02", 20, 20, 0, 8, 0, 0)
    central += struct.pack("<3L5H2L", 0, len(packed), 10, 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0
    )
    data = local + central + end
    limits = ZipLimits(size=2**20, inflated=1_000)
    assert refusal_of(data, limits) is Refusal.ZIP_BOMB


def spoilt(find: bytes, put: bytes, *, count: int = -1) -> bytes:
    data = zipped(FILES)
    other = data.replace(find, put, count)
    assert other != data
    return other


def test_bytes_that_only_some_readers_would_see_are_refused() -> None:
    data = zipped(FILES)
    assert refusal_of(b"#!/bin/sh\n" + data) is Refusal.ZIP_AMBIGUOUS
    assert refusal_of(data + b"more") is Refusal.ZIP_AMBIGUOUS
    hidden = zipped({"hidden": b"1"})
    assert refusal_of(hidden + data) is Refusal.ZIP_AMBIGUOUS


def test_headers_that_disagree_are_refused() -> None:
    # The first is the local header's name, the last the directory's.
    assert refusal_of(spoilt(b"mimetype", b"mimetypo", count=1)) is (
        Refusal.ZIP_AMBIGUOUS
    )


@pytest.mark.parametrize(("hidden", "listed"), [(1, ["a", "c"]), (2, ["a", "b"])])
def test_an_entry_that_is_not_listed_is_refused(hidden: int, listed: list[str]) -> None:
    """A reader that streams would see it; one that uses the directory would not."""
    data = bytearray(zipped({"a": b"1", "b": b"2", "c": b"3"}))
    end = data.index(b"PK\x05\x06")
    size = (end - data.index(b"PK\x01\x02")) // 3
    place = end - (3 - hidden) * size
    del data[place : place + size]
    end = data.index(b"PK\x05\x06")
    struct.pack_into("<2HL", data, end + 8, 2, 2, 2 * size)
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as other:
        assert other.namelist() == listed
    assert refusal_of(bytes(data)) is Refusal.ZIP_AMBIGUOUS


def test_encrypted_and_exotic_entries_are_refused() -> None:
    for flag, method in ((1, 8), (0, 12)):
        data = bytearray(zipped({"a": b"12345"}))
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            place = data.index(mark) + at
            struct.pack_into("<2H", data, place, flag, method)
        assert refusal_of(bytes(data)) is Refusal.ENTRY_ENCODING


def test_spoilt_contents_are_refused() -> None:
    data = bytearray(zipped({"a": bytes(range(200)) * 2}))
    data[60] ^= 0xFF
    assert refusal_of(bytes(data)) in {Refusal.NOT_A_ZIP, Refusal.ZIP_BOMB}
