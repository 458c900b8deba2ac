"""`willcall tickets`."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, print_facts, print_json
from intake.cli.send_one import TimeoutOption, send_and_tell
from schemas.json import JsonObject
from willcall.kinds import CHECK_IN

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Engine


app = typer.Typer(help="Tickets at the gate, their codes, and the keys that sign them.", no_args_is_help=True)


@app.command(epilog="Example: willcall tickets verify AQ3f… --keys keys.json")
def verify(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code of a ticket, as scanned.")],
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="FILE",
            help="The output of `tickets public-keys`; the database is then not used.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say whether a code is valid, signed with an unknown key, or forged; exit 1 unless it is valid.

    With the database, the command also reports a voided ticket and the event's current time.
    """
    from willcall.ticket_codes import ForgedCode, UnknownKey, verify_ticket

    try:
        claims = verify_ticket(code, _read(keys) if keys is not None else _public_keys())
    except (ForgedCode, UnknownKey) as error:
        result = "forged" if isinstance(error, ForgedCode) else "unknown_key"
        _show({"result": result, "reason": str(error)}, as_json)
        raise typer.Exit(1) from error
    known = None if keys is not None else _look_up(claims.ticket_id)
    status, starts_at, ends_at = known or (None, claims.valid_from, claims.valid_until)
    is_voided = status == "voided"
    _show(
        {
            "result": "voided" if is_voided else "valid",
            "ticket_id": claims.ticket_id,
            "status": status,
            "event_starts_at": starts_at,
            "event_ends_at": ends_at,
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
    from intake.cli.processes.servers import transaction
    from orders.catalogue.load_tenants import public_keys

    with transaction() as connection:
        return public_keys(connection)


def _look_up(ticket_id: "UUID") -> "tuple[str, datetime, datetime] | None":
    """Return the ticket's status, and when its event starts and ends, which may have changed since."""
    from datetime import UTC

    from sqlalchemy import select

    from db.tables import events, ticket_classes, tickets
    from intake.cli.processes.servers import transaction

    query = (
        select(tickets.c.status, events.c.starts_at, events.c.ends_at)
        .join(ticket_classes, ticket_classes.c.id == tickets.c.ticket_class_id)
        .join(events, events.c.id == ticket_classes.c.event_id)
        .where(tickets.c.id == ticket_id)
    )
    with transaction() as connection:
        row = connection.execute(query).first()
    return None if row is None else (row.status, row.starts_at.astimezone(UTC), row.ends_at.astimezone(UTC))


def _read(file: Path) -> dict[int, bytes]:
    """Return the keys of a JWK Set with Ed25519 keys (RFC 7517, RFC 8037)."""
    text = file.read_bytes()
    try:
        return {int(key["kid"]): urlsafe_b64decode(key["x"] + "=") for key in json.loads(text)["keys"]}
    except (ValueError, KeyError, TypeError) as error:
        raise CommandFailed(f"{file} is not the output of `willcall tickets public-keys`") from error


@app.command("check-in", epilog="Example: willcall tickets check-in AQ3f… --event 2000000116588")
def check_in(
    ticket: Annotated[str, typer.Argument(metavar="CODE|ID", help="A scanned code, or a ticket's id.")],
    event: Annotated[
        str | None,
        typer.Option(metavar="E", help="The event at this gate; tickets of other events are refused."),
    ] = None,
    nonce: Annotated[
        str | None,
        typer.Option(metavar="N", help="The scan's own name; a scan repeated with it does not count twice."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the check-in instead.")] = False,
    timeout: TimeoutOption = 5.0,
    as_json: JsonFlag = False,
) -> None:
    """Check a ticket in, once, and wait for the outcome; exit 1 with the reason if it is refused."""
    body, tenant = _scanned(ticket)
    body |= {"event_id": event, "nonce": nonce, "undo": True if undo else None}

    def enriched(engine: "Engine", outcome: "JsonObject") -> "JsonObject":
        return {**outcome, **_checked_in(engine, outcome, body)}

    def show(engine: "Engine", outcome: "JsonObject") -> None:
        found = _checked_in(engine, outcome, body)
        one, counts = found["ticket"], found["check_in"]
        attendee = one["attendee"] or {}
        names = (attendee.get("first_name"), attendee.get("last_name"))
        print_facts(
            (
                ("ticket", one["id"]),
                ("status", one["status"]),
                ("seat", one["seat"]),
                ("attendee", " ".join(name for name in names if name) or None),
                ("order", outcome["order_id"]),
                ("used", f"{counts['checked_in']} of {counts['tickets']} tickets of the order"),
            )
        )

    send_and_tell(CHECK_IN, body, tenant=tenant, timeout=timeout, as_json=as_json, show=show, enrich=enriched)


def _scanned(ticket: str) -> tuple[dict[str, Any], str]:
    """Return the request's fields that name the ticket, and its tenant. Raises `CommandFailed` for others."""
    from uuid import UUID

    from willcall.ticket_codes import ForgedCode, UnknownKey, verify_ticket

    try:
        id_ = UUID(ticket)
        body = {"ticket_id": str(id_)}
    except ValueError:
        body = {"code": ticket}
        try:
            id_ = verify_ticket(ticket, _public_keys()).ticket_id
        except (ForgedCode, UnknownKey) as error:
            raise CommandFailed(f"the code is forged: {error}") from error
    tenant = _tenant(id_)
    if tenant is None:
        raise CommandFailed(f"there is no ticket {id_}")
    return body, tenant


def _tenant(ticket_id: "UUID") -> str | None:
    from sqlalchemy import select

    from db.tables import orders, tenants, tickets
    from intake.cli.processes.servers import transaction

    query = select(tenants.c.name).join(orders, orders.c.tenant_id == tenants.c.id)
    query = query.join(tickets, tickets.c.order_id == orders.c.id).where(tickets.c.id == ticket_id)
    with transaction() as connection:
        return connection.scalars(query).one_or_none()


def _checked_in(engine: "Engine", outcome: "JsonObject", asked: "JsonObject") -> "JsonObject":
    from intake.routes.scanned_ticket import ticket_of
    from orders.reading.order_reading import get_order

    with engine.connect() as connection:
        order = get_order(connection, outcome["order_id"])
    assert order is not None  # noqa: S101 - the request was processed
    return {"ticket": ticket_of(order, asked), "check_in": order["check_in"]}


@app.command("public-keys", epilog="Example: willcall tickets public-keys > keys.json")
def public_keys_(as_json: JsonFlag = False) -> None:
    """Print the public keys of all tenants as a JWK Set: all that a scanner needs. Always JSON."""
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
    tenant: Annotated[str, typer.Option("--tenant", metavar="T", help="The tenant that issues the tickets.")],
    as_json: JsonFlag = False,
) -> None:
    """Sign the tenant's next tickets with a new key. Tickets signed with older keys stay valid."""
    from datetime import UTC, datetime

    from intake.cli.processes.servers import tenant_id, transaction
    from orders.catalogue.loading import add_ticket_key

    with transaction() as connection:
        key = add_ticket_key(connection, tenant_id(connection, tenant), now=datetime.now(UTC))
    _show({"tenant": tenant, "key_id": key.id}, as_json)
