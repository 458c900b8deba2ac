"""Differences from the expected results, a sentence each."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from intake.demo.life import EVENTS
from intake.demo.play import Played
from intake.demo.sample import Expected, Sample
from schemas.json import JsonObject


def differences(played: Played) -> list[str]:
    """Return the differences."""
    order_of = {
        sample.key: played.outcomes[id_]["order_id"]
        for sample, id_ in reversed(list(zip(played.samples, played.request_ids, strict=True)))
    }
    return [
        *(
            f"{sample.about}: {difference}"
            for sample, id_ in zip(played.samples, played.request_ids, strict=True)
            for difference in _of_request(sample, played.outcomes[id_], played.orders, order_of)
        ),
        *_of_events(played),
        *_of_life(played),
        *_of_dialects(played),
        *(["no ticket's code was verified"] if played.verified_code is None else []),
    ]


def _of_life(played: Played) -> Iterator[str]:
    for scene in played.life:
        if scene.found != scene.expected:
            yield f"{scene.about}: it is {', '.join(scene.found)}, not {', '.join(scene.expected)}"
    types = tuple(event["type"] for event in played.life_events)
    if types != EVENTS:
        yield f"the events of the life are {', '.join(types)}, not {', '.join(EVENTS)}"


def _of_dialects(played: Played) -> Iterator[str]:
    for one in played.dialects:
        if one.outcome["status"] != "processed":
            yield f"{one.about}: it is {one.outcome['status']}: {one.outcome['errors']}"
        elif not one.is_as_expected:
            yield (
                f"{one.about}: it costs {one.total} in {one.dialect} and {one.total_elsewhere} in "
                f"{one.shown_in}, not {one.expected}"
            )


def _of_request(
    sample: Sample, outcome: JsonObject, orders: dict[UUID, JsonObject], order_of: dict[str, Any]
) -> Iterator[str]:
    expected = sample.expected
    if outcome["status"] != expected.status:
        yield f"it is {outcome['status']}, not {expected.status}: {outcome['errors']}"
    elif expected.status == "rejected":
        yield from _of_reason(expected, outcome["errors"][0])
    elif outcome["order_id"] not in orders:
        yield f"its order {outcome['order_id']} does not exist"
    else:
        yield from _of_order(expected, orders[outcome["order_id"]])
        if expected.same_order_as and outcome["order_id"] != order_of[expected.same_order_as]:
            yield "it has an order of its own"


def _of_reason(expected: Expected, error: JsonObject) -> Iterator[str]:
    if (error["code"], error["field"]) != (expected.code, expected.field):
        yield (
            f"it was rejected for {error['code']} of {error['field']}, not for {expected.code} of "
            f"{expected.field}"
        )


def _of_order(expected: Expected, order: JsonObject) -> Iterator[str]:
    if order["totals"]["total"] != expected.total:
        yield f"the total is {order['totals']['total']}, not {expected.total}"
    if len(order["tickets"]) != expected.tickets:
        yield f"it has {len(order['tickets'])} tickets, not {expected.tickets}"
    if order["payment_status"] != expected.payment_status:
        yield f"it is {order['payment_status']}, not {expected.payment_status}"


def expected_events(played: Played) -> Counter[tuple[str, str]]:
    """Return the event messages that must be seen, by type and subject."""
    confirmed = Counter(("order.confirmed", str(order_id)) for order_id in played.orders)
    rejected = Counter(
        ("order.rejected", str(id_))
        for id_, outcome in played.outcomes.items()
        if outcome["status"] == "rejected"
    )
    return confirmed + rejected


def _of_events(played: Played) -> Iterator[str]:
    seen = Counter((event["type"], event["subject"]) for event in played.events)
    expected = expected_events(played)
    for (kind, subject), count in (expected - seen).items():
        yield f"the event message {kind} of {subject} was not seen ({count})"
    for (kind, subject), count in (seen - expected).items():
        yield f"an event message {kind} of {subject} was seen and not expected ({count})"
    for event in played.events:
        order = played.orders.get(UUID(event["subject"]))
        if order is not None and event["data"]["totals"] != order["totals"]:
            yield f"the event message of order {order['number']} has other totals than the order"
