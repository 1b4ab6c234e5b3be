"""camdigikey relying-parties: who may ask citizens to log in."""

from typing import Annotated

import typer
from rich.table import Table

from camdigikey.commands.common import console, with_services
from idp.domain.relying_parties import RelyingParty
from idp.services import Services

app = typer.Typer(
    help="Portals and partner apps that may ask citizens to log in.",
    no_args_is_help=True,
)


@app.command()
def add(  # noqa: PLR0917 - each is an option of the command line
    party_id: Annotated[str, typer.Argument(help="The client_id.")],
    name_km: Annotated[str, typer.Option(help="Name in Khmer.")],
    name_en: Annotated[str, typer.Option(help="Name in English.")],
    domain: Annotated[str, typer.Option(help="The domain that people are shown.")],
    redirect_uri: Annotated[list[str], typer.Option(help="Exact; may be repeated.")],
    purpose_km: Annotated[str, typer.Option(help="Why, in Khmer.")] = "",
    purpose_en: Annotated[str, typer.Option(help="Why, in English.")] = "",
    post_logout_redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Exact; may be repeated.")
    ] = None,
    scope: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    auth_method: Annotated[
        str, typer.Option(help="client_secret_basic, client_secret_post or none.")
    ] = "client_secret_basic",
    acr: Annotated[str, typer.Option(help="Least level: low or substantial.")] = "low",
) -> None:
    """Register a relying party and print its secret, this once."""
    party = RelyingParty(
        id=party_id,
        name_km=name_km,
        name_en=name_en,
        domain=domain,
        purpose_km=purpose_km,
        purpose_en=purpose_en,
        redirect_uris=tuple(redirect_uri),
        post_logout_redirect_uris=tuple(post_logout_redirect_uri or ()),
        scopes=tuple(scope or ("openid", "profile")),
        auth_method=auth_method,
        acr=acr,
    )

    async def work(services: Services) -> str | None:
        async with services.store.begin() as tx:
            return (await services.relying_parties.add(tx, party))[1]

    secret = with_services(work)
    console.print(f"✓ Registered {party_id}.")
    if secret is not None:
        console.print("The client secret, shown only now:")
        console.print(secret, highlight=False, soft_wrap=True)


@app.command("list")
def list_parties() -> None:
    """Show every relying party."""

    async def work(services: Services) -> list[RelyingParty]:
        async with services.store.read() as tx:
            return await services.relying_parties.all(tx)

    table = Table("client_id", "name", "domain", "redirect URIs", "state")
    for party in with_services(work):
        state = "live" if party.disabled_at is None else "disabled"
        uris = "\n".join(party.redirect_uris)
        table.add_row(party.id, party.name_en, party.domain, uris, state)
    console.print(table)


@app.command()
def disable(
    party_id: Annotated[str, typer.Argument(help="The client_id.")],
) -> None:
    """Stop serving a relying party, for good."""

    async def work(services: Services) -> None:
        async with services.store.begin() as tx:
            await services.relying_parties.disable(tx, party_id)

    with_services(work)
    console.print(f"✓ Disabled {party_id}.")
