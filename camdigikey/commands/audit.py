"""camdigikey audit: read the record again and check every digest and signature."""

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from camdigikey.commands.common import console, fail, with_services
from idp.domain.audit_chain import Report
from idp.services import Services

app = typer.Typer(help="The record of every decision.", no_args_is_help=True)


@app.callback()
def about() -> None:
    """Look after the record of every decision."""


@app.command()
def verify() -> None:
    """Check every row, link and signature; name the first bad row."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Reading…", total=None)

        async def show(position: int) -> None:
            progress.update(task, description=f"{position} events checked")

        async def work(services: Services) -> Report:
            return await services.audit_chain.verify(show)

        report = with_services(work)
    if report.first_bad is not None:
        raise fail(f"First bad row: {report.first_bad}")
    console.print(f"✓ {report.linked} events are linked and whole.")
    console.print(f"  {report.unsealed_tail} wait for the next seal.")
