"""`willcall orders update`, `cancel`, `pay` and `history`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from uuid import UUID

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, print_facts, print_json, print_table
from intake.cli.send_one import KeyOption, TimeoutOption, WaitFlag, send_and_tell
from schemas.json import JsonObject
from willcall.kinds import CANCEL, PAY, UPDATE

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


OrderArgument = Annotated[
    str, typer.Argument(metavar="ORDER", help="The id, the number or the code of an order.")
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--expected-version", min=1, metavar="N", help="Change the order only if it still has this version."
    ),
]

_LONGEST: Final = 200  # characters of a value in the table of the history


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group `orders`."""
    app.command(epilog=_UPDATE_EXAMPLES)(update)
    app.command(epilog="Example: willcall orders cancel 12 --line 1:2 --reason 'cannot come' --wait")(cancel)
    app.command(epilog="Example: willcall orders pay 12 --type cash --wait")(pay)
    app.command(epilog="Example: willcall orders history 12")(history)


def find_order(connection: "Connection", name: str) -> UUID | None:
    """Return the id of the order with this id, number or code."""
    from sqlalchemy import select

    from db.tables import MAX_NUMBER, orders

    try:
        return UUID(name)
    except ValueError:
        pass
    if name.isdecimal() and len(name) < 8:
        name_is = orders.c.number == int(name)
    elif name.isdecimal() and int(name) <= MAX_NUMBER:
        name_is = (orders.c.number == int(name)) | (orders.c.code == name)
    else:
        name_is = orders.c.code == name.upper()
    return connection.scalars(select(orders.c.id).where(name_is).limit(1)).first()


_UPDATE_EXAMPLES: Final = (
    """Example: willcall orders update 12 --patch '{"buyer": {"email": "sam@example.org"}}' --wait"""
    "\n\nExample: willcall orders update 12 --patch @patch.json --expected-version 3"
)


