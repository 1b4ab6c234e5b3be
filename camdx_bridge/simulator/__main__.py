"""`python -m camdx_bridge.simulator`: the simulator as a process of its own."""

import argparse
import sys
from pathlib import Path

from camdx_bridge.errors import IdentifierInvalid
from camdx_bridge.identifiers import ClientId
from camdx_bridge.simulator import (
    CLIENT,
    IDENTITY,
    SPECIMENS,
    NotLoopback,
    RegistryInvalid,
    Simulator,
    listen,
    load_registry,
    server_of,
)


def main() -> int:
    """Serve until interrupted; 2 when it cannot start as asked."""
    wanted = _arguments()
    try:
        simulator = Simulator(
            registry=load_registry(wanted.citizens),
            identity=ClientId.parse(wanted.identity),
            clients=[ClientId.parse(text) for text in wanted.client or [str(CLIENT)]],
        )
        sock = listen(wanted.host, wanted.port)
    except (IdentifierInvalid, NotLoopback, RegistryInvalid, OSError) as error:
        print(f"simulator: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    _announce(sock.getsockname(), simulator)
    if wanted.port_file is not None:
        wanted.port_file.write_text(f"{sock.getsockname()[1]}\n")
    server_of(simulator).run(sockets=[sock])
    return 0


def _announce(address: tuple[str, int], simulator: Simulator) -> None:
    host, port = address[:2]
    shown = f"[{host}]" if ":" in host else host
    for line in (
        "SIMULATOR: this is not CamDX and not the Ministry of Interior.",
        f"It knows {len(simulator.registry)} invented people; nothing is signed.",
    ):
        print(line, file=sys.stderr)  # noqa: T201
    print(f"listening on http://{shown}:{port}", flush=True)  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m camdx_bridge.simulator")
    parser.add_argument("--host", default="127.0.0.1", help="loopback only")
    parser.add_argument("--port", type=int, default=8003, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, metavar="PATH", help="told the port")
    parser.add_argument("--citizens", type=Path, default=SPECIMENS, metavar="FILE.json")
    parser.add_argument("--identity", default=str(IDENTITY), help="who it answers as")
    parser.add_argument("--client", action="append", help="who may ask; repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
