"""An ASiC-E container as X-Road's message log writes it, read and not yet believed."""

import re
from dataclasses import dataclass

from camdx_bridge.errors import refused
from camdx_bridge.formats.zip_files import DEFAULT_LIMITS, ZipLimits, read_zip
from camdx_bridge.refusals import Refusal

MIMETYPE = b"application/vnd.etsi.asic-e+zip"
MESSAGE = "message.xml"
SIGNATURES = "META-INF/signatures.xml"
SIG_CHAIN, SIG_RESULT = "sig-hashchain.xml", "sig-hashchainresult.xml"
TS_CHAIN, TS_RESULT = "ts-hashchain.xml", "ts-hashchainresult.xml"
TIMESTAMP = "META-INF/timestamp.tst"
_ATTACHMENT = re.compile(r"attachment[1-9][0-9]{0,4}")
# What a container holds to be one; none of it is what was said.
FURNITURE = frozenset(
    {
        "mimetype",
        SIGNATURES,
        TIMESTAMP,
        SIG_CHAIN,
        SIG_RESULT,
        TS_CHAIN,
        TS_RESULT,
        "META-INF/manifest.xml",
        "META-INF/ASiCManifest.xml",
    }
)


@dataclass(frozen=True, slots=True)
class Container:
    """The files of a container by name."""

    files: dict[str, bytes]

    @property
    def message(self) -> bytes:
        """The message, or its head when it is a REST message."""
        return self.files[MESSAGE]

    @property
    def signatures(self) -> bytes:
        """The document with the signature."""
        return self.files[SIGNATURES]

    @property
    def attachments(self) -> tuple[str, ...]:
        """Names of the attachments; a REST body is `attachment1`."""
        return tuple(name for name in self.files if _ATTACHMENT.fullmatch(name))

    @property
    def strangers(self) -> tuple[str, ...]:
        """Names of files that are no part of a container."""
        known = {MESSAGE, *FURNITURE, *self.attachments}
        return tuple(name for name in self.files if name not in known)


def read_container(data: bytes, limits: ZipLimits = DEFAULT_LIMITS) -> Container:
    """Read a container; DocumentUnusable when it is none."""
    files = read_zip(data, limits)
    if files.get("mimetype") != MIMETYPE:
        raise refused(Refusal.NOT_A_CONTAINER, "mimetype")
    for name in (MESSAGE, SIGNATURES):
        if name not in files:
            raise refused(Refusal.NOT_A_CONTAINER, f"no {name}")
    return Container(files)
