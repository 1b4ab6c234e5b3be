"""The verdict on a file: valid, invalid or unusable, and never an exception."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from camdx_bridge.documents.archives import LIMITS as ARCHIVE_LIMITS
from camdx_bridge.documents.archives import Archive, Link, read_archive
from camdx_bridge.documents.containers import read_container
from camdx_bridge.documents.verifier import (
    DEFAULT_OPTIONS,
    Options,
    Verified,
    verify_container,
)
from camdx_bridge.errors import DocumentRefused, DocumentUnusable, refused
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.shared_params import SharedParameters

ARCHIVE, CONTAINER = ".zip", ".asice"
_MOST_FILES = 100_000


class Verdict(StrEnum):
    """What may be concluded from a document."""

    VALID = "valid"
    INVALID = "invalid"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on one document: what it proves, or why it proves nothing."""

    name: str
    verdict: Verdict
    verified: Verified | None = None
    code: Refusal | None = None
    detail: str = ""


def judge_container(
    data: bytes,
    *,
    trust: SharedParameters,
    options: Options = DEFAULT_OPTIONS,
    name: str = "",
) -> Judgement:
    """Return the verdict on the bytes of an ASiC-E container."""
    try:
        found = verify_container(read_container(data), trust=trust, options=options)
    except DocumentRefused as error:
        return _against(name, error)
    return Judgement(name=name, verdict=Verdict.VALID, verified=found)


def judge_file(
    path: Path, *, trust: SharedParameters, options: Options = DEFAULT_OPTIONS
) -> Iterator[Judgement]:
    """Yield verdicts: on a container, each one of an archive, each file of a folder.

    An archive whose chain is broken, or that does not continue the one in the same
    folder that it names, gives a verdict of its own under its own name.
    """
    archives: dict[str, Archive] = {}
    for one in _files(path):
        try:
            data = _read(one)
            archive = read_archive(data) if one.suffix == ARCHIVE else None
        except DocumentRefused as error:
            yield _against(str(one), error)
            continue
        if archive is None:
            yield judge_container(data, trust=trust, options=options, name=str(one))
            continue
        for name, content in archive.containers.items():
            inside = f"{one}/{name}"
            yield judge_container(content, trust=trust, options=options, name=inside)
        archives[str(one)] = archive.without_contents()
    yield from _judge_links(archives)


def _judge_links(archives: dict[str, Archive]) -> Iterator[Judgement]:
    """Yield a verdict against each archive that does not continue its predecessor."""
    by_name = {Path(path).name: archive for path, archive in archives.items()}
    for path, archive in archives.items():
        before = by_name.get(archive.previous.name)
        try:
            if before is not None:
                archive.require_after(Link(before.last_digest, archive.previous.name))
        except DocumentRefused as error:
            yield _against(path, error)


def _files(path: Path) -> Iterator[Path]:
    """Yield the file, or what a folder holds: containers and archives, sorted."""
    if not path.is_dir():
        yield path
        return
    found = sorted(p for p in path.rglob("*") if p.suffix in {ARCHIVE, CONTAINER})
    if not found or len(found) > _MOST_FILES:
        # An empty folder must not look like one in which all is well.
        yield path
    else:
        yield from found


def _read(path: Path) -> bytes:
    """Read a plain file of bounded size; a pipe or a device would never end."""
    try:
        # Asked before it is opened: opening a pipe waits for its other end.
        if not path.is_file():
            raise refused(Refusal.FILE_UNREADABLE)
        with path.open("rb") as file:
            data = file.read(ARCHIVE_LIMITS.size + 1)
    except OSError:
        raise refused(Refusal.FILE_UNREADABLE) from None
    if len(data) > ARCHIVE_LIMITS.size:
        raise refused(Refusal.TOO_LARGE)
    return data


def _against(name: str, error: DocumentRefused) -> Judgement:
    is_unusable = isinstance(error, DocumentUnusable)
    return Judgement(
        name=name,
        verdict=Verdict.UNUSABLE if is_unusable else Verdict.INVALID,
        code=error.code,
        detail=error.detail,
    )
