"""The global configuration of the lab: written, signed, and re-signed by newer keys."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from camdx_bridge.formats.algorithms import RSA_SHA512_URI, SHA512_URI
from camdx_bridge.formats.base64_text import write_base64
from camdx_bridge.trust.certificates import der_of
from camdx_bridge.trust.reading import XROAD
from camdx_bridge.trust_lab.authorities import Authority, Holder


@dataclass(slots=True)
class Publisher:
    """Signs directories. A new key is announced first, and signs once it is known."""

    instance: str
    url: str
    keys: list[Holder] = field(default_factory=list)
    active: int = 0
    folder: str = ""

    @classmethod
    def make(cls, instance: str, url: str, *, now: datetime) -> "Publisher":
        """Make a publisher with its first key."""
        made = cls(instance, url)
        made.announce(now=now)
        return made

    def announce(self, *, now: datetime) -> None:
        """Make a newer key and name it; the older one goes on signing."""
        self.keys.append(Authority.make("Configuration signing key", now=now))

    def activate(self) -> None:
        """Sign with the newest key from now on, and name no older one."""
        self.keys = self.keys[-1:]
        self.active = 0

    @property
    def signer(self) -> Holder:
        """The key that signs now."""
        return self.keys[self.active]

    def anchor(self, *, now: datetime) -> bytes:
        """Return the anchor, which trusts the keys of now."""
        certificates = "".join(
            f"<verificationCert>{write_base64(der_of(k.certificate))}</verificationCert>"
            for k in self.keys
        )
        text = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            f'<ns3:configurationAnchor xmlns:ns3="{XROAD}">'
            f"<generatedAt>{_instant(now)}</generatedAt>"
            f"<instanceIdentifier>{self.instance}</instanceIdentifier>"
            f"<source><downloadURL>{self.url}</downloadURL>{certificates}</source>"
            "</ns3:configurationAnchor>"
        )
        return text.encode()

    def directory(
        self,
        files: Mapping[str, bytes],
        *,
        now: datetime,
        life: timedelta,
        version: int,
    ) -> bytes:
        """Return a signed directory of files, by kind (`SHARED-PARAMETERS` …)."""
        inner, outer = (secrets.token_hex(10) for _ in range(2))
        head = f"Expire-date: {_instant(now + life)}\r\nVersion: {version}\r\n"
        parts = [head, *(self._entry(k, d, version) for k, d in files.items())]
        body = "".join(f"--{inner}\r\n{part}\r\n" for part in parts)
        body += f"--{inner}--\r\n"
        text = (
            f"Content-Type: multipart/related; charset=UTF-8; boundary={outer}\r\n\r\n"
            f"--{outer}\r\n"
            f"Content-Type: multipart/mixed; charset=UTF-8; boundary={inner}\r\n\r\n"
            f"{body}\r\n--{outer}\r\n{self._signature(body.encode())}\r\n--{outer}--\r\n"
        )
        return text.encode()

    def _entry(self, kind: str, data: bytes, version: int) -> str:
        name = f"{kind.lower().replace('parameters', 'params')}.xml"
        return (
            "Content-type: application/octet-stream\r\n"
            "Content-transfer-encoding: base64\r\n"
            f"Content-identifier: {kind}; instance='{self.instance}'\r\n"
            f"Content-location: {self.folder}/V{version}/{name}\r\n"
            f"Hash-algorithm-id: {SHA512_URI}\r\n\r\n{_sha512(data)}"
        )

    def _signature(self, body: bytes) -> str:
        own = _sha512(der_of(self.signer.certificate))
        return (
            "Content-Type: application/octet-stream\r\n"
            "Content-Transfer-Encoding: base64\r\n"
            f"Signature-Algorithm-Id: {RSA_SHA512_URI}\r\n"
            "Verification-certificate-hash: "
            f'{own}; hash-algorithm-id="{SHA512_URI}"\r\n\r\n'
            f"{write_base64(self.signer.sign(body))}"
        )


def _sha512(data: bytes) -> str:
    return base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")


def _instant(at: datetime) -> str:
    text = at.astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")
