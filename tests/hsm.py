"""A PKCS#11 token for tests: SoftHSM from Debian, in a folder of this run."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@dataclass(frozen=True)
class HsmToken:
    """What the settings of a node say about its token."""

    label: str
    pin: str
    folder: Path

    def settings(self) -> dict[str, str]:
        return {
            "key_custody": "idp.engines.custody_pkcs11:create",
            "hsm_module": MODULE,
            "hsm_token": self.label,
            "hsm_pin": self.pin,
        }

    def environment(self) -> dict[str, str]:
        """For another process."""
        told = {f"IDP_{name.upper()}": text for name, text in self.settings().items()}
        return {**told, "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf")}


@contextmanager
def softhsm_token(folder: Path) -> Iterator[HsmToken]:
    """Make a token in `folder`; SoftHSM of this process keeps the first it saw."""
    program = shutil.which("softhsm2-util")
    assert program, "SoftHSM is not installed: make install"
    assert Path(MODULE).exists(), "SoftHSM is not installed: make install"
    tokens, conf = folder / "tokens", folder / "softhsm2.conf"
    tokens.mkdir(parents=True)
    conf.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\n"
        "log.level = ERROR\nslots.removable = false\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(conf)
    token = HsmToken("camdigikey-test", secrets.token_hex(8), folder)
    pins = ["--pin", token.pin, "--so-pin", secrets.token_hex(8)]
    subprocess.run(
        [program, "--init-token", "--free", "--label", token.label, *pins],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield token
    finally:
        del os.environ["SOFTHSM2_CONF"]
