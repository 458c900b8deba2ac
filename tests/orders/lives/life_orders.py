"""New orders and updates in the model of lives."""

from collections import Counter
from collections.abc import Sequence

from schemas.json import JsonObject
from schemas.requests import Request
from tests.orders.lives.life_inventory import Inventory
from tests.orders.lives.life_money import (
    add_payment,
    balance,
    costs,
    keep_within_total,
    price_order,
    settle,
    shrink,
    ticket_worth,
)
from tests.orders.lives.life_terms import (
    CLASSES,
    FEES,
    Refused,
    TooEarly,
    cents,
    half_up,
    moment,
)
from tests.orders.lives.life_tickets import is_meant, issue, last_unused, line_tickets, valid, void
from tests.orders.lives.life_updates import find_place, keep_change, merge_terms
from willcall.kinds import CHECK_IN


class Orders(Inventory):
    """Creates and updates orders."""

    def _create(self, body: JsonObject) -> None:
        codes: list[str] = []
        lines: list[JsonObject] = []
        wanted: Counter[str] = Counter()
        for item in body["line_items"]:
            hold = self.holds.get(item.get("hold_id", ""))
            if "hold_id" in item and self._is_underway(item["hold_id"]):
                raise TooEarly("hold_expired")
            if "hold_id" in item and (hold is None or not self.runs(hold)):
                raise Refused("hold_expired")
            name = hold["class"] if hold else item["ticket_class_id"]
            quantity = hold["quantity"] if hold else item["quantity"]
            price = hold["price"] if hold else self.prices[name]
            if not hold:
                wanted[name] += quantity
                codes += self._seat_codes(name, item.get("seats", ()))
            lines.append(
                {
                    "class": name,
                    "quantity": quantity,
                    "price": cents(item["unit_price"]) if "unit_price" in item else price,
                    "tax": self._tax_of(name),
                    "hold": hold,
                    "seats": hold["seats"] if hold else item.get("seats"),
                    "names": [one.get("first_name") for one in item.get("attendees", ())],
                }
            )
        codes += ["sold_out" for name in wanted if wanted[name] > self.free(name)]
        promo = body.get("promo_code")
        if promo is not None:
            limit = self.promo_codes[promo]["max_uses"]
            is_used_up = limit is not None and self.uses[promo] >= limit
            events = {CLASSES[line["class"]]["event"] for line in lines}
            if is_used_up or self.promo_codes[promo]["event"] not in events:
                codes.append("unknown_promo_code")
        order = {
            "key": body["idempotency_key"],
            "status": "placed",
            "version": 1,
            "sequence": 1,
            "buyer": body["buyer"]["first_name"],
            "lines": {
                number: {name: line[name] for name in ("class", "quantity", "price", "tax")}
                for number, line in enumerate(lines, 1)
            },
            "tickets": [],
            "payments": {},
            "fees": {name: cents(body.get(name, "0")) for name in FEES},
            "given_tax": cents(body["tax"]) if "tax" in body else None,
            "given_discount": cents(body.get("discount", "0")),
            # Its own copy, which shrinks with the order.
            "promo": None if promo is None else {"code": promo, **self.promo_codes[promo]},
            "due": moment(body.get("payment_due_at")),
            "was_paid": False,
            "changes": [],
        }
        price_order(order, codes=codes)
        if codes:
            raise Refused(*codes)
        for number, line in enumerate(lines, 1):
            for place in range(line["quantity"]):
                seat = line["seats"][place] if line["seats"] else None
                issue(order, number, seat, line["names"][place] if place < len(line["names"]) else None)
            if line["hold"]:
                line["hold"]["status"] = "used"
        for payment in body.get("payments", ()):
            owed = max(balance(order), 0)
            amount = cents(payment["amount"]) if "amount" in payment else owed
            if amount or "amount" in payment:
                add_payment(order, amount, "completed", is_refund=False)
        settle(order)
        if promo is not None:
            self.uses[promo] += 1
        self.orders[order["key"]] = order

    def _tax_of(self, name: str) -> int | None:
        return self.opera_tax if CLASSES[name]["event"] == "opera" else None

    def _update(self, order: JsonObject, body: JsonObject, request: Request) -> int:
        """Return the number of event messages."""
        patch = body["patch"]
        place, later = find_place(order, body, request)
        if any("patch" in change for change in later) and not patch.get("line_items", [1]):
            raise Refused("invalid")
        terms, named = merge_terms(order, patch, later)
        was = order["subtotal"]
        change = keep_change(order, request, place, {"patch": patch})
        codes: list[str] = []
        before = {ticket["number"] for ticket in valid(order)}
        cost = costs(order)
        if "line_items" in named:
            if not terms.get("line_items"):
                raise Refused("invalid")
            self._set_lines(order, terms["line_items"], codes)
        order["buyer"] = terms["buyer"]["first_name"]
        order["due"] = moment(terms.get("payment_due_at"))
        if named & {*FEES, "tax", "discount", "line_items"}:
            is_less = ticket_worth(order) < sum(cost["worth"].values())
            shrink(order, cost)
            order["fees"] |= {name: cents(terms.get(name, "0")) for name in FEES if name in named}
            if "tax" in named:
                order["given_tax"] = cents(terms["tax"]) if "tax" in terms else None
            if "discount" in named:
                order["given_discount"] = cents(terms.get("discount", "0"))
            subtotals = [one["subtotal"] for one in later if one["subtotal"] is not None]
            for old, new in subtotals:
                if new >= old:
                    continue
                if "tax" in named and order["given_tax"] is not None:
                    order["given_tax"] = half_up(order["given_tax"] * new, old)
                if "discount" in named:
                    off_tickets = min(order["given_discount"], old)
                    order["given_discount"] += half_up(off_tickets * new, old) - off_tickets
            if subtotals or ("discount" not in named and is_less):
                keep_within_total(order)
            price_order(order, codes=codes)
            change["subtotal"] = (was, order["subtotal"]) if was != order["subtotal"] else None
        if codes:
            raise Refused(*codes)
        settle(order)
        after = {ticket["number"] for ticket in valid(order)}
        # A ticket that came and went in one update does not exist: sets differ by what was voided and issued.
        return 1 + len(before ^ after)

    def _set_lines(self, order: JsonObject, items: Sequence[JsonObject], codes: list[str]) -> None:
        if any(item["quantity"] < 1 for item in items):
            raise Refused("invalid")
        old: Counter[str] = Counter(ticket["class"] for ticket in valid(order))
        wanted = self._match(order, items)
        for number, line in order["lines"].items():
            if number not in wanted:
                void(line_tickets(order, number), codes)
                line["quantity"] = 0
        new: Counter[str] = Counter()
        for number, item in wanted.items():
            line, name = order["lines"][number], order["lines"][number]["class"]
            new[name] += item["quantity"]
            if not line["quantity"]:
                # It is sold now: a line that had been emptied is as a new one.
                line |= {"price": self.prices[name], "tax": self._tax_of(name)}
            if "unit_price" in item:
                line["price"] = cents(item["unit_price"])
            if item.get("seats"):
                if len(item["seats"]) != item["quantity"]:
                    codes.append("invalid")
                kept = [one for one in line_tickets(order, number) if one["seat"] in item["seats"]]
                void([one for one in line_tickets(order, number) if one not in kept], codes)
                seats = {one["seat"] for one in kept}
                codes += self._seat_codes(name, [seat for seat in item["seats"] if seat not in seats], order)
                if len(set(item["seats"])) != len(item["seats"]):
                    codes.append("seat_unavailable")
                for seat in item["seats"]:
                    if seat not in seats:
                        issue(order, number, seat, None)
            elif item["quantity"] < line["quantity"]:
                void(last_unused(line_tickets(order, number), line["quantity"] - item["quantity"]), codes)
            else:
                for _ in range(item["quantity"] - line["quantity"]):
                    issue(order, number, None, None)
            line["quantity"] = item["quantity"]
            if "attendees" in item:
                if len(item["attendees"]) > item["quantity"]:
                    codes.append("invalid")
                for place, ticket in enumerate(line_tickets(order, number)):
                    named = item["attendees"][place : place + 1]
                    ticket["name"] = named[0].get("first_name") if named else None
        if any(new[name] - old[name] > self.free(name) for name in new):
            codes.append("sold_out")

    def _match(self, order: JsonObject, items: Sequence[JsonObject]) -> dict[int, JsonObject]:
        """Return the wanted lines by number; a class that comes back is where it was, others come last."""
        matched: dict[int, JsonObject] = {}
        for item in items:
            if "line_number" in item:
                line = order["lines"].get(item["line_number"])
                if line is None or item["line_number"] in matched:
                    raise Refused("invalid")
                if line["class"] != item["ticket_class_id"]:
                    raise Refused("invalid")
                matched[item["line_number"]] = item
        for item in items:
            if "line_number" in item:
                continue
            same = [
                (not line["quantity"], number)
                for number, line in order["lines"].items()
                if line["class"] == item["ticket_class_id"] and number not in matched
            ]
            number = min(same)[1] if same else max(order["lines"]) + 1
            if not same:
                order["lines"][number] = {"class": item["ticket_class_id"], "quantity": 0}
            matched[number] = item
        return matched

    def _order(self, kind: str, body: JsonObject) -> JsonObject:
        for order in self.orders.values():
            if kind == CHECK_IN:
                if any(is_meant(ticket, body) for ticket in order["tickets"]):
                    return order
            elif order["key"] == body.get("order_key") or order.get("id") == body.get("order_id", "none"):
                return order
        if "order_key" in body and body["order_key"] not in self.answers:
            raise TooEarly("unknown_order")
        raise Refused("unknown_order")
