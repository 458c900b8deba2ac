"""What orders, holds and tickets become of requests, in plain dictionaries and whole cents.

Written for itself, after the words of the contract: nothing of `orders/` is called here. The model reads the
bodies of the same requests and says which answers are right. It does not say which seats are chosen where
nobody wished for one: whoever compares tells it (`seat`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from schemas.requests import CANCEL, CHECK_IN, CREATE, EXTEND, HOLDS, PAY, RELEASE, TAKE, UPDATE, Request

Words = dict[str, Any]

PATIENCE = timedelta(minutes=1)
TAX_PERCENT = 19
PROMO_CODES: dict[str, Words] = {
    "TEN": {"event": "concert", "percent": 10, "max_uses": None},
    "FIVE": {"event": "concert", "cents": 500, "max_uses": 3},
}
CLASSES: dict[str, Words] = {
    "standing": {"event": "concert", "price": 1000, "capacity": 12, "seats": ()},
    "stalls": {"event": "concert", "price": 2000, "capacity": 9, "seats": tuple("123456789")},
    "pit": {"event": "opera", "price": 1199, "capacity": 7, "seats": ()},
}
"""The opera's tax comes on top of its prices; the concert has none."""


class Answer(NamedTuple):
    """How a request ends; a rejection has one of the codes."""

    status: str
    codes: frozenset[str] = frozenset()


PROCESSED = Answer("processed")
WAITING = Answer("waiting")


def rejected(*codes: str) -> Answer:
    return Answer("rejected", frozenset(codes))


def cents(amount: Any) -> int:
    return int(Decimal(amount) * 100)


class Refused(Exception):
    """These codes are why."""

    def __init__(self, *codes: str) -> None:
        super().__init__(*codes)
        self.codes = codes


