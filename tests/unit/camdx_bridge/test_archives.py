"""Archives of the message log: nothing can be taken out, put in or exchanged."""

import os
from pathlib import Path

import pytest

from camdx_bridge import DocumentRefused, Refusal
from camdx_bridge.documents import (
    Judgement,
    Link,
    Verdict,
    judge_file,
    read_archive,
)
from camdx_bridge.documents.container_writing import container_name, write_archive
from camdx_bridge.formats.zip_files import read_zip
from tests.xroad import lab_trust, request_alone, request_with_body, zipped

FIRST = Link("-", "-")
NAMES = [container_name("CAMBODIA-1", is_request=True, sequence=n) for n in (1, 2)]


def contents() -> dict[str, bytes]:
    return dict(zip(NAMES, (request_alone(), request_with_body()), strict=True))


def refusal_of(files: dict[str, bytes]) -> Refusal:
    with pytest.raises(DocumentRefused) as refusal:
        read_archive(zipped(files))
    return refusal.value.code


def test_what_we_archive_is_read_again() -> None:
    data, last = write_archive(contents(), FIRST)
    found = read_archive(data)
    assert found.containers == contents()
    assert found.previous == FIRST
    assert found.last_digest == last


def test_a_container_exchanged_or_taken_out_breaks_the_chain() -> None:
    files = read_zip(write_archive(contents(), FIRST)[0])
    assert refusal_of({**files, NAMES[0]: files[NAMES[1]]}) is Refusal.LINK_BROKEN
    without = {name: data for name, data in files.items() if name != NAMES[0]}
    assert refusal_of(without) is Refusal.LINK_BROKEN


def test_a_container_put_in_is_refused() -> None:
    files = read_zip(write_archive(contents(), FIRST)[0])
    assert refusal_of({**files, "more.asice": b""}) is Refusal.LINK_MISSING


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(b"SHA-512", b"MD5"),
        lambda t: t.replace(b"- -", b"-"),
        lambda _: b"",
        lambda _: b"\xff",
        lambda t: t.split(b"\n")[0],
        lambda t: t + b"one two three\n",
    ],
)
def test_links_of_another_shape_are_refused(change: object) -> None:
    files = read_zip(write_archive(contents(), FIRST)[0])
    links = change(files["linkinginfo"])  # type: ignore[operator]
    assert refusal_of({**files, "linkinginfo": links}) is Refusal.NOT_AN_ARCHIVE


def test_the_order_of_links_counts() -> None:
    files = read_zip(write_archive(contents(), FIRST)[0])
    first, *lines = files["linkinginfo"].decode().splitlines()
    turned = "\n".join([first, *reversed(lines)]).encode()
    assert refusal_of({**files, "linkinginfo": turned}) is Refusal.LINK_BROKEN
    twice = "\n".join([first, lines[0], lines[0]]).encode()
    assert refusal_of({**files, "linkinginfo": twice}) is Refusal.LINK_BROKEN


def judged(path: Path) -> list[Judgement]:
    return list(judge_file(path, trust=lab_trust()))


def test_a_folder_of_archives_is_judged_container_by_container(tmp_path: Path) -> None:
    one, last = write_archive(contents(), FIRST)
    two, _ = write_archive(contents(), Link(last, "mlog-1.zip"))
    (tmp_path / "mlog-1.zip").write_bytes(one)
    (tmp_path / "mlog-2.zip").write_bytes(two)
    (tmp_path / "single.asice").write_bytes(request_alone())
    found = judged(tmp_path)
    assert [one.verdict for one in found] == [Verdict.VALID] * 5
    assert found[0].name == f"{tmp_path}/mlog-1.zip/{NAMES[0]}"


def test_an_archive_that_does_not_continue_the_one_before_is_invalid(
    tmp_path: Path,
) -> None:
    one, _ = write_archive(contents(), FIRST)
    two, _ = write_archive(contents(), Link("0" * 128, "mlog-1.zip"))
    (tmp_path / "mlog-1.zip").write_bytes(one)
    (tmp_path / "mlog-2.zip").write_bytes(two)
    *valid, last = judged(tmp_path)
    assert {found.verdict for found in valid} == {Verdict.VALID}
    assert (last.verdict, last.code) == (Verdict.INVALID, Refusal.LINK_BROKEN)
    assert last.name == str(tmp_path / "mlog-2.zip")


def test_an_empty_folder_is_not_one_in_which_all_is_well(tmp_path: Path) -> None:
    (found,) = judged(tmp_path)
    assert found.code is Refusal.FILE_UNREADABLE
    (found,) = judged(tmp_path / "absent.asice")
    assert found.verdict is Verdict.UNUSABLE


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.asice")
    for path in (tmp_path, tmp_path / "pipe.asice", Path("/dev/zero")):
        (found,) = judged(path)
        assert found.code is Refusal.FILE_UNREADABLE


def test_an_archive_without_containers_is_unusable(tmp_path: Path) -> None:
    data, _ = write_archive({}, FIRST)
    (tmp_path / "mlog-1.zip").write_bytes(data)
    (found,) = judged(tmp_path)
    assert (found.verdict, found.code) == (Verdict.UNUSABLE, Refusal.NOT_AN_ARCHIVE)


def test_one_bad_container_in_an_archive_is_named(tmp_path: Path) -> None:
    bad = {**contents(), NAMES[1]: b"nothing"}
    (tmp_path / "mlog-1.zip").write_bytes(write_archive(bad, FIRST)[0])
    good, spoilt = judged(tmp_path)
    assert good.verdict is Verdict.VALID
    assert (spoilt.verdict, spoilt.code) == (Verdict.UNUSABLE, Refusal.NOT_A_ZIP)
