"""The rotating code in a login QR: made each second, worth five. Pure.

    https://<app host>/q/<challenge id>.<t>.<code>

`t` counts whole seconds since the challenge was made. `code` is the first 16 bytes
of HMAC-SHA-256(qr secret, "qr1|" + id + "|" + t) in base64url, compared in constant
time as text and never decoded. A photograph of the screen, forwarded, is stale
before anybody can use it; a live relay is not stopped by it (see the threat model).
"""

import hmac
import re
from dataclasses import dataclass

from idp.errors import QrStale
from idp.storage.columns import b64encode

CODE_BYTES = 16
OLDEST = 5  # seconds
AHEAD = 1
TEXT = re.compile(r"(0|[1-9][0-9]{0,3})\.([A-Za-z0-9_-]{22})", re.ASCII)


@dataclass(frozen=True, slots=True)
class QrCode:
    """What was read from a picture: the second it names and its code."""

    t: int
    code: str


def make_code(*, challenge_id: str, secret: bytes, t: int) -> str:
    """Return the code of second `t` (22 characters of base64url)."""
    message = f"qr1|{challenge_id}|{t}".encode("ascii")
    return b64encode(hmac.digest(secret, message, "sha256")[:CODE_BYTES])


def parse_code(text: str) -> QrCode:
    """Read `<t>.<code>`; raises QrStale for anything else."""
    found = TEXT.fullmatch(text)
    if found is None:
        raise QrStale("not a code of ours")
    return QrCode(int(found[1]), found[2])


def check_code(
    *, challenge_id: str, secret: bytes, scanned: QrCode, age: float
) -> None:
    """Check a scanned code when the challenge is `age` seconds old.

    Raises QrStale when it is more than 5 s old, more than 1 s ahead, or wrong.
    """
    expected = make_code(challenge_id=challenge_id, secret=secret, t=scanned.t)
    if not hmac.compare_digest(expected, scanned.code):
        raise QrStale("wrong code")
    if not -AHEAD <= age - scanned.t <= OLDEST:
        raise QrStale("too old or too new")


def qr_text(*, app_origin: str, challenge_id: str, secret: bytes, t: int) -> str:
    """Return the whole text of the picture for second `t`."""
    code = make_code(challenge_id=challenge_id, secret=secret, t=t)
    return f"{app_origin}/q/{challenge_id}.{t}.{code}"
