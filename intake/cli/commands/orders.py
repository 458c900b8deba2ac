"""`willcall orders`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from intake.cli.commands import documents
from intake.cli.commands.order_changes import OrderArgument, add_to, find_order
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
from schemas.json import JsonObject

app = typer.Typer(
    help="Orders: list, show, change and cancel them, and record payments.", no_args_is_help=True
)


class Status(StrEnum):
    """The statuses of an order."""

    placed = "placed"
    cancelled = "cancelled"
    refunded = "refunded"


@app.command("list", epilog="Example: willcall orders list --tenant demo --email sam@example.com")
def list_(
    tenant: TenantOption = None,
    event: Annotated[
        str | None, typer.Option(help="Only orders with tickets of this event of the catalogue.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="Only orders of the buyer with this address.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only orders in this status.")] = None,
    updated_since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only orders changed since this time, such as 2027-04-11T19:00:00Z."
        ),
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="The cursor printed below the previous page.")] = None,
    limit: LimitOption = 50,
    as_json: JsonFlag = False,
) -> None:
    """List orders, newest first."""
    from intake.cli.processes.servers import tenant_id, transaction
    from orders.reading.order_reading import OrderFilter, list_ids
    from orders.reading.pages import BadCursor
    from orders.reading.safe_rendering import show_each
    from orders.reading.wire_orders import read_rendered
    from vendors.registry import CANONICAL

    since = None if updated_since is None else _moment(updated_since)
    with transaction() as connection:
        id_ = None if tenant is None else tenant_id(connection, tenant)
        wanted = OrderFilter(id_, event, email, None if status is None else status.value, since)
        try:
            ids, following = list_ids(connection, wanted, cursor=cursor, limit=limit)
            page = show_each(ids, CANONICAL, lambda ids: list(read_rendered(connection, ids)))
        except BadCursor as error:
            raise CommandFailed(str(error)) from error
    if as_json:
        print_json({"items": page.items, "next_cursor": following, "left_out": page.left_out})
        return
    print_orders(page.items)
    if page.left_out:
        names = ", ".join(map(str, page.left_out))
        print_line(f"Left out, as they cannot be shown (the log says why): {names}", "red")
    if following is not None:
        print_line(f"More: --cursor {following}", "dim")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandFailed(f"{text} is not a time; write it like 2027-04-11T19:00:00Z") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def print_orders(orders: Sequence["JsonObject"]) -> None:
    """Print orders as a table."""
    print_table(
        ("number", "code", "id", "tenant", "buyer", "tickets", "total", "status", "payment", "reference"),
        (
            (
                order["number"],
                order["code"],
                order["id"],
                order["tenant"],
                order["buyer"]["email"],
                len(order["tickets"]),
                f"{order['totals']['total']} {order['currency']}",
                order["status"],
                order["payment_status"],
                order["reference"],
            )
            for order in orders
        ),
    )


@app.command(
    epilog="Example: willcall orders show 12\n\nExample: willcall orders show 12 --dialect zoho_backstage"
)
def show(
    order: OrderArgument,
    dialect: Annotated[
        str, typer.Option(metavar="D", help="Print JSON in the format of another system: zoho_backstage, …")
    ] = "canonical",
    as_json: JsonFlag = False,
) -> None:
    """Show an order with its lines, totals, payments and tickets."""
    from intake.cli.order_in_dialect import in_dialect, renderer_of
    from intake.cli.processes.servers import transaction
    from orders.reading.order_reading import get_order
    from orders.reading.safe_rendering import OrderNotShown, showing

    render = renderer_of(dialect)
    with transaction() as connection:
        id_ = find_order(connection, order)
        if id_ is None:
            raise CommandFailed(f"there is no order {order}")
        try:
            with showing(id_, dialect):
                shown = get_order(connection, id_)
                if shown is not None and render is not None:
                    shown = in_dialect(connection, shown, render)
        except OrderNotShown as error:
            raise CommandFailed(f"{error}; the log says why") from error
        if shown is None:
            raise CommandFailed(f"there is no order {order}")
    if as_json or render is not None:
        print_json(shown)
    else:
        _print_order(shown)


def _print_order(order: "JsonObject") -> None:
    print_facts(
        (
            ("order", f"{order['number']} ({order['code']})"),
            ("id", order["id"]),
            ("tenant", order["tenant"]),
            ("buyer", _buyer(order["buyer"])),
            ("status", order["status"]),
            ("payment", order["payment_status"]),
            ("version", order["version"]),
            ("reference", order["reference"]),
            ("created", _time(order["created_at"])),
            ("updated", _time(order["updated_at"])),
        )
    )
    _print_parts(order)


def _print_parts(order: "JsonObject") -> None:
    columns: tuple[str, ...] = ("ticket_class_id", "event_id", "quantity", "unit_price", "amount", "tax")
    print_table(columns, _rows(columns, order["line_items"]), title="Lines")
    print_table(
        ("", order["currency"]),
        [(name.replace("_", " "), amount) for name, amount in order["totals"].items()],
        title="Totals",
    )
    if order["payments"]:
        columns = ("type", "amount", "status")
        print_table(columns, _rows(columns, order["payments"]), title="Payments")
    columns = ("id", "ticket_class_id", "seat", "status", "code")
    print_table(columns, _rows(columns, order["tickets"]), title="Tickets")


def _buyer(buyer: "JsonObject") -> str:
    name = f"{buyer['first_name']} {buyer['last_name']}"
    return f"{name} <{buyer['email']}>" if buyer["email"] else name


def _rows(columns: Sequence[str], things: Sequence["JsonObject"]) -> list[list[Any]]:
    return [[thing[column] for column in columns] for thing in things]


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


add_to(app)
documents.add_to(app)
