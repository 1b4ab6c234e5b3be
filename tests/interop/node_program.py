"""A JavaScript client as a process: one JSON value a line, in turn."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.node import node

FOLDER = Path(__file__).parent / "node"


class Program:
    """A running client that is asked and answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, question: dict[str, Any]) -> Any:
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, process.stderr.read()
        return json.loads(line)


@contextmanager
def running(script: str) -> Iterator[Program]:
    """Run a script of the pinned folder until the block ends."""
    assert (FOLDER / "node_modules" / "openid-client").exists(), "make install"
    with subprocess.Popen(
        [node(), script],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Program(process)
        finally:
            process.kill()
