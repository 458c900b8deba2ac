"""`willcall keys`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from intake.auth.scopes import MEANINGS
from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, print_json, print_line, print_table

if TYPE_CHECKING:
    from datetime import datetime

    from intake.auth.keys import ApiKey

app = typer.Typer(help="API keys, which give access to the HTTP intake.", no_args_is_help=True)


_SCOPES: Final = "\n\n".join(f"{scope}: {meaning}" for scope, meaning in MEANINGS.items())


@app.command(
    epilog=f"Scopes:\n\n{_SCOPES}\n\n"
    "Example: willcall keys create --tenant demo --scope orders.create --scope orders.read"
)
def create(
    tenant: Annotated[
        str, typer.Option("--tenant", metavar="T", help="The tenant that the key gives access to.")
    ],
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="S",
            help="A scope of the key; see below. May be repeated.",
        ),
    ],
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="WHEN",
            help="When it expires: 90d, 12h, 30m, a date (2027-01-31) or a time with its offset.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Create a key, and a secret for clients that sign. Both are shown once; only a hash of the key stays."""
    from datetime import UTC, datetime

    from intake.auth.keys import UnknownScope, UnknownTenant, create_key
    from intake.cli.expiries import read_expiry
    from intake.cli.processes.servers import transaction

    now = datetime.now(UTC)
    expires_at = None if expires is None else read_expiry(expires, now)
    with transaction() as connection:
        try:
            made = create_key(connection, tenant, scopes, now, expires_at=expires_at)
        except (UnknownScope, UnknownTenant) as error:
            raise CommandFailed(str(error)) from error
    if as_json:
        shown = {"id": made.id, "key": made.key, "token": made.id.hex, "secret": made.secret}
        print_json(shown | {"tenant": tenant, "scopes": scopes, "expires_at": expires_at})
    else:
        print_line("Ticket Evolution's clients sign with these. The secret is shown only now:")
        print_line(f"token: {made.id.hex}")
        print_line(f"secret: {made.secret}")
        until = "" if expires_at is None else f", valid until {expires_at.isoformat(timespec='seconds')}"
        print_line(f"Key {made.id} of {tenant}{until}. It is shown only now:")
        print_line(made.key)


@app.command("list", epilog="Example: willcall keys list")
def list_(as_json: JsonFlag = False) -> None:
    """List the keys, including revoked and expired ones, without their secret parts.

    `used` is the time of the last call with the key, to a minute or two.
    """
    from intake.auth import keys
    from intake.cli.processes.servers import transaction

    with transaction() as connection:
        found = keys.list_keys(connection)
    if as_json:
        print_json([asdict(key) for key in found])
        return
    print_table(
        ("id", "tenant", "scopes", "created", "expires", "used", "revoked"),
        ((key.id, key.tenant, " ".join(key.scopes), *map(_moment, _moments_of(key))) for key in found),
    )


def _moments_of(key: "ApiKey") -> tuple["datetime | None", ...]:
    return key.created_at, key.expires_at, key.last_used_at, key.revoked_at


def _moment(moment: "datetime | None") -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


@app.command(epilog="Example: willcall keys revoke 01890a5d-ac96-774b-bcce-b302099a8057")
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An id from `keys list`.")],
    as_json: JsonFlag = False,
) -> None:
    """Revoke a key permanently. An intake that has cached it accepts it for a few more seconds."""
    from datetime import UTC, datetime

    from intake.auth.keys import revoke_key
    from intake.cli.processes.servers import parse_id, transaction

    key_id = parse_id(id_, "a key")
    with transaction() as connection:
        if not revoke_key(connection, key_id, datetime.now(UTC)):
            raise CommandFailed(f"there is no valid key {id_}")
    if as_json:
        print_json({"revoked": key_id})
    else:
        print_line(f"Revoked: {key_id}.")
