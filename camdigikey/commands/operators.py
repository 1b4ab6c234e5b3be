"""camdigikey operators: who may review cases and who may help citizens."""

from typing import Annotated

import typer
from rich.table import Table

from camdigikey.commands.common import console, fail, with_services
from idp.domain.operators import Role
from idp.errors import NotFound
from idp.services import Services
from idp.storage.columns import from_millis
from idp.storage.store import Row

app = typer.Typer(help="Officers with a role.", no_args_is_help=True)
Account = Annotated[str, typer.Argument(help="The account's id.")]
By = Annotated[str, typer.Option("--by", help="Who decided this, for the record.")]


@app.command("list")
def list_operators() -> None:
    """Show every role that stands."""

    async def work(services: Services) -> list[Row]:
        async with services.store.read() as tx:
            return await services.operators.all(tx)

    table = Table("account", "role", "given by", "since")
    for account_id, role, by, at in with_services(work):
        since = f"{from_millis(int(at or 0)):%Y-%m-%d %H:%M}"
        table.add_row(str(account_id), str(role), str(by), since)
    console.print(table)


@app.command()
def grant(account: Account, role: Role, *, by: By) -> None:
    """Give an account a role."""

    async def work(services: Services) -> bool:
        async with services.store.begin() as tx:
            try:
                await services.accounts.active(tx, account)
            except NotFound:
                return False
            await services.operators.grant(tx, account, role, by=by)
            return True

    if not with_services(work):
        raise fail("There is no such account.")
    console.print(f"✓ {account} is a {role.value}.")


@app.command()
def revoke(account: Account, role: Role, *, by: By) -> None:
    """Take a role back; it ends at once."""

    async def work(services: Services) -> bool:
        async with services.store.begin() as tx:
            try:
                await services.operators.revoke(tx, account, role, by=by)
            except NotFound:
                return False
            return True

    if not with_services(work):
        raise fail("The account does not have this role.")
    console.print(f"✓ {account} is no {role.value} any more.")
