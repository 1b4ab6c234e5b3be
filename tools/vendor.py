"""Vendor the browser libraries: developers run it, installs only use its output.

    python tools/vendor.py           fetch with npm, bundle with esbuild, write the lock
    python tools/vendor.py --check   compare every vendored file with the lock, offline

Each output is one ES module (or a font, or a .wasm file) committed beside the
licence texts of everything inside it. `tools/vendor.lock.json` records package,
version, licence and SHA-256.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tools" / "vendor.lock.json"
APP = Path("mobile_api/citizen_app/vendor")
WEB = Path("idp/web/static/vendor")

PACKAGES = {
    "preact": "11.2.0",
    "htm": "3.1.1",
    "zxing-wasm": "3.1.4",
    "hash-wasm": "4.13.0",
    "@noble/curves": "2.4.0",
    "@noble/hashes": "2.4.0",
    "@fontsource/kantumruy-pro": "5.3.0",
    "uqr": "0.1.3",
    "esbuild": "0.28.2",
}

LICENCES = {
    "preact": "MIT",
    "htm": "Apache-2.0",
    "zxing-wasm": "MIT",
    "zxing-cpp": "Apache-2.0",
    "hash-wasm": "MIT",
    "@noble/curves": "MIT",
    "@noble/hashes": "MIT",
    "@fontsource/kantumruy-pro": "OFL-1.1",
    "uqr": "MIT",
}

# zxing-wasm ships the compiled C++ core without its licence text, which is the
# plain Apache-2.0 that htm carries.
LICENCE_FROM = {"zxing-cpp": "htm"}


@dataclass(frozen=True, slots=True)
class Output:
    """One vendored file and the packages inside it.

    `entry` is ES source to bundle; without it `copy` is a path in node_modules.
    `strike` is a regular expression of text to remove from the bundle.
    """

    path: Path
    packages: tuple[str, ...]
    entry: str | None = None
    copy: str | None = None
    strike: str | None = None


PREACT = """
import { h, render, Component, Fragment } from "preact";
import htm from "htm";
export { useState, useEffect, useRef, useMemo, useCallback } from "preact/hooks";
export const html = htm.bind(h);
export { h, render, Component, Fragment };
"""

QR = """
import { encode as draw } from "uqr";
/** The modules of a QR code (true = dark), without its quiet zone. */
export function encode(text, { ecc = "M" } = {}) {
  return draw(text, { ecc, border: 0 }).data;
}
"""

OUTPUTS = (
    Output(APP / "preact.js", ("preact", "htm"), entry=PREACT),
    Output(
        APP / "zxing-reader.js",
        ("zxing-wasm",),
        entry='export { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";',
        # The default home of its .wasm is a public network; ours is this folder.
        strike=r"https://[a-z.]+/npm/",
    ),
    Output(
        APP / "zxing_reader.wasm",
        ("zxing-wasm", "zxing-cpp"),
        copy="zxing-wasm/dist/reader/zxing_reader.wasm",
    ),
    Output(
        APP / "argon2id.js",
        ("hash-wasm",),
        entry='export { argon2id } from "hash-wasm";',
    ),
    Output(
        APP / "p256.js",
        ("@noble/curves", "@noble/hashes"),
        entry='export { p256 } from "@noble/curves/nist.js";',
    ),
    Output(WEB / "qr.js", ("uqr",), entry=QR),
    *(
        Output(
            folder / f"kantumruy-pro-{script}-{weight}.woff2",
            ("@fontsource/kantumruy-pro",),
            copy="@fontsource/kantumruy-pro/files/"
            f"kantumruy-pro-{script}-{weight}-normal.woff2",
        )
        for folder in (APP, WEB)
        for script in ("khmer", "latin")
        for weight in (400, 600)
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Vendor, or check what was vendored. Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    if parser.parse_args(arguments).check:
        faults = list(check())
        print(*faults, sep="\n")
        return 1 if faults else 0
    vendor()
    return 0


def check() -> Iterator[str]:
    """Yield one line for each file that is missing, changed or not in the lock."""
    locked = json.loads(LOCK.read_text("utf-8"))["files"]
    present = {
        str(path.relative_to(ROOT))
        for folder in (APP, WEB)
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    yield from (f"not in the lock: {name}" for name in sorted(present - set(locked)))
    yield from (f"missing: {name}" for name in sorted(set(locked) - present))
    for name in sorted(present & set(locked)):
        if digest(ROOT / name) != locked[name]["sha256"]:
            yield f"changed: {name}"


def vendor() -> None:
    """Fetch, bundle, copy, and write the lock."""
    for folder in (APP, WEB):
        shutil.rmtree(ROOT / folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        workshop = Path(name)
        integrity = install(workshop)
        for output in OUTPUTS:
            make(output, workshop)
        files = {str(o.path): describe(o) for o in OUTPUTS} | licences(workshop)
    lock = {
        "packages": {
            name: {"version": version, "integrity": integrity[name]}
            for name, version in PACKAGES.items()
        },
        "files": dict(sorted(files.items())),
    }
    LOCK.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")


def install(workshop: Path) -> dict[str, str]:
    """Install the pinned packages, run none of their scripts; return integrities."""
    manifest = {"private": True, "dependencies": PACKAGES}
    (workshop / "package.json").write_text(json.dumps(manifest), "utf-8")
    run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", at=workshop)
    lock = json.loads((workshop / "package-lock.json").read_text("utf-8"))
    return {
        name: lock["packages"][f"node_modules/{name}"]["integrity"] for name in PACKAGES
    }


def make(output: Output, workshop: Path) -> None:
    """Write one vendored file."""
    target = ROOT / output.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if output.copy is not None:
        shutil.copyfile(workshop / "node_modules" / output.copy, target)
        return
    entry = workshop / f"entry-{target.name}"
    entry.write_text(output.entry or "", "utf-8")
    esbuild = str(workshop / "node_modules/.bin/esbuild")
    flags = ("--bundle", "--minify", "--format=esm", "--target=es2022")
    banner = f"--banner:js=/* {', '.join(map(titled, output.packages))} */"
    quiet = ("--legal-comments=none", "--log-level=warning", f"--outfile={target}")
    run(esbuild, str(entry), *flags, banner, *quiet, at=workshop)
    if output.strike is not None:
        text = re.sub(output.strike, "", target.read_text("utf-8"))
        target.write_text(text, "utf-8")


def titled(package: str) -> str:
    """Name a package with its version and licence."""
    version = PACKAGES.get(package, "")
    return f"{package} {version} ({LICENCES[package]}, see licences/)"


def describe(output: Output) -> dict[str, object]:
    """Say what a vendored file is made of."""
    return {
        "sha256": digest(ROOT / output.path),
        "packages": {
            name: {"version": PACKAGES.get(name), "licence": LICENCES[name]}
            for name in output.packages
        },
    }


def licences(workshop: Path) -> dict[str, dict[str, object]]:
    """Copy the licence text of every package beside the files made of it."""
    copied: dict[str, dict[str, object]] = {}
    for folder in (APP, WEB):
        inside = {p for o in OUTPUTS if o.path.parent == folder for p in o.packages}
        for package in sorted(inside):
            source = LICENCE_FROM.get(package, package)
            text = workshop / "node_modules" / source / "LICENSE"
            name = package.removeprefix("@").replace("/", "-")
            target = folder / "licences" / f"{name}.txt"
            (ROOT / target).parent.mkdir(exist_ok=True)
            shutil.copyfile(text, ROOT / target)
            copied[str(target)] = {"sha256": digest(ROOT / target)}
    return copied


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*command: str, at: Path) -> None:
    """Run a developer's tool; a failure stops the vendoring."""
    subprocess.run(command, cwd=at, check=True)  # noqa: S603 - fixed commands


if __name__ == "__main__":
    sys.exit(main())
