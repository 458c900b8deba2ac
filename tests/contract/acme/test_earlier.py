"""An order is found again as it was before any of its changes: what DELETE answers, and repeats are about."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orders.reading.recorded_changes import changes_since
from schemas.orders import Order
from tests.contract.acme.shop import EXAMPLES, ORDERS, Shop, in_shop, without
from vendors.acme import earlier
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE

__all__ = ["in_shop"]

_STEP = st.sampled_from(
    [
        "rename",
        "grow",
        "shrink",
        "swap",
        "address",
        "notes",
        "extras",
        "cancel one",
        "pay",
        "use",
        "cancel all",
    ]
)


def _patch(shop: Shop, order: dict[str, Any], step: str) -> dict[str, Any]:
    lines = [
        {
            "line_number": line["line_number"],
            "ticket_class_id": line["ticket_class_id"],
            "quantity": line["quantity"],
        }
        for line in order["line_items"]
        if line["quantity"]
    ]
    if step == "grow":
        lines[0]["quantity"] += 2
    if step == "shrink":
        lines[0]["quantity"] = max(1, lines[0]["quantity"] - 1)
    if step == "swap":
        lines[0] = {"ticket_class_id": "0", "quantity": 1, "attendees": [{"first_name": "Ada"}]}
    others: dict[str, dict[str, Any]] = {
        "rename": {"buyer": {"first_name": "Ada", "phone": "1"}},
        "address": {"billing_address": {"city": "Paris", "name": None}},
        "notes": {"external_notes": ["a", "b", "c"][: order["version"] % 4]},
        "extras": {"extras": {"acme": {"visitorId": "other", "items": None}}},
    }
    return others.get(step, {"line_items": lines})


def _take(shop: Shop, order: dict[str, Any], step: str) -> None:
    name = {"order_id": order["id"]}
    valid = [ticket for ticket in order["tickets"] if ticket["status"] == "valid"]
    if step == "cancel all":
        shop.ask(CANCEL, name)
    elif step == "cancel one":
        shop.ask(CANCEL, {**name, "ticket_ids": [valid[-1]["id"]]})
    elif step == "pay":
        shop.ask(PAY, {**name, "type": "cash", "amount": "1.00"})
    elif step == "use":
        shop.ask(CHECK_IN, {"ticket_id": valid[0]["id"]})
    else:
        shop.ask(UPDATE, {**name, "patch": _patch(shop, order, step)})


@EXAMPLES
@given(order=ORDERS, steps=st.lists(_STEP, max_size=5))
def test_an_order_is_found_as_it_was_before_each_change(
    in_shop: Callable[[Callable[[Shop], None]], None], order: dict[str, Any], steps: list[str]
) -> None:
    def check(shop: Shop) -> None:
        id_ = shop.ask("orders.create", order)
        was = [shop.model(id_)]
        for step in steps:
            now = shop.ours(id_)
            used = any(ticket["status"] == "checked_in" for ticket in now["tickets"])
            valid = [ticket for ticket in now["tickets"] if ticket["status"] == "valid"]
            if now["status"] != "placed" or (used and step != "rename") or len(valid) < 2:
                continue
            _take(shop, now, step)
            was.append(shop.model(id_))

        background = shop.background(id_)
        for before in was[:-1]:
            changes = [one for one in shop.changes(id_) if one.number > before.version]
            if not changes:
                continue
            found, _ = earlier(was[-1], background, changes)
            assert _words(found) == _words(before)

    in_shop(check)


def _words(order: Order) -> dict[str, Any]:
    """Return the order without the attendees of lines, which are those of its tickets."""
    words = order.model_dump(mode="json", exclude_none=True)
    words["line_items"] = [without(line, "attendees") for line in words["line_items"]]
    return words


def test_a_request_that_changed_nothing_has_no_changes(
    in_shop: Callable[[Callable[[Shop], None]], None],
) -> None:
    def check(shop: Shop) -> None:
        line = {"ticket_class_id": "10", "quantity": 1}
        buyer = {"first_name": "", "last_name": "", "email": "ada@example.com"}
        id_ = shop.ask("orders.create", {"buyer": buyer, "line_items": [line]})
        assert changes_since(shop.connection, id_, id_) == []

    in_shop(check)
