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
        typer.Option("--interval", min=0.2, max=3600, metavar="S", help="Seconds between two pictures."),
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print one picture, and end.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what happens now: orders, queues, workers, outcomes, what sells. Ends on Ctrl-C.

    When a server is away it says so, and asks again. Each is kept busy for a fifth of the time at most.
    Where the output is no terminal it prints one picture.
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
