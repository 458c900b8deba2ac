"""`willcall keys`."""

from typing import Annotated, Final

import typer

from intake.commands.failures import CommandFailed
from intake.commands.output import JsonFlag, print_json, print_line, print_table
from intake.scopes import MEANINGS

app = typer.Typer(help="API keys, which open the HTTP intake.", no_args_is_help=True)


_SCOPES: Final = "\n\n".join(f"{scope}: {meaning}" for scope, meaning in MEANINGS.items())


@app.command(
    epilog=f"Scopes:\n\n{_SCOPES}\n\n"
    "Example: willcall keys create --tenant demo --scope orders.create --scope orders.read"
)
def create(
    tenant: Annotated[str, typer.Option("--tenant", metavar="T", help="Whose orders the key opens.")],
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="S",
            help="What it may do; see below. May be repeated.",
        ),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Make a key, and the secret of clients that sign. Both are shown once: only the key's hash is kept."""
    from datetime import UTC, datetime

    from intake.commands.servers import transaction
    from intake.keys import UnknownScope, UnknownTenant, create_key

    with transaction() as connection:
        try:
            made = create_key(connection, tenant, scopes, datetime.now(UTC))
        except (UnknownScope, UnknownTenant) as error:
            raise CommandFailed(str(error)) from error
    if as_json:
        words = {"id": made.id, "key": made.key, "token": made.id.hex, "secret": made.secret}
        print_json(words | {"tenant": tenant, "scopes": scopes})
    else:
        print_line("Ticket Evolution's clients sign with these; the secret is shown this once:")
        print_line(f"token: {made.id.hex}")
        print_line(f"secret: {made.secret}")
        print_line(f"Key {made.id} of {tenant}; it is shown this once:")
        print_line(made.key)


@app.command("list", epilog="Example: willcall keys list")
def list_(as_json: JsonFlag = False) -> None:
    """List the keys, revoked ones too; none can be read again."""
    from intake import keys
    from intake.commands.servers import transaction

    with transaction() as connection:
        found = keys.list_keys(connection)
    columns = ("id", "tenant", "scopes", "created_at", "revoked_at")
    rows = [(key.id, key.tenant, key.scopes, key.created_at, key.revoked_at) for key in found]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(
        ("id", "tenant", "scopes", "created", "revoked"),
        (
            (id_, tenant, " ".join(scopes), created.isoformat(timespec="seconds"),
             revoked and revoked.isoformat(timespec="seconds"))
            for id_, tenant, scopes, created, revoked in rows
        ),
    )  # fmt: skip


@app.command(epilog="Example: willcall keys revoke 01890a5d-ac96-774b-bcce-b302099a8057")
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="An id that `keys list` shows.")],
    as_json: JsonFlag = False,
) -> None:
    """Revoke a key for good. An intake that knows it takes it for a few seconds more."""
    from datetime import UTC, datetime

    from intake.commands.servers import parse_id, transaction
    from intake.keys import revoke_key

    key_id = parse_id(id_, "a key")
    with transaction() as connection:
        if not revoke_key(connection, key_id, datetime.now(UTC)):
            raise CommandFailed(f"there is no key {id_} that was valid until now")
    if as_json:
        print_json({"revoked": key_id})
    else:
        print_line(f"Revoked: {key_id}.")
