"""`willcall tickets`."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intake.commands.failures import CommandFailed
from intake.commands.output import JsonFlag, print_facts, print_json

if TYPE_CHECKING:
    from uuid import UUID

app = typer.Typer(help="The codes on tickets, and the keys that sign them.", no_args_is_help=True)


@app.command(epilog="Example: willcall tickets verify AQ3f… --keys keys.json")
def verify(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of a ticket, as scanned.")],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="What `tickets public-keys` printed; no database then."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say whether a code is valid, signed with an unknown key, or forged; exit 1 unless it is valid.

    With the database, a voided ticket is told too: its signature alone cannot know.
    """
    from orders.tickets import ForgedCode, UnknownKey, verify_ticket

    try:
        claims = verify_ticket(code, _read(keys) if keys is not None else _public_keys())
    except (ForgedCode, UnknownKey) as error:
        result = "forged" if isinstance(error, ForgedCode) else "unknown_key"
        _show({"result": result, "reason": str(error)}, as_json)
        raise typer.Exit(1) from error
    status = None if keys is not None else _status(claims.ticket_id)
    is_voided = status == "voided"
    _show(
        {
            "result": "voided" if is_voided else "valid",
            "ticket_id": claims.ticket_id,
            "status": status,
            "event_starts_at": claims.valid_from,
            "event_ends_at": claims.valid_until,
            "key_id": claims.key_id,
        },
        as_json,
    )
    if is_voided:
        raise typer.Exit(1)


def _show(answer: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        print_facts((name.replace("_", " "), value) for name, value in answer.items() if value is not None)


def _public_keys() -> dict[int, bytes]:
    from intake.commands.servers import transaction
    from orders.tenants import public_keys

    with transaction() as connection:
        return public_keys(connection)


def _status(ticket_id: "UUID") -> str | None:
    from sqlalchemy import select

    from db.tables import tickets
    from intake.commands.servers import transaction

    with transaction() as connection:
        return connection.scalars(select(tickets.c.status).where(tickets.c.id == ticket_id)).first()


def _read(file: Path) -> dict[int, bytes]:
    """Return the keys of a JWK Set with Ed25519 keys (RFC 7517, RFC 8037)."""
    text = file.read_bytes()
    try:
        return {int(key["kid"]): urlsafe_b64decode(key["x"] + "=") for key in json.loads(text)["keys"]}
    except (ValueError, KeyError, TypeError) as error:
        raise CommandFailed(f"{file} does not hold what `willcall tickets public-keys` prints") from error


@app.command("public-keys", epilog="Example: willcall tickets public-keys > keys.json")
def public_keys_(as_json: JsonFlag = False) -> None:
    """Print the public keys of all tenants as a JWK Set: all that a scanner needs. It is always JSON."""
    keys = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "kid": str(id_),
            "x": urlsafe_b64encode(key).rstrip(b"=").decode(),
        }
        for id_, key in sorted(_public_keys().items())
    ]
    print_json({"keys": keys})


@app.command("rotate-key", epilog="Example: willcall tickets rotate-key --tenant demo")
def rotate_key(
    tenant: Annotated[str, typer.Option("--tenant", metavar="T", help="Whose tickets.")],
    as_json: JsonFlag = False,
) -> None:
    """Sign the tenant's next tickets with a new key. What older keys signed stays valid."""
    from datetime import UTC, datetime

    from intake.commands.servers import tenant_id, transaction
    from orders.catalogue_loading import add_ticket_key

    with transaction() as connection:
        key = add_ticket_key(connection, tenant_id(connection, tenant), now=datetime.now(UTC))
    _show({"tenant": tenant, "key_id": key.id}, as_json)
