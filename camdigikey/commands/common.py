"""What the commands share: settings, services, and how a mistake is told."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from idp.engines import EngineRefused, EngineUnusable
from idp.errors import FieldsInvalid, IdentityError
from idp.services import Services, open_services
from idp.settings import IdpSettings, load_settings
from idp.storage.database import is_current
from idp.storage.master_keys import MasterKeyUnsafe

T = TypeVar("T")
# What is not read on a screen is read by a program: nothing is folded there.
UNFOLDED = 240
console = Console(width=None if sys.stdout.isatty() else UNFOLDED)
complaints = Console(stderr=True)


def fail(message: str) -> typer.Exit:
    """Say what is wrong on standard error; raise the result."""
    complaints.print(f"[bold red]✗[/] {message}", highlight=False)
    return typer.Exit(1)


def settings() -> IdpSettings:
    """Read the settings, or say which one is wrong."""
    try:
        return load_settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "IDP_" + "_".join(map(str, problem["loc"])).upper()
            complaints.print(f"  {name}: {problem['msg']}", highlight=False)
        raise fail("The settings are not right (camdigikey doctor).") from error
    except ValueError as error:
        raise fail(str(error)) from error


def with_services(work: Callable[[Services], Awaitable[T]]) -> T:
    """Open the services, do the work, close them; tell refusals plainly."""
    found = settings()
    if not is_current(found.store):
        raise fail("The database is not at the newest revision: camdigikey migrate")

    async def run() -> T:
        async with open_services(found) as services:
            return await work(services)

    try:
        return asyncio.run(run())
    except FieldsInvalid as error:
        for name, code in error.fields.items():
            complaints.print(f"  {name}: {code}", highlight=False)
        raise fail("Some values cannot be right.") from error
    except (IdentityError, MasterKeyUnsafe) as error:
        raise fail(f"{getattr(error, 'code', 'master key')}: {error}") from error
    except (EngineRefused, EngineUnusable) as error:
        raise fail(str(error)) from error