class Model:
    """Everything that a box office knows."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.orders: dict[str, Words] = {}
        """By the key of the request that created them."""
        self.holds: dict[str, Words] = {}
        self.answers: dict[str, Answer] = {}
        self.bodies: dict[str, Any] = {}
        self.uses: Counter[str] = Counter()
        self._waits_since: dict[UUID, datetime] = {}

    # What is taken.

    def sold(self, name: str) -> int:
        return sum(ticket["class"] == name for ticket in self.valid_tickets())

    def held(self, name: str) -> int:
        return sum(
            hold["quantity"] for hold in self.holds.values() if hold["class"] == name and self.runs(hold)
        )

    def free(self, name: str) -> int:
        return int(CLASSES[name]["capacity"]) - self.sold(name) - self.held(name)

    def runs(self, hold: Words) -> bool:
        return hold["status"] == "held" and (hold["expires_at"] is None or hold["expires_at"] > self.now)

    def taken_seats(self, name: str, changing: Words | None = None) -> list[str]:
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

    def valid_tickets(self) -> Iterator[Words]:
        for order in self.orders.values():
            yield from valid(order)

    # What is asked.

    def take_batch(self, requests: Sequence[Request]) -> list[Answer]:
        """Return the answers to a batch: holds come first, then new orders, then changes as accepted."""
        first: dict[str, Request] = {}
        for request in requests:
            if self.key(request) not in self.answers:
                first.setdefault(self.key(request), request)
        created = [request for request in first.values() if request.kind == CREATE]
        held = [request for request in first.values() if request.kind in HOLDS]
        changes = [request for request in first.values() if request.kind not in (CREATE, *HOLDS)]
        waiting = set()
        for request in [*held, *created, *sorted(changes, key=lambda one: one.request_id)]:
            answer = self._take(request)
            if answer == WAITING:
                waiting.add(self.key(request))
            else:
                self.answers[self.key(request)] = answer
                self.bodies[self.key(request)] = request.body
        return [
            WAITING
            if self.key(request) in waiting
            else self.answers[self.key(request)]
            if self.bodies[self.key(request)] == request.body
            else rejected("idempotency_conflict")
            for request in requests
        ]

    @staticmethod
    def key(request: Request) -> str:
        return str(request.body["idempotency_key"])

    def _take(self, request: Request) -> Answer:
        body: Words = deepcopy(dict(request.body))
        try:
            if request.kind == TAKE:
                self._take_hold(str(request.request_id), body)
            elif request.kind == EXTEND:
                self._running(body["hold_id"])["expires_at"] = moment(body.get("expires_at"))
            elif request.kind == RELEASE:
                self._release(body["hold_id"])
            elif request.kind == CREATE:
                self._create(body)
            elif not self._change(request, body):
                return WAITING
        except Refused as refusal:
            return rejected(*refusal.codes)
        return PROCESSED

    def _take_hold(self, id: str, body: Words) -> None:
        name, seats = body["ticket_class_id"], body.get("seats")
        quantity = body.get("quantity") or len(seats or ())
        if quantity > self.free(name):
            raise Refused("sold_out", *self._seat_codes(name, seats or ()))
        self._check_seats(name, seats or ())
        self.holds[id] = {
            "class": name,
            "quantity": quantity,
            "price": cents(body["unit_price"]) if body.get("unit_price") else CLASSES[name]["price"],
            "seats": tuple(sorted(seats)) if seats else None,
            "expires_at": moment(body.get("expires_at")),
            "status": "held",
        }

    def _running(self, id: str) -> Words:
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

    def _seat_codes(self, name: str, seats: Sequence[str], changing: Words | None = None) -> list[str]:
        taken = self.taken_seats(name, changing)
        is_free = all(seat in CLASSES[name]["seats"] and seat not in taken for seat in seats)
        return [] if is_free and len(set(seats)) == len(seats) else ["seat_unavailable"]

    def _check_seats(self, name: str, seats: Sequence[str]) -> None:
        if self._seat_codes(name, seats):
            raise Refused("seat_unavailable")

    # New orders.

    def _create(self, body: Words) -> None:
        codes: list[str] = []
        lines: list[Words] = []
        wanted: Counter[str] = Counter()
        for item in body["line_items"]:
            hold = self.holds.get(item.get("hold_id", ""))
            if "hold_id" in item and (hold is None or not self.runs(hold)):
                raise Refused("hold_expired")
            name = hold["class"] if hold else item["ticket_class_id"]
            quantity = hold["quantity"] if hold else item["quantity"]
            price = hold["price"] if hold else CLASSES[name]["price"]
            if not hold:
                wanted[name] += quantity
                codes += self._seat_codes(name, item.get("seats", ()))
            lines.append(
                {
                    "class": name,
                    "quantity": quantity,
                    "price": cents(item["unit_price"]) if "unit_price" in item else price,
                    "hold": hold,
                    "seats": hold["seats"] if hold else item.get("seats"),
                    "names": [one.get("first_name") for one in item.get("attendees", ())],
                }
            )
        codes += ["sold_out" for name in wanted if wanted[name] > self.free(name)]
        promo = body.get("promo_code")
        if promo is not None:
            limit = PROMO_CODES[promo]["max_uses"]
            is_used_up = limit is not None and self.uses[promo] >= limit
            events = {CLASSES[line["class"]]["event"] for line in lines}
            if is_used_up or PROMO_CODES[promo]["event"] not in events:
                codes.append("unknown_promo_code")
        order = {
            "key": body["idempotency_key"],
            "status": "placed",
            "version": 1,
            "sequence": 1,
            "buyer": body["buyer"]["first_name"],
            "lines": {
                number: {name: line[name] for name in ("class", "quantity", "price")}
                for number, line in enumerate(lines, 1)
            },
            "tickets": [],
            "payments": {},
            "fees": {name: cents(body.get(name, "0")) for name in FEES},
            "given_tax": cents(body["tax"]) if "tax" in body else None,
            "given_discount": cents(body.get("discount", "0")),
            "promo": promo,
            "patches": [],
        }
        price_order(order, takes_all_of_promo=True, codes=codes)
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
            add_payment(order, amount, "completed", is_refund=False)
        if promo is not None:
            self.uses[promo] += 1
        self.orders[order["key"]] = order

    # Changes.

    def _change(self, request: Request, body: Words) -> bool:
        order = self._order(request.kind, body)
        allowed = {
            "placed": {UPDATE, CANCEL, PAY, CHECK_IN},
            "cancelled": {CANCEL, PAY, CHECK_IN},
            "refunded": {CANCEL, CHECK_IN},
        }
        if request.kind not in allowed[order["status"]]:
            raise Refused("not_allowed_in_status")
        expected = body.get("expected_version")
        if expected is not None and expected != order["version"]:
            since = self._waits_since.setdefault(request.request_id, self.now)
            if expected < order["version"] or self.now - since >= PATIENCE:
                raise Refused("version_conflict")
            return False
        changed = deepcopy(order)
        if request.kind == UPDATE:
            events = self._update(changed, body, request.request_id)
        elif request.kind == CANCEL:
            events = self._cancel(changed, body)
        elif request.kind == PAY:
            events = self._pay(changed, body)
        else:
            events = self._check_in(changed, body)
        if events:
            changed["version"] += 1
            changed["sequence"] += events
            self.orders[order["key"]] = changed
        return True

    def _order(self, kind: str, body: Words) -> Words:
        for order in self.orders.values():
            if kind == CHECK_IN:
                if any(is_meant(ticket, body) for ticket in order["tickets"]):
                    return order
            elif order["key"] == body.get("order_key") or order.get("id") == body.get("order_id", "none"):
                return order
        raise Refused("unknown_order")

    def _update(self, order: Words, body: Words, request_id: UUID) -> int:
        """Return the number of event messages."""
        patch, later = body["patch"], []
        if "expected_version" not in body:
            # What was accepted later counts more, although it came earlier.
            in_order = sorted(order["patches"], key=lambda pair: pair[0])
            later = [one for id, one in in_order if id > request_id]
        order["patches"].append((request_id, patch))
        terms = terms_of(order)
        for one in (patch, *later):
            terms = merge(terms, one)
        if not terms.get("line_items"):
            raise Refused("invalid")
        codes: list[str] = []
        before = {ticket["number"] for ticket in valid(order)}
        wanted = match(order, terms["line_items"])
        old: Counter[str] = Counter(ticket["class"] for ticket in valid(order))
        for number, line in order["lines"].items():
            if number not in wanted:
                void(line_tickets(order, number), codes)
                line["quantity"] = 0
        new: Counter[str] = Counter()
        for number, item in wanted.items():
            line, name = order["lines"][number], order["lines"][number]["class"]
            new[name] += item["quantity"]
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
        order["buyer"] = terms["buyer"]["first_name"]
        order["fees"] = {name: cents(terms.get(name, "0")) for name in FEES}
        order["given_tax"] = cents(terms["tax"]) if "tax" in terms else None
        order["given_discount"] = cents(terms.get("discount", "0"))
        price_order(order, takes_all_of_promo=False, codes=codes)
        if codes:
            raise Refused(*codes)
        after = {ticket["number"] for ticket in valid(order)}
        # A ticket that came and went in one update does not exist: sets differ by what was voided and issued.
        return 1 + len(before ^ after)

    def _cancel(self, order: Words, body: Words) -> int:
        if order["status"] != "placed":
            return 0
        named: list[Words] = []
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
        codes: list[str] = []
        void(named, codes)
        if codes:
            raise Refused(*codes)
        subtotal = sum(line["quantity"] * line["price"] for line in order["lines"].values())
        for ticket in named:
            order["lines"][ticket["line"]]["quantity"] -= 1
        if not list(valid(order)):
            order["status"] = "cancelled"
            order["fees"] = dict.fromkeys(FEES, 0)
            order["given_tax"], order["given_discount"] = None, 0
            for name in ("subtotal", "tax", "discount", "total"):
                order[name] = 0
        else:
            rest = sum(line["quantity"] * line["price"] for line in order["lines"].values())
            if order["given_tax"] is not None and subtotal:
                order["given_tax"] = half_up(order["given_tax"] * rest, subtotal)
            wish, order["given_discount"] = order["given_discount"], 0
            price_order(order, takes_all_of_promo=False, codes=[])
            order["given_discount"] = min(wish, order["total"])
            price_order(order, takes_all_of_promo=False, codes=[])
        return 1 + len(named)

    def _pay(self, order: Words, body: Words) -> int:
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
        if order["status"] == "cancelled" and payment_status(order) == "refunded":
            order["status"] = "refunded"
        return 1

    def _check_in(self, order: Words, body: Words) -> int:
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


FEES = ("shipping", "service_fee", "additional_expense")


def moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def valid(order: Words) -> Iterator[Words]:
    return (ticket for ticket in order["tickets"] if ticket["status"] != "voided")


def line_tickets(order: Words, number: int) -> list[Words]:
    return [ticket for ticket in valid(order) if ticket["line"] == number]


def is_meant(ticket: Words, scan: Words) -> bool:
    """Say whether a scan is of this ticket; it names its code or its id."""
    name = "code" if "code" in scan else "id"
    return bool(ticket[name] == scan.get("code", scan.get("ticket_id")))


def issue(order: Words, number: int, seat: str | None, name: str | None) -> None:
    order["tickets"].append(
        {
            "number": len(order["tickets"]),
            "id": None,
            "code": None,
            "line": number,
            "class": order["lines"][number]["class"],
            "seat": seat,
            "name": name,
            "status": "valid",
            "nonce": None,
        }
    )


def last_unused(tickets: Sequence[Words], count: int) -> Sequence[Words]:
    """Return the last tickets, and used ones only where there are no others."""
    unused = [ticket for ticket in tickets if ticket["status"] != "checked_in"]
    used = [ticket for ticket in tickets if ticket["status"] == "checked_in"]
    return ([*used, *unused])[len(tickets) - count :]


def void(tickets: Sequence[Words], codes: list[str]) -> None:
    if any(ticket["status"] == "checked_in" for ticket in tickets):
        codes.append("not_allowed_in_status")
    for ticket in tickets:
        ticket["status"] = "voided"


def price_order(order: Words, *, takes_all_of_promo: bool, codes: list[str]) -> None:
    """Set the amounts of the order; a new one cannot cost less than its promo code takes off."""
    lines = [line for line in order["lines"].values() if line["quantity"]]
    amounts = [(CLASSES[line["class"]]["event"], line["quantity"] * line["price"]) for line in lines]
    order["subtotal"] = sum(amount for _, amount in amounts)
    order["tax"] = order["given_tax"]
    if order["tax"] is None:
        order["tax"] = sum(
            half_up(amount * TAX_PERCENT, 100) for event, amount in amounts if event == "opera"
        )
    gross = order["subtotal"] + sum(order["fees"].values()) + order["tax"]
    taken_off = 0
    if order["promo"] is not None:
        promo = PROMO_CODES[order["promo"]]
        of_event = [amount for event, amount in amounts if event == promo["event"]]
        if of_event:
            taken_off = promo.get("cents", half_up(sum(of_event) * promo.get("percent", 0), 100))
    if not takes_all_of_promo:
        taken_off = min(taken_off, gross)
    order["discount"] = order["given_discount"] + taken_off
    order["total"] = gross - order["discount"]
    if order["total"] < 0:
        codes.append("negative_total")


def add_payment(order: Words, amount: int, status: str, *, is_refund: bool) -> None:
    number = len(order["payments"]) + 1
    order["payments"][number] = {"cents": amount, "status": status, "is_refund": is_refund}


def paid_and_refunded(order: Words) -> tuple[int, int]:
    done = [payment for payment in order["payments"].values() if payment["status"] == "completed"]
    refunded = sum(payment["cents"] for payment in done if payment["is_refund"])
    return sum(payment["cents"] for payment in done) - refunded, refunded


def balance(order: Words) -> int:
    paid, refunded = paid_and_refunded(order)
    return int(order["total"]) - paid + refunded


def payment_status(order: Words) -> str:
    paid, refunded = paid_and_refunded(order)
    if order["status"] == "cancelled" and not paid:
        return "unpaid"
    if refunded and refunded >= paid:
        return "refunded"
    if paid - refunded >= order["total"]:
        return "paid"
    return "partially_paid" if paid > refunded else "unpaid"


def terms_of(order: Words) -> Words:
    """Return the order in the words that a patch is merged into."""
    terms: Words = {
        "buyer": {"first_name": order["buyer"]},
        "line_items": [
            {
                "line_number": number,
                "ticket_class_id": line["class"],
                "quantity": line["quantity"],
                "attendees": [
                    {"first_name": ticket["name"]} if ticket["name"] else {}
                    for ticket in line_tickets(order, number)
                ],
            }
            for number, line in order["lines"].items()
            if line["quantity"]
        ],
        "discount": money(order["given_discount"]),
        **{name: money(amount) for name, amount in order["fees"].items()},
    }
    if order["given_tax"] is not None:
        terms["tax"] = money(order["given_tax"])
    return terms


def money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    kept = {name: value for name, value in target.items() if name not in patch} if target else {}
    return kept | {
        name: merge((target or {}).get(name), value) for name, value in patch.items() if value is not None
    }


def match(order: Words, items: Sequence[Words]) -> dict[int, Words]:
    """Return the wanted lines by number; new ones get the next numbers."""
    matched: dict[int, Words] = {}
    for item in items:
        if "line_number" in item:
            if item["line_number"] not in order["lines"] or item["line_number"] in matched:
                raise Refused("invalid")
            matched[item["line_number"]] = item
    for item in items:
        if "line_number" in item:
            continue
        same = [
            number
            for number, line in order["lines"].items()
            if line["class"] == item["ticket_class_id"] and line["quantity"] and number not in matched
        ]
        number = same[0] if same else max(order["lines"]) + 1
        if not same:
            price = CLASSES[item["ticket_class_id"]]["price"]
            order["lines"][number] = {"class": item["ticket_class_id"], "quantity": 0, "price": price}
        matched[number] = item
    return matched
