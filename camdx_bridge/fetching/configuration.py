"""The global configuration of one instance: fetched, verified to the anchor, kept.

    anchor ─► directory (signed, expires) ─► shared and private parameters (digests)
                  ▲                                        │
                  └──── keys that sign it from now on ◄────┘  (version 3 and later)

A newer snapshot replaces an older one, never the other way round; an expired one is
refused by everything that asks for it, however long the sources are away.
"""

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from cryptography import x509

from camdx_bridge.errors import (
    BridgeError,
    DocumentRefused,
    SourceFailed,
    refused,
)
from camdx_bridge.fetching.http import Answered, Fetcher
from camdx_bridge.refusals import Refusal
from camdx_bridge.trust.anchor import Anchor, read_anchor
from camdx_bridge.trust.certificates import der_of, read_certificate
from camdx_bridge.trust.directory import (
    PRIVATE,
    SHARED,
    Directory,
    read_directory,
    require_entry,
)
from camdx_bridge.trust.private_params import PrivateParameters, read_private_parameters
from camdx_bridge.trust.shared_params import SharedParameters, read_shared_parameters

VERSIONS = (6, 5, 4, 3, 2)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_OK, _NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bytes of one configuration, and the keys by which they were accepted."""

    anchor_digest: str
    keys: tuple[bytes, ...]
    directory: bytes
    shared: bytes
    private: bytes | None


@dataclass(frozen=True, slots=True)
class GlobalConfiguration:
    """A verified configuration; ask the client for it each time, it may expire."""

    version: int | None
    expires_at: datetime
    shared: SharedParameters
    private: PrivateParameters | None


class ConfigurationStore(Protocol):
    """Where the last snapshot outlives a restart; what it returns is verified again."""

    def load(self) -> Snapshot | None:
        """Return the last snapshot, or None."""

    def save(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the last one."""


