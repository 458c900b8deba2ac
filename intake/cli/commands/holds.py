"""`willcall holds`."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import (
    JsonFlag,
    LimitOption,
    TenantOption,
    print_facts,
    print_json,
    print_line,
    print_table,
)
from intake.cli.send_one import KeyOption, TimeoutOption, WaitFlag, send_and_tell
from schemas.json import JsonObject
from willcall.kinds import EXTEND, RELEASE, TAKE

if TYPE_CHECKING:
    from sqlalchemy import Engine


app = typer.Typer(help="Holds: inventory set aside until a time.", no_args_is_help=True)

HoldArgument = Annotated[str, typer.Argument(metavar="ID", help="The hold's id, which is its request's id.")]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", help="A time such as 2027-04-01T12:15:00Z; by default, until released."
    ),
]


class Status(StrEnum):
    """The statuses of a hold."""

    held = "held"
    used = "used"
    released = "released"
    expired = "expired"


@app.command(
    epilog="Example: willcall holds take 3000000012232 --tenant demo --quantity 2"
    " --until 2027-04-01T12:15:00Z --wait"
)
def take(
    ticket_class: Annotated[str, typer.Argument(metavar="CLASS", help="A ticket class of the catalogue.")],
    tenant: Annotated[str, typer.Option("--tenant", metavar="T", help="The tenant that owns the inventory.")],
    quantity: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Number of tickets; or name seats.")
    ] = None,
    seats: Annotated[
        list[str] | None, typer.Option("--seat", metavar="SEAT", help="A seat to hold. May be repeated.")
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="A", help="The price of one ticket; by default the catalogue's.")
    ] = None,
    until: UntilOption = None,
    key: KeyOption = None,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Set tickets or seats aside. The hold's id is the request's id.

    An order line with this hold_id buys the held tickets at the hold's price.
    """
    body = {
        "ticket_class_id": ticket_class,
        "quantity": quantity,
        "seats": seats or None,
        "unit_price": price,
        "expires_at": until,
        "idempotency_key": key,
    }
    _send(TAKE, body, tenant, timeout if wait else None, as_json)


@app.command(
    epilog="Example: willcall holds extend 01890a5d-ac96-774b-bcce-b302099a8057 --until 2027-04-01T12:30:00Z"
)
def extend(
    hold: HoldArgument,
    until: UntilOption = None,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Change the time until which a hold lasts; without --until, until it is released."""
    id_, tenant = _hold(hold)
    _send(EXTEND, {"hold_id": str(id_), "expires_at": until}, tenant, timeout if wait else None, as_json)


@app.command(epilog="Example: willcall holds release 01890a5d-ac96-774b-bcce-b302099a8057 --wait")
def release(
    hold: HoldArgument,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Return held tickets to sale. Releasing a hold that has ended changes nothing."""
    id_, tenant = _hold(hold)
    _send(RELEASE, {"hold_id": str(id_)}, tenant, timeout if wait else None, as_json)


def _send(kind: str, body: dict[str, Any], tenant: str, timeout: float | None, as_json: bool) -> None:
    def show(engine: "Engine", outcome: "JsonObject") -> None:
        from orders.reading.hold_reading import get_hold

        with engine.connect() as connection:
            id_ = UUID(body["hold_id"]) if "hold_id" in body else outcome["hold_id"]
            hold = get_hold(connection, id_, now=_now())
        assert hold is not None  # noqa: S101 - the request was processed
        _print_hold(hold)

    send_and_tell(kind, body, tenant=tenant, timeout=timeout, as_json=as_json, show=show)


def _hold(text: str) -> tuple[UUID, str]:
    """Return the hold's id and its tenant's name. Raises `CommandFailed` for an unknown hold."""
    from intake.cli.processes.servers import parse_id, transaction
    from orders.reading.hold_reading import tenant_of_hold

    id_ = parse_id(text, "a hold")
    with transaction() as connection:
        tenant = tenant_of_hold(connection, id_)
    if tenant is None:
        raise CommandFailed(f"there is no hold {text}")
    return id_, tenant


def _now() -> datetime:
    from datetime import UTC

    return datetime.now(UTC)


@app.command(epilog="Example: willcall holds show 01890a5d-ac96-774b-bcce-b302099a8057")
def show(hold: HoldArgument, as_json: JsonFlag = False) -> None:
    """Show a hold and its status."""
    from intake.cli.processes.servers import parse_id, transaction
    from orders.reading.hold_reading import get_hold

    id_ = parse_id(hold, "a hold")
    with transaction() as connection:
        found = get_hold(connection, id_, now=_now())
    if found is None:
        raise CommandFailed(f"there is no hold {hold}")
    if as_json:
        print_json(found)
    else:
        _print_hold(found)


def _print_hold(hold: "JsonObject") -> None:
    print_facts((name.replace("_", " "), value) for name, value in zip(_COLUMNS, _row(hold), strict=True))


_COLUMNS = (
    "id",
    "ticket_class_id",
    "quantity",
    "seats",
    "unit_price",
    "expires_at",
    "status",
    "order_id",
    "created_at",
)


def _row(hold: "JsonObject") -> list[Any]:
    return [_text(hold[column]) for column in _COLUMNS]


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return " ".join(value) if isinstance(value, list) else value


@app.command("list", epilog="Example: willcall holds list --tenant demo --status held")
def list_(
    tenant: TenantOption = None,
    ticket_class: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Only holds on this ticket class of the catalogue.")
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only holds in this status.")] = None,
    cursor: Annotated[str | None, typer.Option(help="The cursor printed below the previous page.")] = None,
    limit: LimitOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """List holds, newest first."""
    from intake.cli.processes.servers import tenant_id, transaction
    from orders.reading.hold_reading import HoldFilter, list_holds
    from orders.reading.pages import BadCursor

    with transaction() as connection:
        id_ = None if tenant is None else tenant_id(connection, tenant)
        wanted = HoldFilter(id_, ticket_class, None if status is None else status.value)
        try:
            page, following = list_holds(connection, wanted, now=_now(), cursor=cursor, limit=limit)
        except BadCursor as error:
            raise CommandFailed(str(error)) from error
    if as_json:
        print_json({"items": page, "next_cursor": following})
        return
    print_table([column.replace("_", " ") for column in _COLUMNS], [_row(hold) for hold in page])
    if following is not None:
        print_line(f"More: --cursor {following}", "dim")
