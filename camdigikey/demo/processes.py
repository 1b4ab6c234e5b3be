"""Child processes of the demo: start, wait until they answer, stop."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 60.0  # seconds, on a slow machine
PAUSE = 0.05


class DemoFailed(Exception):
    """The demo cannot run; the message says why and what to do."""


@dataclass(slots=True)
class Processes:
    """Python modules that run beside us, with their output in files."""

    log_folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        port: int,
    ) -> None:
        """Start `python -m module …`; raises DemoFailed when its port is taken."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                message = f"port {port} is in use: is another demo running?"
                raise DemoFailed(message) from error
        with (self.log_folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", module, *arguments],
                env=dict(environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_for(self, name: str, port: int) -> None:
        """Wait until something accepts on the port; raises DemoFailed."""
        deadline = time.monotonic() + PATIENCE
        process = self.running[name]
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise DemoFailed(f"{name} stopped:\n{self._tail(name)}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            time.sleep(PAUSE)
        raise DemoFailed(f"{name} did not start in {PATIENCE:.0f} s")

    def check(self) -> None:
        """Raise DemoFailed when one of them has stopped."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise DemoFailed(f"{name} stopped:\n{self._tail(name)}")

    def end(self, name: str, *, kill: bool) -> None:
        """Stop one of them, or kill it and its children as a crash would."""
        process = self.running.pop(name)
        if kill:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.terminate()
        process.wait(15)

    def stop(self) -> None:
        """Stop all of them, the last one first."""
        for process in reversed(self.running.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()

    def _tail(self, name: str) -> str:
        text = (self.log_folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-15:])


def trusting(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return what an HTTP client of the demo should trust."""
    if ca_file is None:
        return True
    return ssl.create_default_context(cafile=str(ca_file))
