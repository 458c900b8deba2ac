"""Orders confirmed over HTTP: the caller waits for the order, in our words and in those of the dialects."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, get_args

import orjson

from benchmarks.intake_load import UNIQUE, Calls
from benchmarks.loads.orders import catalogue
from benchmarks.measurements.intake import CONNECTIONS, Answers, Clients, headers, serving
from benchmarks.results import Figure, Row, Target, compared, quantile
from benchmarks.running.brokers import empty_queues
from benchmarks.running.lab import Lab
from benchmarks.running.racing import Run, race
from intake.auth.keys import NewKey, create_key
from intake.auth.scopes import SCOPES
from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from schemas.dialects import DialectName

TITLE: Final = "orders confirmed over HTTP; the same without waiting"
TARGET: Final = Target(0.5)

_TENANT: Final = "101"
"""A tenant whose names are numbers, as one of the dialects wants them."""

_EVENT: Final = "11"
_MANY: Final = 256
_READ: Final = 200

_ACCEPTED: Final = Target(3_500.0, unit="orders/s")
_CONFIRMED: Final = Target(1_200.0, unit="orders/s")
_CPU: Final = Target(2.5, is_most=True)
_LONE: Final = Target(7.0, is_most=True, unit="ms")
_SLOWEST: Final = Target(400.0, is_most=True, unit="ms")
_DIALECT: Final = Target(800.0, unit="orders/s")
_READS: Final = Target(1_500.0, unit="reads/s")

ACCEPTED: Final = "accepted (202)"
CANONICAL: Final = "confirmed"
LONE: Final = "lone"
MANY: Final = f"{_MANY} connections"
DIALECTS: Final = ("Zoho Backstage", "Ticket Evolution", "ACME")
READS: Final = "reads"


def run(lab: Lab) -> Sequence[Row]:
    """Return what the intake confirms with one worker, against what it takes without waiting."""
    broker = lab.brokers[0]
    with at_work(lab, broker) as (clients, key):
        sides = calls_of(key, lab.sizes.intake_seconds)
        sides[READS] = replace(sides[READS], paths=_orders_of(lab))
        answers: dict[str, list[Answers]] = {name: [] for name in sides}
        race(lab, {name: _noting(clients, one, answers[name]) for name, one in sides.items()}, "calls/s")
    return _rows(answers, f"{broker}, one intake process, one worker process")


@contextmanager
def at_work(lab: Lab, broker: str) -> Iterator[tuple[Clients, NewKey]]:
    """Let a worker and an intake run; yield what calls it, warm, and a key."""
    (crew,) = lab.crews(broker, "willcall")
    load_catalogue(lab.ours.engine, numbered_catalogue(), now=datetime.now(UTC))
    with lab.ours.engine.begin() as connection:
        key = create_key(connection, _TENANT, SCOPES[:-1], datetime.now(UTC))
    with serving(lab, broker) as clients, crew.at_work():
        for calls in calls_of(key, 0.5).values():
            if calls.method == "POST":
                clients.send(calls)
        yield clients, key
    empty_queues(lab.broker_url(broker))


def calls_of(key: NewKey, seconds: float) -> dict[str, Calls]:
    """Return the calls of each side."""
    own = headers(key.key)
    waiting = own | {"Prefer": "wait=10"}
    accepted = Calls("/v1/orders", seconds, CONNECTIONS, body=_canonical(), headers=own)
    confirmed = replace(accepted, status=201, headers=waiting)
    zoho = f"/backstage/v3/portals/{_TENANT}/events/{_EVENT}/orders"
    zoho_headers = {"Authorization": f"Zoho-oauthtoken {key.key}", "Idempotency-Key": UNIQUE}
    acme_headers = {"x-acme-api-key": key.key, "x-b2c-tenant-id": _TENANT, "Idempotency-Key": UNIQUE}
    signed = {"X-Token": key.id.hex, "Idempotency-Key": UNIQUE}
    return {
        ACCEPTED: accepted,
        CANONICAL: confirmed,
        LONE: replace(confirmed, connections=1),
        MANY: replace(confirmed, connections=_MANY),
        DIALECTS[0]: replace(confirmed, path=zoho, body=_zoho(), headers=zoho_headers),
        DIALECTS[1]: replace(
            confirmed, path="/v9/orders", body=_ticket_evolution(), headers=signed, secret=key.secret
        ),
        DIALECTS[2]: replace(confirmed, path="/v1/b2c/orders", body=_acme(), headers=acme_headers),
        READS: replace(accepted, method="GET", status=200, body="", headers=own),
    }


def _noting(clients: Clients, calls: Calls, answers: list[Answers]) -> Run:
    def once() -> float:
        answers.append(clients.send(calls))
        return answers[-1].rate

    return once


def _rows(answers: Mapping[str, Sequence[Answers]], note: str) -> list[Row]:
    rates = {name: Figure(tuple(one.rate for one in found), "orders/s") for name, found in answers.items()}
    costs = {
        name: Figure(tuple(one.cpu_milliseconds for one in found), "ms") for name, found in answers.items()
    }

    def slowest(name: str, share: float) -> Figure:
        return Figure(tuple(quantile(one.times, share) for one in answers[name]), "ms")

    reads = Figure(rates[READS].runs, "reads/s")
    of_many = f"{note}, {CONNECTIONS} connections"
    rows = [
        Row("orders taken over HTTP without waiting", _ACCEPTED, rates[ACCEPTED], note=of_many),
        Row("orders confirmed over HTTP", _CONFIRMED, rates[CANONICAL], note=of_many),
        compared(TITLE, TARGET, rates[CANONICAL], rates[ACCEPTED], of_many),
        compared(
            "CPU of the intake for an order confirmed; taken", _CPU, costs[CANONICAL], costs[ACCEPTED], note
        ),
        Row("a lone order over HTTP, p50", _LONE, slowest(LONE, 0.5), note=note),
        Row(
            f"orders confirmed over HTTP, p99 at {_MANY} connections",
            _SLOWEST,
            slowest(MANY, 0.99),
            note=note,
        ),
    ]
    for name in DIALECTS:
        cost = f"{costs[name].median:.2f} ms of the intake an order"
        rows.append(Row(f"orders confirmed over HTTP in {name}'s words", _DIALECT, rates[name], note=cost))
    cost = f"{costs[READS].median:.2f} ms of the intake a read"
    return [*rows, Row("orders read over HTTP, one a call", _READS, reads, note=cost)]


def _orders_of(lab: Lab) -> tuple[str, ...]:
    query = """
        SELECT o.id FROM orders o JOIN tenants t ON t.id = o.tenant_id WHERE t.name = :tenant
        ORDER BY o.id DESC LIMIT :count
    """
    return tuple(f"/v1/orders/{row.id}" for row in lab.ours.rows(query, tenant=_TENANT, count=_READ))


def numbered_catalogue() -> Catalogue:
    """Return the catalogue of a tenant whose names are numbers in all dialects."""
    words = catalogue().model_dump(mode="json")
    (event,) = words["events"]
    classes = [{**one, "id": str(number)} for number, one in enumerate(event["ticket_classes"], 1)]
    names = {"tenant": _TENANT, "aliases": dict.fromkeys(get_args(DialectName), (_TENANT,))}
    return Catalogue.model_validate(
        {**words, **names, "events": [{**event, "id": _EVENT, "ticket_classes": classes}]}
    )


_BUYER: Final = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}


def _json(words: object) -> str:
    return orjson.dumps(words).decode()


def _canonical() -> str:
    line = {"ticket_class_id": "1", "quantity": 1, "attendees": [_BUYER]}
    return _json({"buyer": _BUYER, "line_items": [line], "shipping": "4.90", "service_fee": "2.50"})


def _zoho() -> str:
    buyer = {"purchaser_first_name": "Ada", "purchaser_email": "ada@example.com"}
    ticket = {"ticketclass_id": "2", "data": {"first_name": "Ada", "email": "ada@example.com"}}
    return _json({"buyer_details": buyer, "tickets": [ticket]})


def _ticket_evolution() -> str:
    item = {"ticket_group_id": 3, "quantity": 1, "price": 45.5}
    order = {"seller_id": int(_TENANT), "client_id": 17, "shipped_items": [{"items": [item]}]}
    return _json({"orders": [order]})


def _acme() -> str:
    return _json({"email": "ada@example.com", "orderItems": [{"ticketingTypeId": "4", "quantity": 1}]})
