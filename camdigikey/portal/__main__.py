"""Run the demo portal.

    python -m camdigikey.portal --port 8002 --issuer http://localhost:8000

Secrets come from a file that only its owner can read, never from arguments:

    CLIENT_SECRET=…
    COOKIE_KEY=…            (32 random bytes in hexadecimal)
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from secrets import token_bytes

import uvicorn

from camdigikey.portal.app import create_portal

OTHERS = 0o077
NAMES = frozenset({"CLIENT_SECRET", "COOKIE_KEY"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the settings and serve the portal until it is stopped."""
    asked = _parser().parse_args(arguments)
    secrets = {} if asked.secrets is None else read_secrets(asked.secrets)
    key = secrets.get("COOKIE_KEY")
    base_url = asked.base_url or f"http://localhost:{asked.port}"
    app = create_portal(
        issuer=asked.issuer,
        client_id=asked.client_id,
        client_secret=secrets.get("CLIENT_SECRET"),
        base_url=base_url,
        cookie_key=token_bytes(32) if key is None else bytes.fromhex(key),
        ca_file=asked.ca_file,
    )
    uvicorn.run(
        app,
        host=asked.host,
        port=asked.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        ssl_certfile=asked.certificate,
        ssl_keyfile=asked.certificate_key,
    )


def read_secrets(path: Path) -> dict[str, str]:
    """Read NAME=value lines from a file that only its owner can read.

    Raises:
        SystemExit: others can read the file, or it holds an unknown name.

    """
    if path.stat().st_mode & OTHERS:
        sys.exit(f"{path} can be read by others: chmod 600 it first")
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    pairs = [line.partition("=") for line in lines if line and line[0] != "#"]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    if not found.keys() <= NAMES:
        sys.exit(f"{path} may hold only {', '.join(sorted(NAMES))}")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m camdigikey.portal",
        description="A demonstration portal that logs people in with CamDigiKey.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8002, help="port to listen on")
    parser.add_argument("--issuer", default="http://localhost:8000")
    parser.add_argument("--client-id", default="online-business-registration")
    parser.add_argument(
        "--base-url", help="the portal's own address, as browsers see it"
    )
    parser.add_argument(
        "--secrets", type=Path, help="file with CLIENT_SECRET, COOKIE_KEY"
    )
    parser.add_argument("--ca-file", type=Path, help="a development CA to trust")
    parser.add_argument("--certificate", type=Path, help="serve https with this")
    parser.add_argument("--certificate-key", type=Path, help="its private key")
    return parser


if __name__ == "__main__":
    main()
