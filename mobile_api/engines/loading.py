"""Find an engine by its entry name; one that cannot run is kept with its reason."""

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class EngineRefused(RuntimeError):
    """Say why an engine must not run here."""


class DevelopmentModeWarning(UserWarning):
    """Say loudly that an engine only pretends."""


@dataclass(frozen=True, slots=True)
class DisabledEngine:
    """Stands where an engine could not be loaded; `/health` names it."""

    entry: str
    reason: str


def load_engine(
    entry: str, protocol: type[T], *, environment: str
) -> T | DisabledEngine:
    """Import `module:factory`, call `factory(environment=...)`, check the Protocol.

    `protocol` is runtime-checkable. Never raises: what fails is a DisabledEngine.
    """
    module, _, factory = entry.partition(":")
    try:
        engine = getattr(importlib.import_module(module), factory)(
            environment=environment
        )
    except Exception as reason:  # noqa: BLE001 - an engine is a stranger's code
        return DisabledEngine(entry, f"{type(reason).__name__}: {reason}")
    if not isinstance(engine, protocol):
        return DisabledEngine(entry, f"is not a {protocol.__name__}")
    return engine


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_model(path: Path, expected: str) -> tuple[str, str]:
    """Return name and hash of a model file, or refuse one that is not the one known."""
    found = sha256_of(path)
    if found != expected:
        raise EngineRefused(f"{path.name} has SHA-256 {found}, not {expected}")
    return path.name, found
