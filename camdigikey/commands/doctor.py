"""camdigikey doctor: what is set, what is missing, what is unsafe."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import typer
from pydantic import SecretStr
from rich.table import Table

from camdigikey.commands.common import complaints, console, settings
from idp.engines import load_email_sender, load_key_custody, load_sms_sender
from idp.engines.loading import (
    DisabledEmailSender,
    DisabledSmsSender,
    EngineRefused,
    EngineUnusable,
)
from idp.services import open_sealer
from idp.settings import IdpSettings
from idp.storage.database import is_current
from idp.storage.master_keys import MasterKeyUnsafe


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` is empty when it is fine."""

    name: str
    value: str
    advice: str = ""


def doctor() -> None:
    """Print the settings, what is missing, and what is unsafe for production."""
    found = settings()
    table = Table("setting", "value")
    for name in type(found).model_fields:
        value = getattr(found, name)
        shown = "(secret)" if isinstance(value, SecretStr) else str(value)
        table.add_row(f"IDP_{name.upper()}", shown)
    console.print(table)
    findings = list(examine(found))
    for finding in findings:
        mark = "[red]✗[/]" if finding.advice else "[green]✓[/]"
        line = f"{mark} {finding.name}: {finding.value}"
        console.print(f"{line} — {finding.advice}" if finding.advice else line)
    if any(finding.advice for finding in findings):
        complaints.print("Something needs you.")
        raise typer.Exit(1)
    console.print("All is well.")


def examine(found: IdpSettings) -> Iterator[Finding]:
    """Look at everything that the server needs."""
    yield _environment(found)
    yield _master_key(found)
    yield _database(found)
    yield _sms(found)
    yield _email(found)
    yield _key_custody(found)
    yield from _programs()


def _environment(found: IdpSettings) -> Finding:
    if found.environment == "production":
        return Finding("environment", "production")
    return Finding("environment", "development, never for citizens")


def _master_key(found: IdpSettings) -> Finding:
    try:
        open_sealer(found)
    except MasterKeyUnsafe as error:
        return Finding("master key", "unusable", str(error))
    return Finding("master key", "readable by its owner only")


def _database(found: IdpSettings) -> Finding:
    try:
        fresh = is_current(found.store)
    except Exception as error:  # noqa: BLE001 - any driver's error is the answer
        return Finding("database", "does not answer", type(error).__name__)
    advice = "" if fresh else "run: camdigikey migrate"
    return Finding("database", "newest revision" if fresh else "old revision", advice)


def _sms(found: IdpSettings) -> Finding:
    try:
        sender = load_sms_sender(found)
    except EngineRefused as error:
        return Finding("text messages", found.sms_sender, str(error))
    if isinstance(sender, DisabledSmsSender):
        return Finding("text messages", found.sms_sender, sender.reason)
    return Finding("text messages", found.sms_sender)


def _email(found: IdpSettings) -> Finding:
    try:
        sender = load_email_sender(found)
    except EngineRefused as error:
        return Finding("e-mail", found.email_sender, str(error))
    if not isinstance(sender, DisabledEmailSender):
        return Finding("e-mail", found.email_sender)
    is_wanted = bool(found.smtp_host) or "email_smtp" not in found.email_sender
    return Finding("e-mail", "none is sent", sender.reason if is_wanted else "")


def _key_custody(found: IdpSettings) -> Finding:
    try:
        load_key_custody(found)
    except (EngineRefused, EngineUnusable) as error:
        return Finding("signing keys", found.key_custody, str(error))
    return Finding("signing keys", found.key_custody)


def _programs() -> Iterator[Finding]:
    found = shutil.which("tesseract")
    yield Finding(
        "tesseract",
        found or "missing",
        "" if found else "apt-get install tesseract-ocr",
    )
    for package in ("face_recognition", "passporteye", "cv2"):
        here = find_spec(package) is not None
        advice = "" if here else "install the extras: proofing, dlib, passporteye"
        yield Finding(package, "installed" if here else "missing", advice)
