import stat
from pathlib import Path

import pytest

from idp.storage.master_keys import (
    MasterKeyUnsafe,
    make_key_file,
    sealer_from_file,
    sealer_from_secret,
)


def test_development_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    sealer = sealer_from_file(path, is_production=False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sealed = sealer.seal(b"x", context="c")
    again = sealer_from_file(path, is_production=False)
    assert again.open(sealed, context="c") == b"x"


def test_production_refuses_a_missing_and_a_generated_key(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    with pytest.raises(MasterKeyUnsafe, match="missing"):
        sealer_from_file(path, is_production=True)
    make_key_file(path, generated=True)
    with pytest.raises(MasterKeyUnsafe, match="generated"):
        sealer_from_file(path, is_production=True)


def test_production_takes_a_key_of_a_ceremony(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    make_key_file(path, generated=False)
    assert sealer_from_file(path, is_production=True)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    make_key_file(path, generated=False)
    path.chmod(0o640)
    with pytest.raises(MasterKeyUnsafe, match="chmod 600"):
        sealer_from_file(path, is_production=False)


def test_a_key_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    make_key_file(path, generated=False)
    with pytest.raises(FileExistsError):
        make_key_file(path, generated=False)


def test_a_secret_that_is_no_key_is_refused() -> None:
    with pytest.raises(MasterKeyUnsafe):
        sealer_from_secret("not a key")
