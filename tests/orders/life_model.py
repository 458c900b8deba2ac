"""What orders, holds and tickets become of requests, in plain dictionaries and whole cents.

Written for itself, after the words of the contract: nothing of `orders/` is called here. The model reads the
bodies of the same requests and says which answers are right. It does not say which seats are chosen where
nobody wished for one: whoever compares tells it (`seat`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.json import JsonObject
from schemas.requests import EXPIRE, Request
from tests.orders.life_money import (
    add_payment,
    balance,
    close_refunded,
    costs,
    keep_within_total,
    paid_and_refunded,
    price_order,
    settle,
    shrink,
    ticket_worth,
)
from tests.orders.life_terms import (
    CLASSES,
    CLOCK_SKEW,
    FEES,
    LATELY,
    PATIENCE,
    PROCESSED,
    PROMO_CODES,
    TAX_PERCENT,
    WAITING,
    Answer,
    Refused,
    TooEarly,
    cents,
    half_up,
    moment,
    rejected,
)
from tests.orders.life_tickets import is_meant, issue, last_unused, line_tickets, valid, void
from tests.orders.life_updates import asked_at, expected_versions, find_place, keep_change, merge_terms
from willcall.kinds import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE


class Model:
    """Everything that a box office knows."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[str, JsonObject] = {}
        """By the key of the request that created them."""
        self.holds: dict[str, JsonObject] = {}
        self.answers: dict[str, Answer] = {}
        self.bodies: dict[str, Any] = {}
        self.uses: Counter[str] = Counter()
        self.prices = {name: int(one["price"]) for name, one in CLASSES.items()}
        self.opera_tax: int | None = TAX_PERCENT
        self.promo_codes = deepcopy(PROMO_CODES)
        self._waits_since: dict[UUID, datetime] = {}
        self._undecided: set[str] = set()
        self._decided: set[str] = set()

    # What is taken.

    def sold(self, name: str) -> int:
        return sum(ticket["class"] == name for ticket in self.valid_tickets())

    def held(self, name: str) -> int:
        return sum(
            hold["quantity"] for hold in self.holds.values() if hold["class"] == name and self.runs(hold)
        )

    def free(self, name: str) -> int:
        return int(CLASSES[name]["capacity"]) - self.sold(name) - self.held(name)

    def runs(self, hold: JsonObject) -> bool:
        return hold["status"] == "held" and (hold["expires_at"] is None or hold["expires_at"] > self.now)

    def taken_seats(self, name: str, changing: JsonObject | None = None) -> list[str]:
        """Return the seats of valid tickets and of running holds; twice, what is taken twice.

        An order that is being changed counts as it is to be.
        """
        orders = self.orders | ({changing["key"]: changing} if changing else {})
        of_tickets = [
            ticket["seat"] for order in orders.values() for ticket in valid(order) if ticket["class"] == name
        ]
        of_holds = [
            seat
            for hold in self.holds.values()
            if hold["class"] == name and self.runs(hold)
            for seat in hold["seats"] or ()
        ]
        return of_tickets + of_holds

    def valid_tickets(self) -> Iterator[JsonObject]:
        for order in self.orders.values():
            yield from valid(order)

    # What is asked.

    def take_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Return the answers to a batch: as they come, and what came too early once more after the others."""
        first: dict[str, Request] = {}
        for request in requests:
            if self.key(request) not in self.answers:
                first.setdefault(self.key(request), request)
        self._undecided = {str(request.request_id) for request in first.values()}
        waiting: dict[str, TooEarly] = {}
        left = list(first.values())
        while left:
            still_left = [request for request in left if not self._is_answered(request, waiting)]
            if len(still_left) == len(left):
                break
            left = still_left
        for request in left:
            if self._has_waited_long(request):
                self._answer(request, rejected(waiting.pop(self.key(request)).code))
        for request in requests:
            if self.key(request) in waiting and request is not first[self.key(request)]:
                self._has_waited_long(request)  # it waits under an id of its own
        self._undecided = set()
        return [
            WAITING
            if self.key(request) in waiting
            else self.answers[self.key(request)]
            if self.bodies[self.key(request)] == request.body
            else rejected("idempotency_conflict")
            for request in requests
        ]

    def _is_answered(self, request: Request, waiting: dict[str, TooEarly]) -> bool:
        try:
            answer = self._take(request)
        except TooEarly as too_early:
            waiting[self.key(request)] = too_early
            return False
        waiting.pop(self.key(request), None)
        self._answer(request, answer)
        return True

    def _answer(self, request: Request, answer: Answer) -> None:
        self.answers[self.key(request)] = answer
        self.bodies[self.key(request)] = request.body
        self._undecided.discard(str(request.request_id))
        self._decided.add(str(request.request_id))

    def _has_waited_long(self, request: Request) -> bool:
        return self.now - self._waits_since.setdefault(request.request_id, self.now) >= PATIENCE

    @staticmethod
    def key(request: Request) -> str:
        return str(request.body["idempotency_key"])

    def _take(self, request: Request) -> Answer:
        body: JsonObject = deepcopy(dict(request.body))
        try:
            if request.kind == TAKE:
                self._take_hold(str(request.request_id), body)
            elif request.kind == EXTEND:
                self._running(body["hold_id"])["expires_at"] = moment(body.get("expires_at"))
            elif request.kind == RELEASE:
                self._release(body["hold_id"])
            elif request.kind == CREATE:
                self._create(body)
            else:
                self._change(request, body)
        except Refused as refusal:
            return rejected(*refusal.codes)
        return PROCESSED

    def _take_hold(self, id: str, body: JsonObject) -> None:
        name, seats = body["ticket_class_id"], body.get("seats")
        quantity = body.get("quantity") or len(seats or ())
        expires_at = moment(body.get("expires_at"))
        if expires_at is not None and expires_at <= self.now:
            raise Refused("invalid")
        if quantity > self.free(name):
            raise Refused("sold_out", *self._seat_codes(name, seats or ()))
        self._check_seats(name, seats or ())
        self.holds[id] = {
            "class": name,
            "quantity": quantity,
            "price": cents(body["unit_price"]) if body.get("unit_price") else self.prices[name],
            "seats": tuple(sorted(seats)) if seats else None,
            "expires_at": expires_at,
            "status": "held",
        }

    def _running(self, id: str) -> JsonObject:
        hold = self.holds.get(id)
        if hold is None or not self.runs(hold):
            raise Refused("hold_expired")
        return hold

    def _release(self, id: str) -> None:
        hold = self.holds.get(id)
        if hold is None or hold["status"] == "used":
            raise Refused("hold_expired")
        if self.runs(hold):
            hold["status"] = "released"

    def _is_underway(self, id: str) -> bool:
        """Say whether a hold may still be taken: its id is that of the request for it."""
        if id in self.holds or id in self._decided:
            return False
        age = self.now - asked_at(UUID(id))
        return id in self._undecided or -CLOCK_SKEW <= age < LATELY

    def _seat_codes(self, name: str, seats: Sequence[str], changing: JsonObject | None = None) -> list[str]:
        taken = self.taken_seats(name, changing)
        is_free = all(seat in CLASSES[name]["seats"] and seat not in taken for seat in seats)
        return [] if is_free and len(set(seats)) == len(seats) else ["seat_unavailable"]

    def _check_seats(self, name: str, seats: Sequence[str]) -> None:
        if self._seat_codes(name, seats):
            raise Refused("seat_unavailable")

    # New orders.

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

    # Changes.

    def _change(self, request: Request, body: JsonObject) -> None:
        order = self._order(request.kind, body)
        allowed = {
            "placed": {UPDATE, CANCEL, PAY, CHECK_IN, EXPIRE},
            "cancelled": {CANCEL, PAY, CHECK_IN, EXPIRE},
            "refunded": {CANCEL, CHECK_IN, EXPIRE},
        }
        if request.kind not in allowed[order["status"]]:
            raise Refused("not_allowed_in_status")
        expected = expected_versions(body)
        if expected and order["version"] not in expected:
            raise (TooEarly if max(expected) > order["version"] else Refused)("version_conflict")
        changed = deepcopy(order)
        if request.kind == UPDATE:
            events = self._update(changed, body, request)
        elif request.kind == CANCEL:
            events = self._cancel(changed, body, request)
        elif request.kind == PAY:
            events = self._pay(changed, body)
        elif request.kind == EXPIRE:
            events = self._expire(changed)
        else:
            events = self._check_in(changed, body)
        if events:
            changed["version"] += 1
            changed["sequence"] += events
            self.orders[order["key"]] = changed

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

    def _cancel(self, order: JsonObject, body: JsonObject, request: Request) -> int:
        if order["status"] != "placed":
            return 0
        named: list[JsonObject] = []
        ids, parts = body.get("ticket_ids", ()), body.get("lines", ())
        if not ids and not parts:
            named = list(valid(order))
        for id in ids:
            ticket = next((one for one in order["tickets"] if one["id"] == id), None)
            if ticket is None:
                raise Refused("unknown_ticket")
            if ticket["status"] != "voided" and ticket not in named:
                named.append(ticket)
        for part in parts:
            if part["line_number"] not in order["lines"]:
                raise Refused("invalid")
            left = [one for one in line_tickets(order, part["line_number"]) if one not in named]
            count = part.get("quantity", len(left))
            if count > len(left):
                raise Refused("invalid")
            named += last_unused(left, count)
        if not named:
            return 0
        if len(named) == len(list(valid(order))):
            return self._cancel_whole(order)
        cost, was = costs(order), order["subtotal"]
        place, _ = find_place(order, body, request)
        whole_lines = [part["line_number"] for part in parts if "quantity" not in part]
        places = {
            one["number"]: [each["number"] for each in line_tickets(order, one["line"])].index(one["number"])
            for one in named
        }
        change = keep_change(order, request, place, {"cancelled": list(places), "lines": whole_lines})
        change["places"] = places
        codes: list[str] = []
        void(named, codes)
        if codes:
            raise Refused(*codes)
        for ticket in named:
            order["lines"][ticket["line"]]["quantity"] -= 1
        shrink(order, cost)
        keep_within_total(order)
        price_order(order, codes=[])
        change["subtotal"] = (was, order["subtotal"]) if was != order["subtotal"] else None
        settle(order)
        return 1 + len(named)

    def _cancel_whole(self, order: JsonObject) -> int:
        """Return the number of event messages."""
        codes: list[str] = []
        tickets = list(valid(order))
        void(tickets, codes)
        if codes:
            raise Refused(*codes)
        order["was_free"] = not order["total"]
        for line in order["lines"].values():
            line["quantity"] = 0
        order["status"] = "cancelled"
        order["fees"] = dict.fromkeys(FEES, 0)
        order["given_tax"], order["given_discount"] = None, 0
        for name in ("subtotal", "tax", "discount", "total"):
            order[name] = 0
        if order["promo"] is not None:
            self.uses[order["promo"]["code"]] -= 1
        settle(order)
        close_refunded(order)
        return 1 + len(tickets)

    def _expire(self, order: JsonObject) -> int:
        if order["key"] not in self.overdue():
            return 0
        return self._cancel_whole(order)

    def overdue(self) -> list[str]:
        """Return the keys of the orders that nobody ever paid in full, and whose time is over."""
        return [
            order["key"]
            for order in self.orders.values()
            if order["status"] == "placed"
            and not order["was_paid"]
            and order["due"] is not None
            and order["due"] <= self.now
        ]

    def _pay(self, order: JsonObject, body: JsonObject) -> int:
        status, is_refund = body.get("status", "completed"), body.get("is_refund", False)
        paid, refunded = paid_and_refunded(order)
        number = body.get("payment_number")
        if body["type"] == "credit_card":
            raise Refused("invalid")
        if number is not None:
            payment = order["payments"].get(number)
            if payment is None or payment["is_refund"] != is_refund or status == "pending":
                raise Refused("invalid")
            if payment["status"] == "completed":
                return 0
            if is_refund and payment["cents"] > paid - refunded:
                raise Refused("invalid")
            payment["status"] = "completed"
        else:
            owed = -balance(order) if is_refund else balance(order)
            amount = cents(body["amount"]) if "amount" in body else owed
            if amount <= 0 or (is_refund and amount > paid - refunded):
                raise Refused("invalid")
            add_payment(order, amount, status, is_refund=is_refund)
        settle(order)
        close_refunded(order)
        return 1

    def _check_in(self, order: JsonObject, body: JsonObject) -> int:
        ticket = next(one for one in order["tickets"] if is_meant(one, body))
        if ticket["status"] == "voided":
            raise Refused("ticket_voided")
        if body.get("undo"):
            if ticket["status"] != "checked_in":
                return 0
            ticket["status"], ticket["nonce"] = "valid", None
            return 1
        if ticket["status"] == "checked_in":
            if body.get("nonce") is not None and body["nonce"] == ticket["nonce"]:
                return 0
            raise Refused("already_checked_in")
        ticket["status"], ticket["nonce"] = "checked_in", body.get("nonce")
        return 1
