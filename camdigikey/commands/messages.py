"""camdigikey messages: what left, what arrived, what it cost."""

from dataclasses import dataclass
from datetime import timedelta

import typer
from rich.table import Table

from camdigikey.commands.common import complaints, console, with_services
from idp.domain.message_watch import Alarm
from idp.domain.sent_messages import Tally
from idp.services import Services

app = typer.Typer(
    help="Text messages, e-mails and codes: what became of them.",
    no_args_is_help=True,
)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A day of messages. `spent` and `waiting` are by provider and by state."""

    tallies: list[Tally]
    alarms: list[Alarm]
    spent: dict[str, tuple[int, str]]
    waiting: dict[str, int]


@app.command()
def status() -> None:
    """Show the last day by provider and prefix; status 1 while an alarm stands."""
    standing = with_services(_look)
    console.print(_table(standing.tallies))
    for provider, (spent, budget) in standing.spent.items():
        console.print(f"{provider}: {spent} spent today of {budget}")
    for state, count in standing.waiting.items():
        console.print(f"notices {state}: {count}")
    for alarm in standing.alarms:
        complaints.print(f"[bold red]✗[/] {alarm}", highlight=False)
    if standing.alarms:
        raise typer.Exit(1)


async def _look(services: Services) -> Standing:
    budgets = services.messaging.spending.budgets
    async with services.store.read() as tx:
        tallies = await services.messaging.sent.tallies(tx, window=DAY)
        names = sorted({*budgets, *(one.provider for one in tallies)})
        spent = {
            name: (
                await services.messaging.spending.spent_today(tx, name),
                str(budgets.get(name, "no limit")),
            )
            for name in names
        }
        waiting = await services.messages.outbox.counts(tx)
    return Standing(tallies, await services.messaging.watch.alarms(), spent, waiting)


def _table(tallies: list[Tally]) -> Table:
    table = Table("provider", "prefix", "sent", "delivered", "failed", "codes", "used")
    for one in tallies:
        counts = (one.sent, one.delivered, one.failed, one.codes, one.used)
        table.add_row(one.provider, one.prefix or "e-mail", *map(str, counts))
    return table
