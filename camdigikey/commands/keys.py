"""camdigikey keys: the provider's signing keys."""

import typer
from rich.table import Table

from camdigikey.commands.common import console, with_services
from idp.services import Services

app = typer.Typer(help="The provider's signing keys.", no_args_is_help=True)


@app.command("list")
def list_keys() -> None:
    """Show every key; an archived one only verifies old seals of the record."""
    table = Table("key", "state")
    for kid, state in with_services(_states):
        table.add_row(kid, state)
    console.print(table)


@app.command()
def rotate() -> None:
    """Retire the current key, sign with the next, publish another."""

    async def work(services: Services) -> None:
        async with services.store.begin() as tx:
            await services.keys.rotate(tx)

    with_services(work)
    console.print(
        "✓ Rotated. Running servers follow within seconds; the retired key stays"
        " published until nothing it signed is alive."
    )


async def _states(services: Services) -> list[tuple[str, str]]:
    async with services.store.read() as tx:
        return await services.keys.states(tx)
