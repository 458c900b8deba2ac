"""What ACME's words say of any order makes the same order again."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.acme.shop import CHANGES, EXAMPLES, ORDERS, Shop, in_shop, made, without
from willcall.kinds import CREATE, UPDATE

__all__ = ["in_shop"]


@EXAMPLES
@given(order=ORDERS, change=CHANGES)
def test_an_order_that_is_sent_back_stays_as_it_is(
    in_shop: Callable[[Callable[[Shop], None]], None], order: dict[str, Any], change: str
) -> None:
    def check(shop: Shop) -> None:
        id_ = made(shop, order, change)
        ours, theirs = shop.ours(id_), shop.theirs(id_)

        assert shop.ask_in_acme(UPDATE, dict(theirs)) == id_

        assert without(shop.theirs(id_), "updatedOn") == without(theirs, "updatedOn")
        fields = ("version", "updated_at", "extras")
        assert without(shop.ours(id_), *fields) == without(ours, *fields)

    in_shop(check)


@EXAMPLES
@given(order=ORDERS, change=CHANGES)
def test_an_order_that_is_made_of_another_says_the_same(
    in_shop: Callable[[Callable[[Shop], None]], None], order: dict[str, Any], change: str
) -> None:
    def check(shop: Shop) -> None:
        before = shop.theirs(made(shop, without(order, "shipping"), change))
        again = shop.theirs(shop.ask_in_acme(CREATE, dict(before)))

        own = {name for name in before if name.endswith(("Amount", "On"))} | {"id", "orderItems"}
        assert without(again, *own) == without(before, *own)
        items = [item for item in before["orderItems"] if item["quantity"]]
        for one, other in zip(items, again["orderItems"], strict=True):
            made_anew = {"itemId", "ticketVos", "balanceAmount"}
            made_anew |= {name for name in one if "riginal" in name}
            assert without(other, *made_anew) == without(one, *made_anew)
            live = [ticket for ticket in one["ticketVos"] if ticket["ticketStatus"] == "Normal"]
            for ticket, same in zip(live, other["ticketVos"], strict=True):
                assert without(same, "id", "uuid") == without(ticket, "id", "uuid")

    in_shop(check)


@EXAMPLES
@given(order=ORDERS, change=CHANGES)
def test_an_order_that_is_put_back_as_it_was_read_stays_as_it_is(
    in_shop: Callable[[Callable[[Shop], None]], None], order: dict[str, Any], change: str
) -> None:
    def check(shop: Shop) -> None:
        id_ = made(shop, order, change)
        ours, theirs = shop.ours(id_), shop.theirs(id_)

        shop.put(id_, dict(theirs))

        assert without(shop.theirs(id_), "updatedOn") == without(theirs, "updatedOn")
        fields = ("version", "updated_at", "extras")
        assert without(shop.ours(id_), *fields) == without(ours, *fields)

    in_shop(check)


@EXAMPLES
@given(order=ORDERS, change=CHANGES, place=st.integers(0, 3), ticket=st.integers(0, 3))
def test_a_ticket_that_is_put_back_as_void_goes_and_no_other(
    in_shop: Callable[[Callable[[Shop], None]], None],
    order: dict[str, Any],
    change: str,
    place: int,
    ticket: int,
) -> None:
    def check(shop: Shop) -> None:
        id_ = made(shop, order, change)
        theirs = shop.theirs(id_)
        live = [
            one
            for item in theirs["orderItems"]
            for one in item["ticketVos"]
            if one["ticketStatus"] == "Normal"
        ]
        if len(live) < 2:
            return  # an order without tickets is deleted
        gone = live[(place * 4 + ticket) % len(live)]
        gone["ticketStatus"] = "Void"

        shop.put(id_, theirs)

        after = shop.ours(id_)
        valid = {one["id"] for one in after["tickets"] if one["status"] != "voided"}
        assert valid == {one["id"] for one in live} - {gone["id"]}
        names = {one["id"]: (one["attendee"] or {}).get("first_name") for one in after["tickets"]}
        assert all(names[one["id"]] == one["firstName"] for one in live if one is not gone)

    in_shop(check)


@EXAMPLES
@given(order=ORDERS, change=CHANGES, cents=st.integers(5_000, 9_999), place=st.integers(0, 3))
def test_a_price_that_is_put_back_changed_changes_no_other(
    in_shop: Callable[[Callable[[Shop], None]], None],
    order: dict[str, Any],
    change: str,
    cents: int,
    place: int,
) -> None:
    def check(shop: Shop) -> None:
        id_ = made(shop, without(order, "discount"), change)
        theirs = shop.theirs(id_)
        items = [item for item in theirs["orderItems"] if item["quantity"]]
        changed = items[place % len(items)]
        changed["unitPrice"] = price = Decimal(cents) / 100

        shop.put(id_, theirs)

        after = {item["itemId"]: item for item in shop.theirs(id_)["orderItems"]}
        for item in theirs["orderItems"]:
            amounts = ("unitPrice", "discountedUnitPrice")
            expected = [price, price] if item is changed else [item[name] for name in amounts]
            assert [after[item["itemId"]][name] for name in amounts] == expected

    in_shop(check)
