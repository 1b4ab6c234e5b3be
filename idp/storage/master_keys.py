"""The master key: a secret given by the operator, or a file that only he can read.

The file is JSON: `{"keys": ["<base64url, 32 bytes>", …], "generated": true}`. The
first key seals; the others still open. `generated` marks a key that the software
made for itself, which production refuses: the operator's key ceremony makes his.
"""

import os
import stat
from pathlib import Path

import orjson

from idp.storage.columns import b64decode, b64encode
from idp.storage.encryption import KEY, MasterKey, Sealer

OWNER_ONLY = 0o600


class MasterKeyUnsafe(Exception):
    """The master key cannot be used as it stands; the message says what to do."""


def sealer_from_secret(text: str) -> Sealer:
    """Return a sealer from comma-separated base64url keys; raises MasterKeyUnsafe."""
    try:
        keys = [MasterKey.of(b64decode(part.strip())) for part in text.split(",")]
    except ValueError as error:
        raise MasterKeyUnsafe("a master key is 32 bytes in base64url") from error
    return Sealer(keys)


def sealer_from_file(path: Path, *, is_production: bool) -> Sealer:
    """Return a sealer from a key file; in development a missing one is made.

    Raises MasterKeyUnsafe when others can read the file, and in production when it
    is missing or was generated.
    """
    if not path.exists():
        if is_production:
            raise MasterKeyUnsafe(f"{path} is missing: make it in a key ceremony")
        make_key_file(path, generated=True)
    if stat.S_IMODE(path.stat().st_mode) != OWNER_ONLY:
        raise MasterKeyUnsafe(f"{path} must be readable by its owner only: chmod 600")
    content = orjson.loads(path.read_bytes())
    if is_production and content.get("generated"):
        raise MasterKeyUnsafe(f"{path} was generated for development")
    return sealer_from_secret(",".join(content["keys"]))


def make_key_file(path: Path, *, generated: bool) -> None:
    """Write a new master key to a file of mode 0600; never over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"keys": [b64encode(os.urandom(KEY))], "generated": generated}
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(path, flags, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content))
