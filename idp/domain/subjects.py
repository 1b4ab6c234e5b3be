"""Subject identifiers, pairwise by default: two relying parties cannot compare notes.

    sub = base64url(HMAC-SHA-256(key, "sub|" + sector + "|" + account id))
    sid = base64url(HMAC-SHA-256(key, "sid|" + sector + "|" + session id))
    reference of a check: the same over "record|"

The session identifier is pairwise too: a shared `sid` would join what a pairwise
`sub` keeps apart (OpenID Connect Core 1.0, 8.1 and 17.3). Pure.
"""

import hmac
from typing import Protocol

from idp.storage.columns import b64encode


class Indexer(Protocol):
    """Derives values that stay the same when master keys rotate."""

    def blind_index(self, name: str, value: str) -> bytes:
        """Return 32 bytes."""
        ...


def subject_key(sealer: Indexer) -> bytes:
    """Return the key of every subject identifier; it never rotates."""
    return sealer.blind_index("pairwise subjects", "v1")


def subject_of(key: bytes, *, sector: str, account_id: str) -> str:
    """Return what the relying parties of one sector call this account (43 chars)."""
    return _pairwise(key, f"sub|{sector}|{account_id}")


def session_of(key: bytes, *, sector: str, session_id: str) -> str:
    """Return what the relying parties of one sector call this session (43 chars)."""
    return _pairwise(key, f"sid|{sector}|{session_id}")


def reference_of(key: bytes, *, sector: str, record_id: str) -> str:
    """Return what the parties of one sector call a record of ours (43 chars)."""
    return _pairwise(key, f"record|{sector}|{record_id}")


def _pairwise(key: bytes, message: str) -> str:
    return b64encode(hmac.digest(key, message.encode(), "sha256"))
