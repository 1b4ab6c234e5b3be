"""camdigikey keys: the provider's signing keys."""

from typing import Annotated

import typer
from rich.table import Table

from camdigikey.commands.common import console, fail, with_services
from idp.domain.keys import RevokedKey
from idp.domain.signing_key_rows import NEXT, KeyRow
from idp.services import Services
from idp.storage.columns import from_millis, to_millis

app = typer.Typer(help="The provider's signing keys.", no_args_is_help=True)
Now = Annotated[
    bool, typer.Option("--now", help="Although caches may not have the next keys yet.")
]


@app.command("list")
def list_keys() -> None:
    """Show every key; an archived one only verifies old seals of the record."""
    table = Table("key", "alg", "state", "published", "signs since", "until")
    for row in with_services(_states):
        told = map(_instant, (row.made_at, row.signs_since, row.retired_at))
        table.add_row(row.kid, row.alg, row.state, *told)
    console.print(table)


@app.command()
def rotate(*, now: Now = False) -> None:
    """Retire the current keys, sign with the next, publish others."""

    async def work(services: Services) -> str:
        async with services.store.begin() as tx:
            young = _youngest(services, await services.keys.states(tx))
            if young and not now:
                return young
            await services.keys.rotate(tx)
        await services.keys.changes.destroy_private_halves()
        return ""

    if young := with_services(work):
        raise fail(f"The next keys are published long enough at {young} (or: --now).")
    console.print(
        "✓ Rotated. Running servers follow within a second; the retired keys stay"
        " published until nothing they signed is alive."
    )


@app.command()
def revoke(kid: str) -> None:
    """Take a key out of use at once and for good; its tokens are refused."""

    async def work(services: Services) -> RevokedKey:
        async with services.store.begin() as tx:
            done = await services.keys.changes.revoke(tx, kid)
        await services.keys.changes.destroy_private_halves()
        return done

    done = with_services(work)
    console.print(
        f"✓ Revoked {done.kid} ({done.alg}, was {done.state}); {done.signs_now or 'no'}"
        " key signs now. Running servers follow within two seconds."
        " What to do next: docs/keys.md",
        soft_wrap=True,
    )


async def _states(services: Services) -> list[KeyRow]:
    async with services.store.read() as tx:
        return await services.keys.states(tx)


def _youngest(services: Services, rows: list[KeyRow]) -> str:
    """Return when the youngest next key may sign; empty when all may."""
    schedule, now = services.keys.changes.schedule, to_millis(services.clock.now())
    made = [
        row.made_at
        for row in rows
        if row.state == NEXT and not schedule.is_ripe(row, now=now)
    ]
    if not made:
        return ""
    return f"{from_millis(max(made)) + schedule.publish_ahead:%Y-%m-%d %H:%M:%S} UTC"


def _instant(millis: int | None) -> str:
    return "" if millis is None else f"{from_millis(millis):%Y-%m-%d %H:%M:%S}"
