"""Writing ASiC-E containers and archives as X-Road's message log does."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from urllib.parse import quote

from camdx_bridge.documents.archives import LINKS, Link
from camdx_bridge.documents.containers import (
    MESSAGE,
    MIMETYPE,
    SIGNATURES,
    TIMESTAMP,
    TS_CHAIN,
    TS_RESULT,
)
from camdx_bridge.formats.algorithms import SHA512_URI
from camdx_bridge.formats.xml_documents import DS

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_MANIFEST_NS = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_ASIC_NS = "http://uri.etsi.org/2918/v1.2.1#"
_SEQUENCE_BYTES = 5


def write_container(
    *,
    message: bytes,
    signatures: bytes,
    signed_files: Mapping[str, bytes],
    attachments: Mapping[str, bytes],
    batch: tuple[bytes, bytes, bytes] | None = None,
) -> bytes:
    """Return a container. `batch` is (result, chain, token) of a batch time-stamp."""
    files = {"mimetype": MIMETYPE, MESSAGE: message, SIGNATURES: signatures}
    files |= signed_files
    if batch is not None:
        result, chain, token = batch
        files |= {TS_RESULT: result, TS_CHAIN: chain}
        files["META-INF/ASiCManifest.xml"] = _asic_manifest(result)
        files[TIMESTAMP] = token
    listed = [name for name in files if name != "mimetype" and "/" not in name]
    files["META-INF/manifest.xml"] = _manifest([*listed, *attachments])
    comment = b"mimetype=" + MIMETYPE
    return _zip({**files, **attachments}, comment)


def container_name(query_id: str, *, is_request: bool, sequence: int) -> str:
    """Return the name that X-Road gives a container: id, direction, a number."""
    number = base64.b32encode(sequence.to_bytes(_SEQUENCE_BYTES)).decode().lower()
    direction = "request" if is_request else "response"
    return f"{quote(query_id, safe='')}-{direction}-{number}.asice"


def write_archive(containers: Mapping[str, bytes], previous: Link) -> tuple[bytes, str]:
    """Return an archive that continues another one, and the digest that it ends in."""
    digest = previous.digest
    lines = [f"{previous.digest} {previous.name} SHA-512"]
    for name, data in containers.items():
        own = hashlib.sha512(data).hexdigest()
        digest = hashlib.sha512((digest + own).encode()).hexdigest()
        lines.append(f"{digest} {name}")
    links = "".join(f"{line}\n" for line in lines).encode()
    return _zip({**containers, LINKS: links}), digest


def _zip(files: Mapping[str, bytes], comment: bytes = b"") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _FIXED_TIME)
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _manifest(names: list[str]) -> bytes:
    entries = "".join(
        f'    <manifest:file-entry manifest:media-type="{_media_type(name)}"'
        f' manifest:full-path="{name}"/>\n'
        for name in names
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest:manifest xmlns:manifest="{_MANIFEST_NS}" manifest:version="1.2">\n'
        f'    <manifest:file-entry manifest:media-type="{MIMETYPE.decode()}"'
        ' manifest:full-path="/"/>\n'
        f"{entries}</manifest:manifest>\n"
    )
    return text.encode()


def _media_type(name: str) -> str:
    return "text/xml" if name.endswith(".xml") else "application/octet-stream"


def _asic_manifest(result: bytes) -> bytes:
    digest = base64.b64encode(hashlib.sha512(result).digest()).decode()
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<asic:ASiCManifest xmlns:asic="{_ASIC_NS}" xmlns:ds="{DS}">\n'
        f'<asic:SigReference URI="{TIMESTAMP}" MimeType="vnd.etsi.timestamp-token"/>\n'
        f'<asic:DataObjectReference URI="{TS_RESULT}" MimeType="text/xml">\n'
        f'<ds:DigestMethod Algorithm="{SHA512_URI}" />\n'
        f"<ds:DigestValue>{digest}</ds:DigestValue>\n"
        "</asic:DataObjectReference>\n</asic:ASiCManifest>"
    )
    return text.encode()
