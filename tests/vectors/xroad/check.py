"""A second reading of X-Road containers, from the description of the format alone.

It imports nothing of the product: zip, XML and canonicalization are the standard
library's and its own; every signature is left to the OpenSSL command line.

    python check.py CONTAINER SHARED-PARAMS.xml     says the verdict; status 0 if valid
"""

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from base64 import b64decode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

VALID = "valid"
VALUE, MALFORMED = "InvalidSignatureValue", "MalformedSignature"
ATTRIBUTE = {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;",
             "\r": "&#xD;"}  # fmt: skip
TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"}


class Refused(Exception):
    """X-Road's name for what is wrong."""


def require(holds: object, fault: str) -> None:
    if not holds:
        raise Refused(fault)


def xml(data: bytes, fault: str = MALFORMED) -> Any:
    try:
        return minidom.parseString(data).documentElement
    except (ExpatError, ValueError):
        raise Refused(fault) from None


def find(node: Any, name: str) -> list[Any]:
    return list(node.getElementsByTagNameNS("*", name))


def text(node: Any) -> str:
    return "".join(n.data for n in node.childNodes if n.nodeType == n.TEXT_NODE).strip()


def value(node: Any, name: str = "DigestValue") -> bytes:
    return b64decode(text(find(node, name)[0]))


def method(node: Any, name: str = "DigestMethod") -> str:
    return str(find(node, name)[0].getAttribute("Algorithm"))


def digest(uri: str, data: bytes) -> bytes:
    return hashlib.new(uri.rpartition("#")[2], data).digest()


def escaped(string: str, table: dict[str, str]) -> str:
    return "".join(table.get(c, c) for c in string)


def in_scope(node: Any) -> dict[str, str]:
    """Return the namespace declarations that hold at an element."""
    scope: dict[str, str] = {}
    while node is not None and node.nodeType == node.ELEMENT_NODE:
        for a in node.attributes.values():
            if a.name.split(":")[0] == "xmlns":
                scope.setdefault(a.name, a.value)
        node = node.parentNode
    return scope


def canonical(node: Any, seen: dict[str, str] | None = None, *, whole: bool) -> str:
    """C14N 1.0: inclusive with every namespace in scope (whole), or exclusive."""
    seen = seen or {}
    plain = [a for a in node.attributes.values() if a.name.split(":")[0] != "xmlns"]
    used = {n.prefix for n in [node, *(a for a in plain if a.prefix)]}
    used = {f"xmlns:{p}" if p else "xmlns" for p in used}
    own = {
        name: uri
        for name, uri in in_scope(node).items()
        if (whole or name in used) and seen.get(name) != uri
    }
    plain.sort(key=lambda a: (a.namespaceURI or "", a.localName or a.name))
    given = [*sorted(own.items()), *((a.name, a.value) for a in plain)]
    out = "".join(f' {name}="{escaped(v, ATTRIBUTE)}"' for name, v in given)
    out = f"<{node.tagName}{out}>"
    for child in node.childNodes:
        if child.nodeType == child.ELEMENT_NODE:
            out += canonical(child, {**seen, **own}, whole=whole)
        elif child.nodeType in {child.TEXT_NODE, child.CDATA_SECTION_NODE}:
            out += escaped(child.data, TEXT)
    return f"{out}</{node.tagName}>"


