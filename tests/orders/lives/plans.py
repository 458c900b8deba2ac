"""Requests of mixed kinds as plans: what is asked, before anybody has ids.

Two tenants act out the same plan. What one knows only later, the ids of its orders, tickets and holds, is
named here by the place of the request that makes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from schemas.json import JsonObject
from schemas.requests import EXPIRE, Request
from tests.factories import NOW, make_event, make_seated_class, make_ticket_class
from willcall.kinds import CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE

STEP = timedelta(seconds=20)
"""Between two batches of a plan."""

CLASSES = ("standing", "stalls", "pit")

TENANT_BITS = ((1 << 22) - 1) << 40
"""Bits of a request's id that say whose it is: ids of one plan differ between tenants in nothing else."""


def make_events() -> list[JsonObject]:
    """Return a catalogue of few classes with little stock."""
    standing = make_ticket_class("standing", price="10.00", capacity=6)
    stalls = make_seated_class("stalls", "1-6", price="20.00")
    pit = make_ticket_class("pit", price="11.99", capacity=4)
    promo_codes = [{"code": "TEN", "percent": "10"}, {"code": "FIVE", "amount": "5.00", "max_uses": 2}]
    return [
        make_event(ticket_classes=[standing, stalls], promo_codes=promo_codes),
        make_event("opera", ticket_classes=[pit], tax={"name": "VAT", "rate": "0.19"}),
    ]


def make_id(moment: datetime, count: int, bits: int = 0) -> UUID:
    """Return a UUIDv7 of this moment (RFC 9562); a larger count sorts later, `bits` are its last ones."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | count << 64 | 2 << 62 | bits)


@dataclass(frozen=True)
class Step:
    """One request of a plan; `which` and the like name others by numbers, whatever they come to."""

    kind: str
    words: JsonObject = field(default_factory=dict)
    order: int = 0
    """Which of the plan's orders."""
    hold: int = 0
    ahead: int | None = None
    """The expected version, counted from the one that the order has when the batch is sent."""
    also: int | None = None
    """Another expected version, counted likewise; one of them is enough."""
    seen: int | None = None
    """The version that the sender saw, counted likewise."""
    is_named_by_key: bool = True
    tickets: tuple[int, ...] = ()
    seconds_old: int = 0
    """How much older than its batch the request is."""
    repeats: int | None = None
    """Which earlier request it is again, and how: see `repeat`."""
    repeat: str = ""
    may_set_price: bool = True


@dataclass(frozen=True)
class Plan:
    """Batches of steps, one after the other."""

    batches: tuple[tuple[Step, ...], ...]
    settings: JsonObject

    def steps(self) -> list[tuple[int, Step]]:
        """Return all steps with the numbers of their batches."""
        return [(number, step) for number, batch in enumerate(self.batches) for step in batch]


class KnownOrder:
    """What a sender knows of an order that exists."""

    def __init__(self, id: str, version: int, tickets: Sequence[str]) -> None:
        self.id = id
        self.version = version
        self.tickets = tickets


class Actor:
    """One tenant that acts out a plan."""

    def __init__(self, plan: Plan, tenant: str, number: int) -> None:
        self.tenant = tenant
        self._plan = plan
        self._bits = number << 40
        steps = plan.steps()
        self.creates = [place for place, (_, step) in enumerate(steps) if step.kind == CREATE]
        self._holds = [place for place, (_, step) in enumerate(steps) if step.kind == TAKE]
        self.sent: list[Request] = []
        """By their places in the plan."""

    def id_of(self, place: int, again: int = 0) -> UUID:
        """Return the id of the request at a place in the plan; of a repeat, another one."""
        number, step = self._plan.steps()[place]
        moment = NOW + number * STEP - timedelta(seconds=step.seconds_old)
        return make_id(moment, place + 200 * again, self._bits | place)

    def names(self) -> dict[str, str]:
        """Return what the ids of the plan's requests are called."""
        places = range(len(self._plan.steps()))
        return {str(self.id_of(place, again)): f"request {place}" for place in places for again in (0, 1)}

    def hold_id(self, number: int) -> str:
        """Return the id of one of the plan's holds, or of one that never was."""
        if not self._holds:
            return str(make_id(NOW - timedelta(days=1), 0))
        return str(self.id_of(self._holds[number % len(self._holds)]))

    def key(self, place: int) -> str:
        """Return the idempotency key of the request at a place in the plan."""
        return f"key-{place}"

    def requests(self, number: int, known: Mapping[str, KnownOrder]) -> list[Request]:
        """Return the requests of a batch; `known` are the orders that exist, by their keys."""
        first = len(self.sent)
        for place, step in enumerate(self._plan.batches[number], first):
            self.sent.append(self._request(place, step, known))
        return self.sent[first:]

    def _request(self, place: int, step: Step, known: Mapping[str, KnownOrder]) -> Request:
        if step.repeats is not None:
            repeatable = [request for request in self.sent if _is_decided_at_once(request)]
            if repeatable:
                return self._repeat(place, repeatable[step.repeats % len(repeatable)], step.repeat)
            step = Step(EXPIRE)
        body: JsonObject = {"idempotency_key": self.key(place)} | step.words
        seen = None
        if step.kind == CREATE:
            body["line_items"] = [
                {name: word for name, word in item.items() if name != "hold"}
                | ({"hold_id": self.hold_id(item["hold"])} if "hold" in item else {})
                for item in body["line_items"]
            ]
        elif step.kind in (EXTEND, RELEASE):
            body["hold_id"] = self.hold_id(step.hold)
        elif step.kind != TAKE:
            seen = self._name_order(body, step, known)
        return Request(
            step.kind, self.id_of(place), self.tenant, step.may_set_price, body, "tester", seen_version=seen
        )

    def _name_order(self, body: JsonObject, step: Step, known: Mapping[str, KnownOrder]) -> int | None:
        key = self.key(self.creates[step.order % len(self.creates)]) if self.creates else "no-key"
        order = known.get(key)
        tickets = [] if order is None else order.tickets
        named = [tickets[one % len(tickets)] for one in step.tickets] if tickets else []
        if step.kind == CHECK_IN:
            body["ticket_id"] = named[0] if named else str(UUID(int=0))
            return None
        if named:
            body["ticket_ids"] = named
        if order is None or step.is_named_by_key:
            body["order_key"] = key
        else:
            body["order_id"] = order.id
        version = 1 if order is None else order.version
        if step.ahead is not None:
            body |= version_words(version, step.ahead, step.also)
        return None if step.seen is None else max(version - step.seen, 1)

    def _repeat(self, place: int, first: Request, how: str) -> Request:
        """Return the request once more: as it was, under another id, or with another body."""
        id_ = first.request_id if how == "same" else self.id_of(place, again=1)
        body = dict(first.body)
        if how == "another body":
            body |= {"reference": "another"} if first.kind in (CREATE, PAY) else {"reason": "another"}
        return first._replace(request_id=id_, tenant=self.tenant, body=body)


def version_words(version: int, ahead: int, also: int | None) -> JsonObject:
    """Return the words of a change that expects one version or one of two, counted from its order's."""
    expected = max(version + ahead, 1)
    if also is None:
        return {"expected_version": expected}
    return {"expected_versions": [expected, max(version + also, 1)]}


def _is_decided_at_once(request: Request) -> bool:
    """Say whether the request can never wait: a repeat of what waits may be served in its place."""
    if request.kind == CREATE:
        return not any("hold_id" in item for item in request.body["line_items"])
    is_by_key = "order_key" in request.body or {"expected_version", "expected_versions"} & request.body.keys()
    return not is_by_key
