"""camdigikey relying-parties: who may ask citizens to log in."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from camdigikey.commands import logouts, registration_tokens
from camdigikey.commands.common import console, fail, with_services
from idp.domain.party_metadata import PartyMetadata, write_metadata
from idp.domain.relying_parties import RelyingParty
from idp.services import Services

app = typer.Typer(
    help="Portals and partner apps that may ask citizens to log in.",
    no_args_is_help=True,
)
secrets = typer.Typer(help="Client secrets: two may be live.", no_args_is_help=True)
app.add_typer(secrets, name="secrets")
app.add_typer(registration_tokens.app, name="tokens")
app.command("logouts")(logouts.logouts)

PartyId = Annotated[str, typer.Argument(help="The client_id.")]
Metadata = Annotated[
    Path | None,
    typer.Option(help="A JSON file with the names of docs/relying-party-registration"),
]


@app.command()
def add(  # noqa: PLR0917 - each is an option of the command line
    party_id: PartyId,
    name_km: Annotated[str, typer.Option(help="Name in Khmer.")],
    name_en: Annotated[str, typer.Option(help="Name in English.")],
    domain: Annotated[str, typer.Option(help="The domain that people are shown.")],
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Exact; may be repeated.")
    ] = None,
    purpose_km: Annotated[str, typer.Option(help="Why, in Khmer.")] = "",
    purpose_en: Annotated[str, typer.Option(help="Why, in English.")] = "",
    post_logout_redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Exact; may be repeated.")
    ] = None,
    scope: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    sector: Annotated[str, typer.Option(help="Needed with several hosts.")] = "",
    auth_method: Annotated[
        str,
        typer.Option(
            help="client_secret_basic, client_secret_post, private_key_jwt,"
            " tls_client_auth, self_signed_tls_client_auth or none."
        ),
    ] = "client_secret_basic",
    acr: Annotated[str, typer.Option(help="Least level of logins.")] = "low",
    profile: Annotated[
        str, typer.Option(help="basic, fapi2 or fapi2-message-signing.")
    ] = "basic",
    metadata: Metadata = None,
) -> None:
    """Register a relying party and print its secret, this once."""
    party = RelyingParty(
        id=party_id,
        name_km=name_km,
        name_en=name_en,
        domain=domain,
        purpose_km=purpose_km,
        purpose_en=purpose_en,
        redirect_uris=tuple(redirect_uri or ()),
        post_logout_redirect_uris=tuple(post_logout_redirect_uri or ()),
        scopes=tuple(scope or ("openid", "profile")),
        sector=sector,
        auth_method=auth_method,
        acr=acr,
        profile=profile,
        metadata=PartyMetadata() if metadata is None else read_file(metadata),
    )

    async def work(services: Services) -> str | None:
        async with services.store.begin() as tx:
            return (await services.relying_parties.add(tx, party))[1]

    secret = with_services(work)
    console.print(f"✓ Registered {party_id}.")
    if secret is not None:
        _show_secret(secret)


@app.command()
def update(
    party_id: PartyId,
    metadata: Annotated[Path, typer.Option(help="Replaces the metadata in force.")],
) -> None:
    """Replace the metadata of a party by a file."""
    wanted = read_file(metadata)

    async def work(services: Services) -> None:
        async with services.store.begin() as tx:
            known = await services.relying_parties.find(tx, party_id)
            changed = replace(known, metadata=wanted)
            await services.relying_parties.update(tx, changed)

    with_services(work)
    console.print(f"✓ Changed {party_id}. Running servers follow within a second.")


@app.command()
def show(party_id: PartyId) -> None:
    """Print the metadata of a party: what `--metadata` reads."""

    async def work(services: Services) -> RelyingParty:
        async with services.store.read() as tx:
            return await services.relying_parties.find(tx, party_id)

    typer.echo(write_metadata(with_services(work).metadata))


@app.command("list")
def list_parties() -> None:
    """Show every relying party."""

    async def work(services: Services) -> list[RelyingParty]:
        async with services.store.read() as tx:
            return await services.relying_parties.all(tx)

    table = Table("client_id", "name", "domain", "redirect URIs", "profile", "state")
    for party in with_services(work):
        state = "live" if party.disabled_at is None else "disabled"
        uris = "\n".join(party.redirect_uris)
        table.add_row(party.id, party.name_en, party.domain, uris, party.profile, state)
    console.print(table)


@app.command()
def disable(party_id: PartyId) -> None:
    """Stop serving a relying party, for good."""

    async def work(services: Services) -> None:
        async with services.store.begin() as tx:
            await services.relying_parties.disable(tx, party_id)

    with_services(work)
    console.print(f"✓ Disabled {party_id}.")


@secrets.command()
def renew(party_id: PartyId) -> None:
    """Print a new secret, this once; the one before stays live."""

    async def work(services: Services) -> str:
        async with services.store.begin() as tx:
            return await services.relying_parties.renew_secret(tx, party_id)

    _show_secret(with_services(work))


@secrets.command()
def drop(party_id: PartyId) -> None:
    """End the secret before the current one."""

    async def work(services: Services) -> None:
        async with services.store.begin() as tx:
            await services.relying_parties.drop_old_secret(tx, party_id)

    with_services(work)
    console.print(f"✓ Only the newest secret of {party_id} is live.")


def read_file(path: Path) -> PartyMetadata:
    """Read metadata from a file; an unknown member is refused."""
    try:
        found = orjson.loads(path.read_bytes())
        unknown = set(found) - set(PartyMetadata.__dataclass_fields__)
        if unknown:
            raise fail(f"{path}: unknown members: {', '.join(sorted(unknown))}")
        return TypeAdapter(PartyMetadata).validate_json(
            orjson.dumps(found), strict=True
        )
    except ValidationError as error:
        names = {str(problem["loc"][0]) for problem in error.errors()}
        raise fail(f"{path}: not acceptable: {', '.join(sorted(names))}") from error
    except (OSError, ValueError, TypeError) as error:
        raise fail(f"{path}: not a JSON object that can be read") from error


def _show_secret(secret: str) -> None:
    console.print("The client secret, shown only now:")
    console.print(secret, highlight=False, soft_wrap=True)
