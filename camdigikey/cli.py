"""camdigikey: run it, look after it, try it."""

import typer

from camdigikey.commands import (
    audit,
    camdx,
    demo,
    doctor,
    keys,
    messages,
    migrate,
    operators,
    parties,
    serve,
)

app = typer.Typer(
    help="CamDigiKey, Cambodia's national mobile identity: run it, look after it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.add_typer(keys.app, name="keys")
app.add_typer(parties.app, name="relying-parties")
app.add_typer(messages.app, name="messages")
app.add_typer(audit.app, name="audit")
app.add_typer(camdx.app, name="camdx")
app.add_typer(operators.app, name="operators")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
