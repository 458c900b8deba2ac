"""The random changes of a life: updates, cancellations, payments and check-ins."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from schemas.json import JsonObject
from tests.orders.lives.life_sending import Sending
from tests.orders.lives.life_updates import asked_at
from tests.orders.lives.life_words import (
    Sender,
    class_names,
    fees,
    line_lists,
    minutes,
    names,
    numbers,
    senders,
    small_money,
)
from tests.orders.lives.plans import make_id
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE


def given(**words: Any) -> JsonObject:
    """Return those of the words that are not None."""
    return {name: word for name, word in words.items() if word is not None}


class Changes(Sending):
    """The rules that change orders."""

    @precondition(lambda self: self.keys)
    @rule(waits=st.booleans(), which=numbers, sender=senders, fees=fees, buyer=names, due=minutes)
    def update_words(
        self, waits: bool, which: int, sender: Sender, fees: dict[str, str], buyer: str, due: int | None
    ) -> None:
        patch: JsonObject = {"buyer": {"first_name": buyer}, **fees}
        if "tax" in fees and fees["tax"].endswith("0"):
            patch["tax"] = None
        if buyer == "Cyd":
            patch["payment_due_at"] = self._until(due).get("expires_at")
        self._change(UPDATE, waits, which, sender, patch=patch)

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        sender=senders,
        kept=st.lists(numbers, max_size=3),
        line_items=line_lists,
        fees=fees,
    )
    def update_lines(
        self,
        waits: bool,
        which: int,
        sender: Sender,
        kept: list[int],
        line_items: tuple[JsonObject, ...],
        fees: dict[str, str],
    ) -> None:
        """Lines of other classes come, those that are not named go, some are named by their number."""
        order = self.model.orders.get(self._key(which))
        wanted = [dict(item) for item in line_items]
        lines = dict(order["lines"]) if order else {}
        for item in wanted[: len(kept)]:
            same = [number for number, line in lines.items() if line["class"] == item["ticket_class_id"]]
            if same:
                item["line_number"] = same[kept[0] % len(same)]
        self._change(UPDATE, waits, which, sender, patch={"line_items": wanted, **fees})

    @precondition(lambda self: self._changed())
    @rule(
        waits=st.booleans(),
        which=numbers,
        line_items=st.none() | line_lists,
        fees=fees,
        seconds=st.sampled_from([1, 40, 300]),
    )
    def update_late(
        self,
        waits: bool,
        which: int,
        line_items: tuple[JsonObject, ...] | None,
        fees: dict[str, str],
        seconds: int,
    ) -> None:
        """It was accepted before what was decided already, and its sender knew nothing of that."""
        key, places = self._changed()[which % len(self._changed())]
        moment = asked_at(UUID(int=places[-(which % 2)])) - timedelta(seconds=seconds)
        id_ = make_id(moment, next(self._ids))
        patch: JsonObject = {**fees, **given(line_items=line_items and list(line_items))}
        self.ask(self._request(UPDATE, id_, order_key=key, patch=patch), waits)

    @precondition(lambda self: self.keys)
    @rule(waits=st.booleans(), which=numbers, name=class_names, quantity=st.integers(1, 2))
    def swap_class(self, waits: bool, which: int, name: str, quantity: int) -> None:
        """The order is to have another class instead, mostly one that it had before."""
        lines = self.model.orders.get(self._key(which), {"lines": {}})["lines"].values()
        emptied = sorted({line["class"] for line in lines if not line["quantity"]})
        item = {"ticket_class_id": emptied[0] if emptied and which % 3 else name, "quantity": quantity}
        self._change(UPDATE, waits, which, patch={"line_items": [item]})

    def _changed(self) -> list[tuple[str, list[int]]]:
        """Return the keys of orders that were changed, with the places of the changes that have a time."""
        placed = {
            order["key"]: sorted(change["place"] for change in order["changes"] if change["place"] >> 80)
            for order in self.model.orders.values()
            if order["status"] == "placed"
        }
        return [(key, places) for key, places in placed.items() if places]

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        sender=senders,
        part=st.sampled_from(["line", "line", "line", "tickets", "tickets", "tickets", "whole"]),
        line=st.integers(1, 3),
        quantity=st.none() | st.integers(1, 2),
        others=st.lists(numbers, max_size=1),
    )
    def cancel(
        self,
        waits: bool,
        which: int,
        sender: Sender,
        part: str,
        line: int,
        quantity: int | None,
        others: list[int],
    ) -> None:
        words: JsonObject = {}
        if part == "line":
            words["lines"] = [{"line_number": line, **given(quantity=quantity)}]
        elif part == "tickets":
            order = self.model.orders.get(self._key(which), {"tickets": []})
            ids = [ticket["id"] for ticket in order["tickets"]][line - 1 : line + 1]
            words["ticket_ids"] = ids + [
                self._ticket(other)["id"] for other in others if ids and other % 5 == 0
            ]
        self._change(CANCEL, waits, which, sender, **words)

    @precondition(lambda self: self.keys)
    @rule(
        waits=st.booleans(),
        which=numbers,
        amount=st.none() | small_money,
        status=st.sampled_from(["completed", "pending"]),
        is_refund=st.booleans(),
        number=st.none() | st.integers(1, 3),
    )
    def pay(
        self,
        waits: bool,
        which: int,
        amount: str | None,
        status: str,
        is_refund: bool,
        number: int | None,
    ) -> None:
        """Money comes or goes, or what was pending of it is completed."""
        words: JsonObject = {"type": "cash", "is_refund": is_refund}
        words |= {"payment_number": number} if number else {"status": status, **given(amount=amount)}
        self._change(PAY, waits, which, **words)

    @precondition(lambda self: self.model.orders)
    @rule(
        waits=st.booleans(),
        which=numbers,
        by_code=st.booleans(),
        nonce=st.sampled_from([None, "scan-1", "scan-2"]),
        undo=st.booleans(),
    )
    def check_in(self, waits: bool, which: int, by_code: bool, nonce: str | None, undo: bool) -> None:
        ticket = self._ticket(which)
        words: JsonObject = {"code": ticket["code"]} if by_code else {"ticket_id": ticket["id"]}
        self.ask(self._request(CHECK_IN, **words, **given(nonce=nonce), undo=undo), waits)
