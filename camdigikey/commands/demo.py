"""camdigikey demo: the whole path on this machine, with specimens."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from camdigikey.commands.common import console, fail
from camdigikey.demo.processes import DemoFailed
from camdigikey.demo.run import Demo
from camdigikey.demo.walk import walk


def demo(
    *,
    data: Annotated[
        Path, typer.Option(help="Where everything is kept; delete it to start anew.")
    ] = Path("data/demo"),
    phone: Annotated[
        bool, typer.Option("--phone", help="Walk the path here, without a camera.")
    ] = False,
    lan: Annotated[
        str,
        typer.Option(
            help="This machine's address: serve https there, for a real phone."
        ),
    ] = "",
) -> None:
    """Run provider, citizen app, register simulator and a portal; say what to do."""
    demonstration = Demo(folder=data.resolve(), lan=lan)
    # Whoever ends us with a signal ends the four processes too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with console.status("Starting…"):
            demonstration.start()
        console.print(demonstration.welcome(), highlight=False)
        if phone:
            asyncio.run(walk(demonstration, console))
            return
        demonstration.wait()
    except DemoFailed as error:
        raise fail(str(error)) from error
    except KeyboardInterrupt:
        console.print("\nStopping.")
    finally:
        demonstration.stop()
