"""What orders, holds and tickets become of requests, in plain dictionaries and whole cents.

Written for itself, after the words of the contract: nothing of `orders/` is called here. The model reads the
bodies of the same requests and says which answers are right. It does not say which seats are chosen where
nobody wished for one: whoever compares tells it (`seat`).
"""

from collections.abc import Sequence
from copy import deepcopy

from schemas.json import JsonObject
from schemas.requests import EXPIRE, Request
from tests.orders.lives.life_money import (
    add_payment,
    balance,
    close_refunded,
    costs,
    keep_within_total,
    paid_and_refunded,
    price_order,
    settle,
    shrink,
)
from tests.orders.lives.life_orders import Orders
from tests.orders.lives.life_terms import (
    FEES,
    PATIENCE,
    PROCESSED,
    WAITING,
    Answer,
    Refused,
    TooEarly,
    cents,
    moment,
    rejected,
)
from tests.orders.lives.life_tickets import is_meant, last_unused, line_tickets, valid, void
from tests.orders.lives.life_updates import expected_versions, find_place, keep_change
from willcall.kinds import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE


class Model(Orders):
    """A box office that answers requests."""

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
