"""`willcall top`."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from intake.cli.output import JsonFlag, is_terminal, live, print_json, print_rendered

if TYPE_CHECKING:
    from intake.cli.top.picture import Picture


def top(
    interval: Annotated[
        float,
        typer.Option("--interval", min=0.2, max=3600, metavar="S", help="Seconds between two updates."),
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print the state once, and exit.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the current activity: orders, queues, workers, outcomes, best sellers. Ctrl-C ends it.

    If a server is down it says so, and tries again. It uses at most a fifth of each server's time.
    If the output is not a terminal, it prints the state once.
    """
    from db.engine import make_engine
    from intake.cli.processes.servers import servers
    from intake.cli.top.picture import Picture
    from intake.cli.top.screen import render

    with servers(database=True, broker=True) as settings:
        engine = make_engine(settings.database(), pool_size=1)
        picture = Picture(engine, settings)
        try:
            if not as_json and not once and is_terminal():
                _watch(picture, interval)
                return
            picture.refresh(is_only_one=True)
        finally:
            engine.dispose()
    if as_json:
        print_json(picture.to_json())
    else:
        print_rendered(render(picture))


def _watch(picture: "Picture", interval: float) -> None:
    from intake.cli.top.screen import render

    try:
        with live() as show:
            while True:
                picture.refresh()
                show(render(picture))
                time.sleep(interval)
    except KeyboardInterrupt:
        return
