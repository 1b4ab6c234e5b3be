"""Run a JavaScript file with node: the one on PATH, or the one of Playwright."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import playwright

OLDEST = 20


def node() -> str:
    """Return a node that is at least 20."""
    bundled = Path(playwright.__file__).parent / "driver" / "node"
    for found in (shutil.which("node"), str(bundled)):
        if found is not None and Path(found).exists() and _major(found) >= OLDEST:
            return found
    raise FileNotFoundError("node >= 20 is neither on PATH nor in the Playwright wheel")


def run_node(script: Path, *arguments: Path) -> Any:
    """Run a script and read the JSON that it prints."""
    command = [node(), str(script), *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    return json.loads(done.stdout)


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], check=True, capture_output=True)
    return int(said.stdout.decode().removeprefix("v").split(".")[0])