def openssl(folder: Path, command: str, **files: bytes) -> str:
    """Run OpenSSL over files of these names; nothing comes back when it refuses."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    words = ["openssl", *command.split()]
    done = subprocess.run(words, cwd=folder, capture_output=True, check=False)
    return "" if done.returncode else (done.stdout + done.stderr).decode() or "yes"


def pem(data: bytes) -> bytes:
    words = ["openssl", "x509", "-inform", "DER" if data[:1] == b"0" else "PEM"]
    return subprocess.run(words, input=data, capture_output=True, check=True).stdout


def moment(said: str, label: str) -> datetime:
    found = re.search(rf"{label}: (\w+ +\d+ [\d:]+)\S* (\d+) GMT", said)
    require(found, "TimestampValidation")
    assert found
    text_ = f"{found[1]} {found[2]} +0000"
    return datetime.strptime(text_, "%b %d %H:%M:%S %Y %z")


def chain(files: dict[str, bytes], result: bytes, required: set[str]) -> None:
    """Follow a hash chain from its result; a file that is absent keeps its digest."""
    used: set[str] = set()

    def step(uri: str, here: str) -> tuple[bytes, str]:
        name, _, wanted = uri.partition("#")
        name = name.lstrip("/") or here
        root = xml(files[name])
        default = method(root, "DefaultDigestMethod")
        (one,) = (s for s in find(root, "HashStep") if s.getAttribute("id") == wanted)
        listed = b""
        for node in (n for n in one.childNodes if n.nodeType == n.ELEMENT_NODE):
            uri, said = node.getAttribute("URI"), (b"", default)
            if node.localName == "StepRef":
                said = step(uri, name)
            else:
                said = value(node), default
            if node.localName == "DataRef":
                used.add(uri[1:])
                data = files.get(uri[1:])
                same = data is None or digest(default, data) == said[0]
                require(same, f"{MALFORMED}.InvalidHashChainRef")
            parts = der(4, said[0]) + der(12, said[1].encode()) + der(48, b"")
            listed += der(48, parts)
        return digest(default, der(48, listed)), default

    root = xml(result)
    found, _ = step(root.getAttribute("URI"), "")
    require(required <= used, f"{MALFORMED}.HashChainUnusedInputs")
    require(found == value(root), f"{MALFORMED}.InvalidHashChainResult")


def der(tag: int, data: bytes) -> bytes:
    size = len(data)
    length = bytes([size]) if size < 128 else bytes([129, size])
    return bytes([tag]) + (length if size < 256 else b"\x82" + size.to_bytes(2)) + data


def check(container: Path, trust: Path, work: Path) -> None:
    with zipfile.ZipFile(container) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    conf, root = xml(trust.read_bytes()), xml(files["META-INF/signatures.xml"])
    info = find(root, "SignedInfo")[0]
    references = {r.getAttribute("URI"): r for r in find(info, "Reference")}
    required = {"/message.xml", "/sig-hashchainresult.xml"}
    require(required & references.keys(), MALFORMED)
    at = stamp(files, conf, root, work)
    if "/sig-hashchainresult.xml" in references:
        attached = {name for name in files if name.startswith("attachment")}
        chain(files, files["sig-hashchainresult.xml"], {"message.xml", *attached})
    signature(files, root, references, work)
    authority(conf, root, at, work)


def stamp(files: dict[str, bytes], conf: Any, root: Any, work: Path) -> datetime:
    """Ask OpenSSL whether a listed authority stamped the value, or the batch."""
    stamped = files.get("ts-hashchainresult.xml")
    if stamped is None:
        stamped = value(root, "SignatureValue")
        token = value(root, "EncapsulatedTimeStamp")
    else:
        chain(files, stamped, {"META-INF/signatures.xml"})
        token = files["META-INF/timestamp.tst"]
    listed = b"".join(pem(value(n, "cert")) for n in find(conf, "approvedTSA"))
    given = {"token": token, "data": stamped, "listed": listed}
    at = moment(openssl(work, "ts -reply -token_in -in token -text", **given), "stamp")
    command = "ts -verify -token_in -in token -data data -partial_chain -CAfile listed"
    said = openssl(work, f"{command} -attime {int(at.timestamp())}")
    require("Verification: OK" in said, "TimestampValidation")
    return at


def signature(
    files: dict[str, bytes], root: Any, references: dict[str, Any], work: Path
) -> None:
    """Compare every digest, and ask OpenSSL about the signature's value."""
    info, (properties,) = find(root, "SignedInfo")[0], find(root, "SignedProperties")
    for uri, one in references.items():
        data = files.get(uri[1:])
        if uri == f"#{properties.getAttribute('Id')}":
            exclusive = find(one, "Transform") and "exc" in method(one, "Transform")
            data = canonical(properties, whole=not exclusive).encode()
        require(data is not None and digest(method(one), data) == value(one), VALUE)
    whole = "exc" not in method(info, "CanonicalizationMethod")
    given = {
        "cert": pem(value(root, "X509Certificate")),
        "value": value(root, "SignatureValue"),
        "info": canonical(info, whole=whole).encode(),
    }
    key = openssl(work, "x509 -in cert -pubkey -noout", **given).encode()
    hashed = method(info, "SignatureMethod").rpartition("-")[2]
    command = f"dgst -{hashed} -verify key -signature value info"
    require(openssl(work, command, key=key), VALUE)


def authority(conf: Any, root: Any, at: datetime, work: Path) -> None:
    """Ask OpenSSL about the chain, and about what OCSP says of the certificate."""
    tops = [pem(value(n, "cert")) for n in find(conf, "topCA")]
    between = [pem(value(n, "cert")) for n in find(conf, "intermediateCA")]
    given_along = find(root, "EncapsulatedX509Certificate")
    between += [pem(b64decode(text(node))) for node in given_along]
    cert = pem(value(root, "X509Certificate"))
    given = {"tops": b"".join(tops), "more": b"".join([*tops, *between]), "cert": cert}
    given["listed"] = b"".join(pem(value(n, "cert")) for n in find(conf, "ocsp"))
    when = f"-CAfile tops -attime {int(at.timestamp())}"
    said = openssl(work, f"verify {when} -untrusted more cert", **given)
    require(said, "InvalidCertPath")
    oldest = at - timedelta(seconds=int(text(find(conf, "ocspFreshnessSeconds")[0])))
    command = "ocsp -respin answer -issuer issuer -cert cert -VAfile listed -no_nonce"
    for node in find(root, "EncapsulatedOCSPValue"):
        for issuer in [*tops, *between]:
            more = {"answer": b64decode(text(node)), "issuer": issuer}
            said = openssl(
                work, f"{command} -validity_period 2000000000 {when}", **more
            )
            if "verify OK" in said and "cert: good" in said:
                require(moment(said, "Update") >= oldest, "IncorrectValidationInfo")
                return
    raise Refused("IncorrectValidationInfo")


def verdict(container: Path, trust: Path) -> str:
    """Return `valid`, or X-Road's name for what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check(container, trust, Path(folder))
        except Refused as refusal:
            return str(refusal)
    return VALID


if __name__ == "__main__":
    said = verdict(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(f"{said}\n")
    sys.exit(said != VALID)