class MemoryStore:
    """Keeps the snapshot for the life of the process."""

    def __init__(self) -> None:
        self.kept: Snapshot | None = None

    def load(self) -> Snapshot | None:
        """Return the last snapshot, or None."""
        return self.kept

    def save(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the last one."""
        self.kept = snapshot


class FileStore:
    """Keeps the snapshot in one file, replaced at once or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Snapshot | None:
        """Return the last snapshot; None when there is none that can be read."""
        try:
            found = json.loads(self._path.read_bytes())
            private = found["private"]
            return Snapshot(
                str(found["anchor_digest"]),
                tuple(b64decode(key) for key in found["keys"]),
                b64decode(found["directory"]),
                b64decode(found["shared"]),
                None if private is None else b64decode(private),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in place of the last one."""
        text = json.dumps(asdict(snapshot), default=_as_text)
        beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with beside.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)


def _as_text(value: object) -> str:
    assert isinstance(value, bytes)
    return b64encode(value).decode("ascii")


class ConfigurationClient:
    """Holds the configuration of the instance that an anchor names.

    `clock` returns the time of now, with a zone. Nothing is fetched until `refresh`.
    """

    def __init__(
        self,
        anchor: bytes,
        *,
        fetcher: Fetcher,
        clock: Callable[[], datetime],
        store: ConfigurationStore | None = None,
        versions: tuple[int, ...] = VERSIONS,
    ) -> None:
        self._anchor: Anchor = read_anchor(anchor)
        self._anchor_digest = sha256(anchor).hexdigest()
        self._fetcher = fetcher
        self._clock = clock
        self._store = store or MemoryStore()
        self._versions = versions
        self._held: GlobalConfiguration | None = None
        self._learned: tuple[x509.Certificate, ...] = ()
        self._restore()

    def current(self) -> GlobalConfiguration:
        """Return the configuration in force; DocumentUnusable when none is."""
        if self._held is None:
            raise refused(Refusal.CONFIGURATION_EXPIRED, "none was fetched")
        if self._held.expires_at <= self._clock():
            raise refused(Refusal.CONFIGURATION_EXPIRED)
        return self._held

    async def refresh(self) -> GlobalConfiguration:
        """Fetch from the first source that gives a good one, and return what holds.

        BridgeError when none did; what was held before stays until it expires.
        """
        trouble: BridgeError = SourceFailed("no source")
        for url in self._urls():
            try:
                snapshot = await self._fetch(url)
                self._accept(snapshot, self._clock())
            except BridgeError as error:
                trouble = error
            else:
                return self.current()
        raise trouble

    def _urls(self) -> list[str]:
        urls = [source.url for source in self._anchor.sources]
        # Each server asks in its own order, so that no source carries them all.
        return sorted(urls, key=lambda _: secrets.randbits(32))

    @property
    def _keys(self) -> tuple[x509.Certificate, ...]:
        """The keys of the last configuration; the anchor's while it named none."""
        return self._learned or self._anchor.certificates

    async def _fetch(self, url: str) -> Snapshot:
        answered = await self._newest(url)
        directory = self._verified(answered.as_part, self._clock())
        instance = self._anchor.instance
        files: dict[str, bytes] = {}
        for entry in directory.entries:
            if entry.instance == instance and entry.kind in {SHARED, PRIVATE}:
                place = _beside(url, entry.location)
                found = await self._fetcher.fetch(place)
                if found.status != _OK:
                    raise SourceFailed(f"{entry.kind}: status {found.status}")
                files[entry.kind] = entry.require(found.body)
        if SHARED not in files:
            raise refused(Refusal.CONFIGURATION_FOREIGN, SHARED)
        keys = tuple(der_of(one) for one in self._keys)
        return Snapshot(
            self._anchor_digest,
            keys,
            answered.as_part,
            files[SHARED],
            files.get(PRIVATE),
        )

    async def _newest(self, url: str) -> Answered:
        """Ask for the newest version that is known here and offered there."""
        mark = "&" if urlsplit(url).query else "?"
        for version in self._versions:
            found = await self._fetcher.fetch(f"{url}{mark}version={version}")
            if found.status == _OK:
                return found
            if found.status != _NOT_FOUND:
                raise SourceFailed(f"status {found.status}")
        raise SourceFailed("no version that is known here")

    def _verified(self, data: bytes, now: datetime) -> Directory:
        return read_directory(data, certificates=self._keys, now=now)

    def _accept(self, snapshot: Snapshot, now: datetime) -> None:
        """Hold a snapshot that verifies, unless a later one is held already."""
        directory = self._verified(snapshot.directory, now)
        found = _read(directory, snapshot, self._anchor.instance)
        if self._held is not None and directory.expires_at < self._held.expires_at:
            return
        self._held = found
        self._learned = tuple(
            one for source in found.shared.sources for one in source.internal
        )
        self._store.save(snapshot)

    def _restore(self) -> None:
        """Take up what the last process kept, if it was kept under this anchor.

        Its signature is checked again. An expired one is not in force, but the keys
        that it names are the ones to go on with.
        """
        snapshot = self._store.load()
        if snapshot is None or snapshot.anchor_digest != self._anchor_digest:
            return
        try:
            self._learned = tuple(read_certificate(key) for key in snapshot.keys)
            self._accept(snapshot, LONG_AGO)
        except DocumentRefused:
            self._learned = ()


def _read(
    directory: Directory, snapshot: Snapshot, instance: str
) -> GlobalConfiguration:
    entry = require_entry(directory, SHARED, instance)
    shared = read_shared_parameters(entry.require(snapshot.shared))
    private = None
    if snapshot.private is not None:
        entry = require_entry(directory, PRIVATE, instance)
        private = read_private_parameters(entry.require(snapshot.private))
    named = {shared.instance, instance if private is None else private.instance}
    if named != {instance}:
        raise refused(Refusal.CONFIGURATION_FOREIGN, "instance")
    return GlobalConfiguration(directory.version, directory.expires_at, shared, private)


def _beside(url: str, location: str) -> str:
    """Return where a file lies: always at the source itself, whatever is signed."""
    parts = location.split("/")
    if parts[0] or len(parts) < 2 or any(p in {"", ".", ".."} for p in parts[1:]):  # noqa: PLR2004 - a slash makes two
        raise refused(Refusal.CONFIGURATION_FOREIGN, "location")
    if not location.isascii() or any(c in "?#\\%@: " for c in location):
        raise refused(Refusal.CONFIGURATION_FOREIGN, "location")
    source = urlsplit(url)
    return f"{source.scheme}://{source.netloc}{location}"
