"""`willcall requests`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, counted, print_error, print_facts, print_json, print_line

if TYPE_CHECKING:
    from tasks.replay import Replayed

app = typer.Typer(help="Requests and their outcomes.")


@app.command(epilog="Example: willcall requests show 01890a5d-ac96-774b-bcce-b302099a8057")
def show(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The id in the intake's answer.")],
    as_json: JsonFlag = False,
) -> None:
    """Show the status of a request: pending, processed, rejected or dead, and why.

    An unknown request is pending: it waits in the queue, or was never sent.
    """
    from intake.cli.outcomes import find_outcomes, pending, reasons
    from intake.cli.processes.servers import parse_id, transaction

    id_ = parse_id(request_id, "a request")
    with transaction() as connection:
        outcome = find_outcomes(connection, [id_]).get(id_) or pending(id_)
    if as_json:
        print_json(outcome)
        return
    print_facts(
        (
            ("request", outcome["request_id"]),
            ("status", outcome["status"]),
            ("order", outcome["order_id"] or "none"),
            *([("hold", outcome["hold_id"])] if "hold_id" in outcome else []),
            ("reasons", reasons(outcome) or "none"),
        )
    )


@app.command(epilog="Example: willcall requests replay /var/log/willcall/requests")
def replay(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Files of the request log, or directories with such files."),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Process the requests of the request log again, after the database was restored to an earlier point.

    First stop intakes, workers and relays, and load the catalogue as it was. Requests that the database has
    are skipped. Orders get the same ids, numbers and ticket codes as before. Exit 1 if the outcome of a
    request differs. Running the command again is harmless.
    """
    from intake.cli.processes.servers import engine
    from intake.cli.progress import progress_bar
    from tasks.replay import replay as replay_files

    files = _log_files(paths)
    with engine() as opened, progress_bar("replaying", None) as (progress, bar):
        replayed = replay_files(
            opened, files, lambda done, lines: progress.update(bar, completed=done, total=lines)
        )
    _report(replayed, as_json)


def _log_files(paths: list[Path]) -> list[Path]:
    files: set[Path] = set()
    for path in paths:
        found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not found or not all(one.is_file() for one in found):
            raise CommandFailed(
                f"{path} is neither a file of the request log nor a directory with such files"
            )
        files.update(one.resolve() for one in found)
    return sorted(files)


def _report(replayed: "Replayed", as_json: bool) -> None:
    if as_json:
        differences = [
            {
                "request_id": one.request.request_id,
                "kind": one.request.kind,
                "before": one.before,
                "now": one.now,
            }
            for one in replayed.differences
        ]
        facts = {"requests": replayed.count, "known": replayed.known, "kept_for_later": replayed.later}
        print_json(facts | {"lines_cut_off": replayed.cut_off, "differences": differences})
    else:
        _print(replayed)
    if replayed.differences:
        raise typer.Exit(1)


def _print(replayed: "Replayed") -> None:
    for one in replayed.differences:
        what = f"{one.request.request_id}  {one.request.kind}"
        print_line(f"{what}: was {_text(one.before)}, is {_text(one.now)}")
    print_line(
        f"Replayed {counted(replayed.count, 'request')}; {replayed.known} of them were in the database. "
        f"To be retried later: {replayed.later}. Different outcomes: {len(replayed.differences)}."
    )
    if replayed.cut_off:
        print_error(f"{counted(replayed.cut_off, 'line')} truncated; their requests were not committed.")


def _text(outcome: tuple[str, str | None]) -> str:
    return " ".join(one for one in outcome if one)