def update(
    order: OrderArgument,
    patch: Annotated[
        str, typer.Option(metavar="JSON|@FILE", help="The changes, as JSON; @FILE reads a file.")
    ],
    expected_version: VersionOption = None,
    key: KeyOption = None,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Change an order by a JSON Merge Patch: the buyer, lines, attendees, prices, fees, notes.

    Fields in the patch are changed, and null removes an optional field.

    line_items replaces all lines: a line that is left out is removed.

    The order is repriced.
    """
    body = {"patch": _patch(patch), "expected_version": expected_version, "idempotency_key": key}
    found = _order(order)
    if expected_version is None:
        body["seen_version"] = found.version
    _send(UPDATE, found, body, timeout if wait else None, as_json)


def _patch(text: str) -> dict[str, Any]:
    from intake.web.strict_json import NotJson, parse_json

    body = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
    try:
        patch = parse_json(body)
    except NotJson as error:
        raise CommandFailed(f"the patch is not valid JSON: {error}") from error
    if not isinstance(patch, dict):
        raise CommandFailed("the patch must be a JSON object")
    return patch


def cancel(
    order: OrderArgument,
    reason: Annotated[
        str | None, typer.Option(metavar="T", help="The reason; stored when a whole order is cancelled.")
    ] = None,
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--line", metavar="N[:Q]", help="Cancel only line N, or Q tickets of it. May be repeated."
        ),
    ] = None,
    tickets: Annotated[
        list[str] | None,
        typer.Option("--ticket", metavar="ID", help="Cancel only this ticket. May be repeated."),
    ] = None,
    expected_version: VersionOption = None,
    key: KeyOption = None,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Cancel an order, or some of its lines or tickets. Cancelling again changes nothing.

    The tickets are voided and can be sold again. The amount paid is owed back, as a negative balance.
    """
    body = {
        "reason": reason,
        "lines": [_line(line) for line in lines] if lines else None,
        "ticket_ids": tickets or None,
        "expected_version": expected_version,
        "idempotency_key": key,
    }
    _send(CANCEL, _order(order), body, timeout if wait else None, as_json)


def _line(text: str) -> dict[str, int]:
    number, colon, quantity = text.partition(":")
    try:
        return {"line_number": int(number)} | ({"quantity": int(quantity)} if colon else {})
    except ValueError as error:
        raise CommandFailed(
            f"{text} is not a line: write its number, or 1:2 for 2 tickets of line 1"
        ) from error


def pay(
    order: OrderArgument,
    type_: Annotated[
        str, typer.Option("--type", metavar="T", help="cash, check, paypal, money_order, offline, …")
    ],
    amount: Annotated[
        str | None, typer.Option(metavar="A", help="An amount such as 45.50; by default the amount owed.")
    ] = None,
    refund: Annotated[bool, typer.Option("--refund", help="The money went back to the buyer.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="The payment is pending.")] = False,
    payment: Annotated[
        int | None, typer.Option("--payment", min=1, metavar="N", help="Complete the pending payment N.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="T", help="The payer's or the bank's own reference.")
    ] = None,
    key: KeyOption = None,
    wait: WaitFlag = False,
    timeout: TimeoutOption = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Record a payment or a refund of an order; this moves no money.

    With an --idempotency-key, the same command can be repeated without a second payment.
    """
    body = {
        "type": type_,
        "amount": amount,
        "status": "pending" if pending else None,
        "is_refund": True if refund else None,
        "payment_number": payment,
        "reference": reference,
        "idempotency_key": key,
    }
    _send(PAY, _order(order), body, timeout if wait else None, as_json)


class _Order(NamedTuple):
    """The order that a command changes, as it was before the command."""

    id: UUID
    tenant: str
    version: int


def _send(kind: str, order: _Order, body: dict[str, Any], timeout: float | None, as_json: bool) -> None:
    send_and_tell(
        kind,
        {"order_id": str(order.id), **body},
        tenant=order.tenant,
        timeout=timeout,
        as_json=as_json,
        show=_show_order,
    )


def _order(name: str) -> _Order:
    """Return the order with this id, number or code. Raises `CommandFailed` if there is none."""
    from sqlalchemy import select

    from db.tables import orders, tenants
    from intake.cli.processes.servers import transaction

    with transaction() as connection:
        query = select(orders.c.id, tenants.c.name, orders.c.version).join(
            tenants, tenants.c.id == orders.c.tenant_id
        )
        row = connection.execute(query.where(orders.c.id == find_order(connection, name))).one_or_none()
    if row is None:
        raise CommandFailed(f"there is no order {name}")
    return _Order(row.id, row.name, row.version)


def _show_order(engine: "Engine", outcome: "JsonObject") -> None:
    from orders.reading.order_reading import get_order

    with engine.connect() as connection:
        order = get_order(connection, outcome["order_id"])
    assert order is not None  # noqa: S101 - the request was processed
    totals, currency = order["totals"], order["currency"]
    valid = [ticket for ticket in order["tickets"] if ticket["status"] != "voided"]
    print_facts(
        (
            ("request", outcome["request_id"]),
            ("order", f"{order['number']} ({order['code']})"),
            ("id", order["id"]),
            ("status", order["status"]),
            ("payment", order["payment_status"]),
            ("version", order["version"]),
            ("tickets", len(valid)),
            ("total", f"{totals['total']} {currency}"),
            ("paid", f"{totals['paid']} {currency}"),
            ("refunded", f"{totals['refunded']} {currency}"),
            ("balance", f"{totals['balance']} {currency}"),
        )
    )


def history(order: OrderArgument, as_json: JsonFlag = False) -> None:
    """Show every change of an order: who, when, which field, from what, to what."""
    from sqlalchemy import select

    from db.tables import orders
    from intake.cli.processes.servers import transaction
    from orders.reading.history import read_history

    with transaction() as connection:
        query = select(orders.c.id).where(orders.c.id == find_order(connection, order))
        id_ = connection.scalars(query).one_or_none()
        changes = None if id_ is None else read_history(connection, id_)
    if changes is None:
        raise CommandFailed(f"there is no order {order}")
    if as_json:
        print_json({"items": changes})
        return
    print_table(
        ("version", "at", "kind", "by", "field", "from", "to"),
        (row for change in changes for row in _rows(change)),
    )


def _rows(change: "JsonObject") -> list[list[Any]]:
    """Return a row for each changed field; only the first row has the values that all share."""
    head = [change["version"], change["at"].isoformat(timespec="seconds"), change["kind"], change["by"]]
    fields = [[one["field"], _short(one["from"]), _short(one["to"])] for one in change["changes"]]
    first, *rest = fields or [[None, None, None]]
    return [head + first, *([None] * 4 + one for one in rest)]


def _short(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
