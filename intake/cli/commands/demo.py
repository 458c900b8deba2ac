"""`willcall demo`."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import typer
from orjson import Fragment

from intake.cli.output import JsonFlag, print_json, print_line, print_pretty_json, print_table, steps

if TYPE_CHECKING:
    from intake.demo.play import Played


def demo(as_json: JsonFlag = False) -> None:
    """Send sample requests through the real queue and print their outcomes; exit 1 if one is unexpected.

    It starts what it needs, loads a sample catalogue for the tenant demo, and stops everything at the end.
    The orders stay in the database: see them with willcall orders list --tenant demo.
    """
    from intake.demo.verdict import differences

    played = _play(as_json)
    found = differences(played)
    if as_json:
        print_json(_as_json(played, found))
    else:
        _print_orders(played)
        _print_rejected(played)
        _print_life(played)
        _print_dialects(played)
        _print_rest(played, found)
    if found:
        raise typer.Exit(1)


def _play(as_json: bool) -> "Played":
    from intake.demo.play import play

    if as_json:
        return play(lambda name: None)
    with steps("Starting") as step:
        return play(step)


def _print_orders(played: "Played") -> None:
    print_table(
        ("number", "code", "reference", "tickets", "total", "status", "payment", "what it shows"),
        (
            (order["number"], order["code"], order["reference"],
             len(order["tickets"]), f"{order['totals']['total']} {order['currency']}", order["status"],
             order["payment_status"], about)
            for order, about in _orders(played)
        ),
        title="Orders",
    )  # fmt: skip


def _orders(played: "Played") -> list[tuple[Any, str]]:
    about: dict[Any, str] = {}
    for sample, id_ in zip(played.samples, played.request_ids, strict=True):
        order_id = played.outcomes[id_]["order_id"]
        if order_id in played.orders:
            about.setdefault(order_id, sample.about)
    return [(played.orders[order_id], text) for order_id, text in about.items()]


def _rejected(played: "Played") -> list[dict[str, Any]]:
    return [
        {"about": sample.about, **played.outcomes[id_]["errors"][0]}
        for sample, id_ in zip(played.samples, played.request_ids, strict=True)
        if played.outcomes[id_]["status"] == "rejected"
    ]


def _print_rejected(played: "Played") -> None:
    columns = ("code", "field", "message")
    rows = [[one[column] for column in columns] for one in _rejected(played)]
    print_table(columns, rows, title="Rejected")


def _life(played: "Played") -> list[tuple[Any, ...]]:
    rows = []
    for scene in played.life:
        order = scene.order
        totals = order["totals"] if order else {}
        rows.append(
            (
                scene.about,
                scene.kind,
                scene.found[0],
                order and order["version"],
                order and scene.found[3],
                totals.get("total"),
                totals.get("balance"),
            )
        )
    return rows


def _print_life(played: "Played") -> None:
    columns = ("what happens", "request", "outcome", "version", "tickets", "total", "balance")
    print_table(columns, _life(played), title="The life of an order")


def _print_dialects(played: "Played") -> None:
    columns = ("a sample", "made in", "total", "shown in", "total there")
    rows = [(one.about, one.dialect, one.total, one.shown_in, one.total_elsewhere) for one in played.dialects]
    print_table(columns, rows, title="Dialects")
    if played.dialects:
        first = played.dialects[0]
        print_line()
        print_line(f"The order of {first.dialect} as {first.shown_in} shows it:")
        print_pretty_json(first.elsewhere.decode())


def _events(played: "Played") -> dict[str, int]:
    return dict(sorted(Counter(event["type"] for event in played.events).items()))


def _tickets(played: "Played") -> int:
    return sum(len(order["tickets"]) for order in played.orders.values())


def _print_rest(played: "Played", found: list[str]) -> None:
    print_table(("step", "seconds"), played.seconds.items(), title="Time")
    events = ", ".join(f"{count} {kind}" for kind, count in _events(played).items()) or "none"
    print_line()
    print_line(f"{_tickets(played)} tickets; the code of the first is valid: {played.verified_code}")
    print_line(f"Event messages seen: {events}.")
    sent, orders, rejected = len(played.request_ids), len(played.orders), len(_rejected(played))
    again = sent - orders - rejected
    print_line(f"{sent} requests: {orders} orders, {rejected} rejected, {again} sent twice, counted once.")
    for difference in found:
        print_line(f"Not as expected: {difference}", "bold red")
    if not found:
        print_line("Everything is as expected.", "bold green")


def _as_json(played: "Played", found: list[str]) -> dict[str, Any]:
    return {
        "is_as_expected": not found,
        "differences": found,
        "orders": list(played.orders.values()),
        "rejected": _rejected(played),
        "life": [
            {"about": scene.about, "kind": scene.kind, "outcome": scene.outcome, "order": scene.order}
            for scene in played.life
        ],
        "dialects": [
            {
                "about": one.about,
                "dialect": one.dialect,
                "total": None if one.total is None else str(one.total),
                "shown_in": one.shown_in,
                "order": Fragment(one.elsewhere),
            }
            for one in played.dialects
        ],
        "tickets": {"count": _tickets(played), "verified_code": played.verified_code},
        "events": _events(played),
        "seconds": played.seconds,
    }
