"""camdigikey relying-parties logouts: who has been told that a session ended."""

from typing import Annotated

import typer
from rich.table import Table

from camdigikey.commands.common import console, with_services
from idp.domain.logout_deliveries import Delivery, DeliveryState
from idp.services import Services
from idp.storage.columns import from_millis


def logouts(
    party: Annotated[str | None, typer.Option(help="Only this client_id.")] = None,
) -> None:
    """Show the newest back-channel logouts and what became of each."""

    async def work(services: Services) -> list[Delivery]:
        async with services.store.read() as tx:
            return await services.logouts.deliveries.newest(tx, relying_party_id=party)

    table = Table("client_id", "ended", "state", "tries", "last answer", "next try")
    for each in with_services(work):
        is_waiting = each.state is DeliveryState.WAITING
        table.add_row(
            each.relying_party_id,
            _instant(each.made_at),
            each.state.value,
            str(each.attempts),
            each.answer,
            _instant(each.next_attempt_at) if is_waiting else "",
        )
    console.print(table)


def _instant(millis: int) -> str:
    return f"{from_millis(millis):%Y-%m-%d %H:%M:%S}"
