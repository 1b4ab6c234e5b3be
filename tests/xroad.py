"""X-Road in tests: the sample data, an instance of the lab, and spoilt containers."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from camdx_bridge.documents import Judgement, Options, judge_container
from camdx_bridge.documents.containers import SIGNATURES
from camdx_bridge.formats.zip_files import read_zip
from camdx_bridge.trust import SharedParameters, read_shared_parameters
from camdx_bridge.trust_lab import LabInstance, LabMember

SAMPLES = Path(__file__).parent / "vectors" / "xroad"
CONTAINERS = SAMPLES / "asice"
NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
REQUEST = (
    b"POST\r\n/r1/CAMBODIA/GOV/REGISTER/SUB/check\r\n"
    b"x-road-client:CAMBODIA/GOV/BANK/SUB\r\nx-road-id:CAMBODIA-1\r\n"
    b"Content-Type:application/json\r\n"
)
BODY = {"attachment1": '{"name":"សុខ"}'.encode()}


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@cache
def sample_trust() -> SharedParameters:
    return read_shared_parameters((CONTAINERS / "trust-shared-params.xml").read_bytes())


@cache
def lab() -> LabInstance:
    """One instance for all tests: its keys take a second to make."""
    made = LabInstance.make("CAMBODIA", now=NOW)
    made.add_member("BANK")
    made.add_member("REGISTER")
    return made


def bank() -> LabMember:
    return lab().members[0]


@cache
def lab_trust() -> SharedParameters:
    return lab().trust


@cache
def request_with_body() -> bytes:
    """A valid container: a request of the bank's with a body, through a hash chain."""
    return lab().container(REQUEST, by=bank().holder, at=NOW, attachments=BODY)


@cache
def request_alone() -> bytes:
    """A valid container: only a head, signed directly."""
    return lab().container(REQUEST, by=bank().holder, at=NOW)


def judged(data: bytes, *, withheld: bool = False) -> Judgement:
    options = Options(message_withheld=withheld)
    return judge_container(data, trust=lab_trust(), options=options)


def zipped(files: dict[str, bytes] | list[tuple[str, bytes]]) -> bytes:
    written = io.BytesIO()
    items = files.items() if isinstance(files, dict) else files
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in items:
            archive.writestr(name, data)
    return written.getvalue()


def changed(container: bytes, **files: bytes | None) -> bytes:
    """Return a container with files put in, or taken out by None.

    Names are written with `__` for a slash and `_` for a dot.
    """
    found = read_zip(container)
    for key, data in files.items():
        name = key.replace("__", "/").replace("_", ".")
        if data is None:
            del found[name]
        else:
            found[name] = data
    return zipped(found)


def with_signatures(container: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return a container whose signatures.xml went through a change that took place."""
    files = read_zip(container)
    before = files[SIGNATURES]
    files[SIGNATURES] = change(before)
    assert files[SIGNATURES] != before
    return zipped(files)
