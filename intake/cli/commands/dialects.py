"""`willcall dialects`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, counted, print_json, print_line

if TYPE_CHECKING:
    from intake.auth.keys import NewKey
    from intake.recording.replaying import Replayed

app = typer.Typer(help="Record a client's calls, and replay them as a contract test.", no_args_is_help=True)

IntakeOption = Annotated[
    str | None,
    typer.Option("--to", metavar="URL", help="The intake's URL; by default the one in the settings."),
]


@app.command(epilog="Example: willcall dialects record shop.jsonl, with the client at http://127.0.0.1:8001")
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file: JSON Lines, one call per line.")],
    to: IntakeOption = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on.")] = 8001,
) -> None:
    """Forward a client's calls to the intake, and record each with its answer, until Ctrl-C.

    Point the client at this port instead of the intake's. Keys, signatures, tokens and ticket codes are
    not recorded; names and addresses of buyers are.
    """
    from intake.recording.proxy import Recorder

    try:
        recorder = Recorder(_address(to), file, port)
    except FileExistsError as error:
        raise CommandFailed(f"{file} exists; choose a new file") from error
    except OSError as error:
        if error.filename is not None:
            raise
        raise CommandFailed(f"cannot listen on port {port}: {error.strerror}") from error
    print_line(f"recording to {file}; point the client at {recorder.url}; Ctrl-C ends it")
    try:
        recorder.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        recorder.close()
        print_line(f"{counted(recorder.count, 'call')} recorded in {file}")


@app.command(epilog="Example: willcall dialects replay shop.jsonl --tenant demo")
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file from `dialects record`.")],
    tenant: Annotated[
        str, typer.Option("--tenant", metavar="T", help="The tenant that the calls are made for.")
    ],
    to: IntakeOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Replay the recorded calls, and compare the answers. Exit 1 if any answer differs.

    The calls use a temporary key, which is revoked when the command ends. New ids and idempotency keys
    replace the recorded ones. First load the catalogue as it was when the calls were recorded.
    """
    from http.client import HTTPException

    from intake.recording.exchanges import NotARecording, read_recording
    from intake.recording.replaying import replay as replay_calls

    try:
        exchanges = list(read_recording(file))
    except (NotARecording, UnicodeDecodeError) as error:
        raise CommandFailed(str(error)) from error
    address = _address(to)
    with _key_of(tenant) as made:
        try:
            replayed = list(replay_calls(exchanges, address, made))
        except (OSError, HTTPException) as error:
            raise CommandFailed(f"the intake {address} does not answer: {type(error).__name__}") from error
    _report(replayed, as_json)


def _address(to: str | None) -> str:
    """Return the URL of the intake."""
    from intake.cli.processes.doors import doors_of
    from worker.runtime.settings import get_settings

    if to is not None and not to.startswith(("http://", "https://")):
        raise CommandFailed(f"{to} is not the URL of an intake, such as http://127.0.0.1:8000")
    return to or doors_of(get_settings())[0].url


@contextmanager
def _key_of(tenant: str) -> Iterator["NewKey"]:
    """Create a key for the block; it expires within the hour in any case."""
    from datetime import UTC, datetime, timedelta

    from intake.auth.keys import UnknownTenant, create_key, revoke_key
    from intake.auth.scopes import SCOPES
    from intake.cli.processes.servers import engine

    now = datetime.now(UTC)
    scopes = [scope for scope in SCOPES if scope != "admin"]
    with engine() as opened:
        try:
            with opened.begin() as connection:
                made = create_key(connection, tenant, scopes, now, expires_at=now + timedelta(hours=1))
        except UnknownTenant as error:
            raise CommandFailed(str(error)) from error
        try:
            yield made
        finally:
            with opened.begin() as connection:
                revoke_key(connection, made.id, datetime.now(UTC))


def _report(replayed: list["Replayed"], as_json: bool) -> None:
    otherwise = [one for one in replayed if one.differences]
    if as_json:
        calls = [{"call": one.name, "differences": one.differences} for one in otherwise]
        print_json({"calls": len(replayed), "otherwise": calls})
    else:
        for one in otherwise:
            print_line(f"{one.name}:")
            for sentence in one.differences:
                print_line(f"  {sentence}")
        print_line(f"{counted(len(replayed), 'call')} replayed; {len(otherwise)} answered differently.")
    if otherwise:
        raise typer.Exit(1)
