"""The inventory of the model of lives: what is sold, held and free, and its holds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.json import JsonObject
from schemas.requests import Request
from tests.orders.lives.life_terms import (
    CLASSES,
    CLOCK_SKEW,
    LATELY,
    PROMO_CODES,
    TAX_PERCENT,
    Answer,
    Refused,
    cents,
    moment,
)
from tests.orders.lives.life_tickets import valid
from tests.orders.lives.life_updates import asked_at


class Inventory:
    """All rows of a box office, and what they leave free."""

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

    @staticmethod
    def key(request: Request) -> str:
        return str(request.body["idempotency_key"])
