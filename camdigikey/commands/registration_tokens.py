"""camdigikey relying-parties tokens: who may register a party by himself."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from camdigikey.commands.common import console, with_services
from idp.domain.party_registration import IssuedToken, Terms
from idp.services import Services
from idp.storage.columns import from_millis

app = typer.Typer(
    help="Initial access tokens: terms under which a party may register itself.",
    no_args_is_help=True,
)
Names = list[str] | None
DEFAULT = Terms()


@app.command()
def issue(  # noqa: PLR0917 - each is an option of the command line
    legal_basis: Annotated[str, typer.Option(help="What allows it to ask.")],
    scope: Annotated[Names, typer.Option(help="May be repeated.")] = None,
    claim: Annotated[Names, typer.Option(help="One by one; repeated.")] = None,
    grant_type: Annotated[Names, typer.Option(help="May be repeated.")] = None,
    resource: Annotated[Names, typer.Option(help="RFC 8707; repeated.")] = None,
    api_scope: Annotated[Names, typer.Option(help="In its own name.")] = None,
    may_act_at: Annotated[Names, typer.Option(help="A client_id; repeated.")] = None,
    audience: Annotated[str, typer.Option(help="Its own API in tokens.")] = "",
    profile: Annotated[
        str, typer.Option(help="basic, fapi2 or fapi2-message-signing.")
    ] = DEFAULT.profile,
    acr: Annotated[str, typer.Option(help="Least level of logins.")] = DEFAULT.acr,
    domain: Annotated[str, typer.Option(help="The domain people are shown.")] = "",
    name_km: Annotated[str, typer.Option(help="The name people are shown.")] = "",
    name_en: Annotated[str, typer.Option(help="The same in English.")] = "",
    development: Annotated[
        bool, typer.Option("--development", help="Loopback addresses are fine.")
    ] = False,
    uses: Annotated[int, typer.Option(help="Registrations it is good for.")] = 1,
    days: Annotated[int, typer.Option(help="At most 90.")] = 7,
) -> None:
    """Issue a token and print it, this once."""
    terms = Terms(
        scopes=tuple(scope or DEFAULT.scopes),
        claims=tuple(claim or ()),
        grant_types=tuple(grant_type or DEFAULT.grant_types),
        resources=tuple(resource or ()),
        api_scopes=tuple(api_scope or ()),
        may_act_at=tuple(may_act_at or ()),
        audience=audience,
        profile=profile,
        acr=acr,
        domain=domain,
        name_km=name_km,
        name_en=name_en,
        legal_basis=legal_basis,
        is_development=development,
    )

    async def work(services: Services) -> tuple[str, str]:
        async with services.store.begin() as tx:
            return await services.party_registration.issue(
                tx, terms, uses=uses, life=timedelta(days=days)
            )

    token_id, text = with_services(work)
    console.print(f"✓ Issued {token_id}. The token, shown only now:")
    console.print(text, highlight=False, soft_wrap=True)


@app.command("list")
def list_tokens() -> None:
    """Show every token and what is left of it."""

    async def work(services: Services) -> list[IssuedToken]:
        async with services.store.read() as tx:
            return await services.party_registration.all(tx)

    table = Table("token", "profile", "scope", "uses left", "until", "state")
    for each in with_services(work):
        table.add_row(
            each.id,
            each.terms.profile,
            " ".join(each.terms.scopes),
            str(each.uses_left),
            f"{from_millis(each.expires_at):%Y-%m-%d %H:%M}",
            "revoked" if each.is_revoked else "live",
        )
    console.print(table)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(help="As listed.")]) -> None:
    """End a token; parties that it registered stay."""

    async def work(services: Services) -> None:
        async with services.store.begin() as tx:
            await services.party_registration.revoke(tx, token_id)

    with_services(work)
    console.print(f"✓ Revoked {token_id}.")
