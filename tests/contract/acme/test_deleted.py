"""DELETE answers the order that was deleted, as it was; after that no call of ACME shows it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.acme.client import EVENT, STALLS, Acme, item, read, sample, simple
from tests.intakes import Intake


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def _ids(answer: httpx.Response) -> list[str]:
    return [order["id"] for order in read(answer)]


def _lists(acme: Acme, order: dict[str, Any]) -> list[list[str]]:
    names = ("visitorId", "tempVisitorId", "email", "phoneNumber")
    queries = [f"?{httpx.QueryParams({name: order[name]})}" for name in names]
    return [_ids(acme.call("GET", path)) for path in (*queries, f"/event/{EVENT}")]


def test_a_deleted_order_is_gone_from_get_and_from_every_list(acme: Acme, worker: object) -> None:
    words = {
        name: f"{uuid4()}@example.com" for name in ("visitorId", "tempVisitorId", "email", "phoneNumber")
    }
    gone, kept = acme.create(sample(**words)), acme.create(sample(**words))
    number = acme.canonical(gone)["number"]
    assert all({gone, kept} <= set(found) for found in _lists(acme, words))

    acme.delete(gone)

    assert [acme.call("GET", f"/{name}").status_code for name in (gone, number)] == [404, 404]
    assert all(kept in found and gone not in found for found in _lists(acme, words))
    assert acme.canonical(gone)["status"] == "cancelled"


def test_delete_answers_the_order_as_it_was_whatever_was_done_to_it(
    acme: Acme, intake: Intake, worker: object
) -> None:
    seats = item(ticketingTypeId=STALLS, quantity=2)
    id_ = acme.create(sample(orderItems=[*sample()["orderItems"], seats]))
    acme.canonical_call(f"/{id_}/cancel", {"lines": [{"line_number": 1, "quantity": 1}]})
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "amount": "20.00"})
    order = acme.get(id_)
    order["orderItems"][2] |= {"quantity": 1, "unitPrice": 70}
    before = acme.put(id_, {**order, "notes": "changed"})

    other = Acme(acme.http, intake.new_key("orders.update", "orders.read", tenant="box-office"))

    assert other.delete(id_) == before
    acme.canonical_call(f"/{id_}/payments", {"type": "cash", "is_refund": True})
    assert acme.delete(id_) == before


def test_a_repeated_delete_is_answered_as_the_first(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    before = acme.get(id_)

    answers = [acme.call("DELETE", f"/{id_}", idempotency_key=f"delete-{id_}") for _ in range(2)]

    assert [read(answer) for answer in answers] == [before, before]
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_an_order_that_somebody_else_cancelled_is_still_shown(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(paidAmount="108.29"))
    acme.canonical_call(f"/{id_}/cancel", {"reason": "rain"})

    order = acme.get(id_)

    assert [ticket["ticketStatus"] for ticket in order["orderItems"][0]["ticketVos"]] == ["Void", "Void"]
    assert id_ in _ids(acme.call("GET", f"/event/{EVENT}"))
    assert acme.delete(id_) == order


def test_a_deleted_order_is_changed_no_more(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    order = acme.delete(id_)

    for words in (order, {**order, "checkInStatus": "CheckedIn"}, simple()):
        answer = acme.call("PUT", f"/{id_}", words)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "not_allowed_in_status")


def test_without_leave_to_read_a_delete_is_answered_with_its_outcome(
    acme: Acme, intake: Intake, worker: object
) -> None:
    id_ = acme.create(simple())
    blind = Acme(acme.http, intake.new_key("orders.update", tenant="box-office"))

    assert blind.call("DELETE", f"/{id_}").json()["order_id"] == id_


def test_an_order_that_is_shown_elsewhere_stays_there(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    acme.delete(id_)

    headers = {"authorization": f"Bearer {acme.key}"}
    events = acme.http.get(f"/v1/orders/{id_}", headers=headers).json()
    assert events["cancellation"]["reason"] == "deleted by a client of ACME"
