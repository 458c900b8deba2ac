"""The calls of ACME Ticketing, one by one."""

from uuid import UUID, uuid4

import httpx
import pytest

from tests.contract.acme.client import EVENT, STANDING, Acme, item, order_of, read, sample, simple
from tests.intakes import Intake


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def test_creating_an_order_answers_its_id(acme: Acme, worker: object) -> None:
    answer = acme.call("POST", "", sample())

    assert answer.status_code == 201, answer.text
    assert UUID(answer.json())


def test_an_order_is_shown_by_its_id_and_by_its_number(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())

    assert acme.get(id_)["id"] == id_
    assert acme.get(str(acme.canonical(id_)["number"]))["id"] == id_


def test_a_repeated_request_uuid_is_a_conflict(acme: Acme, worker: object) -> None:
    uuid = str(uuid4())
    id_ = acme.create(simple(), x_acme_request_uuid=uuid)

    again = acme.call("POST", "", simple(), x_acme_request_uuid=uuid)
    other = acme.call("POST", "", simple(email="ada@example.com"), x_acme_request_uuid=uuid)
    deleted = acme.call("DELETE", f"/{id_}", x_acme_request_uuid=uuid)

    assert [again.status_code, other.status_code, deleted.status_code] == [409, 409, 409]
    assert again.json()["errors"][0]["field"] == "x-acme-request-uuid"
    assert acme.get(id_)["orderItems"][0]["quantity"] == 2


def test_a_conflict_names_the_header_that_was_sent(acme: Acme, worker: object) -> None:
    key = str(uuid4())
    acme.create(simple(), idempotency_key=key)

    other = acme.call("POST", "", simple(email="ada@example.com"), idempotency_key=key)
    malformed = acme.call("POST", "", simple(), idempotency_key="x" * 201)
    their_own = acme.call("POST", "", simple(), x_acme_request_uuid="x" * 201)

    assert [other.status_code, malformed.status_code, their_own.status_code] == [409, 400, 400]
    named = [one.json()["errors"][0]["field"] for one in (other, malformed, their_own)]
    assert named == ["Idempotency-Key", "Idempotency-Key", "x-acme-request-uuid"]


def test_our_own_idempotency_key_gives_the_first_answer_again(acme: Acme, worker: object) -> None:
    key = str(uuid4())

    assert acme.create(simple(), idempotency_key=key) == acme.create(simple(), idempotency_key=key)


def test_another_tenants_name_is_not_found(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    stranger = Acme(acme.http, acme.key, "t-2")

    assert stranger.call("GET", f"/{id_}").status_code == 404
    assert stranger.call("POST", "", simple()).status_code == 404
    assert acme.call("POST", "", simple(tenantId="t-2")).status_code == 404
    assert acme.call("POST", "", simple(tenantId="\ud800")).status_code == 404


def test_another_tenants_order_is_not_found(
    acme: Acme, intake: Intake, catalogue: object, worker: object
) -> None:
    words = {"email": "sam@example.com", "orderItems": [item(ticketingTypeId="standing")]}
    headers = {"authorization": f"Bearer {intake.new_key('orders.create', 'orders.read', tenant='other')}"}
    body = {
        "buyer": {"first_name": "", "last_name": "", "email": "sam@example.com"},
        "line_items": [{"ticket_class_id": "standing", "quantity": 1}],
    }
    made = acme.http.post("/v1/orders", json=body, headers={**headers, "prefer": "wait=30"}).json()

    answers = [
        acme.call("GET", f"/{made['id']}"),
        acme.call("PUT", f"/{made['id']}", words),
        acme.call("DELETE", f"/{made['id']}"),
        acme.call("GET", f"/{made['number']}"),
        acme.call("DELETE", f"/{made['number']}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5


def test_a_wrong_key_is_refused(acme: Acme) -> None:
    answer = Acme(acme.http, "wc_" + "x" * 43).call("GET", f"/{uuid4()}")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "x-acme-api-key"
    assert set(answer.json()) == {"status", "error", "message", "errors"}
    assert acme.http.get("/v1/b2c/orders").status_code == 401


def test_a_key_without_the_scope_is_refused(acme: Acme, intake: Intake) -> None:
    reader = Acme(acme.http, intake.new_key("orders.read", tenant="box-office"))

    assert reader.call("POST", "", simple()).status_code == 403


def test_a_call_names_its_tenant(acme: Acme) -> None:
    answer = acme.http.get("/v1/b2c/orders", headers={"x-acme-api-key": acme.key})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "x-b2c-tenant-id"


def test_an_undocumented_field_is_refused_by_name(acme: Acme, worker: object) -> None:
    answer = acme.call("POST", "", simple(orderItems=[item(colour="red")], loyalty=1))

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"loyalty", "orderItems.0.colour"}


def test_a_rejection_names_acmes_fields(acme: Acme, worker: object) -> None:
    def errors(words: object) -> list[tuple[str, str | None]]:
        answer = acme.call("POST", "", words)
        assert 400 <= answer.status_code < 500, answer.text
        return [(error["code"], error["field"]) for error in answer.json()["errors"]]

    assert errors(simple(email="nobody")) == [("invalid", "email")]
    assert errors(simple(orderItems=[])) == [("invalid", "orderItems")]
    assert errors(simple(orderItems=[{"quantity": 1}])) == [("invalid", "orderItems.0.ticketingTypeId")]
    assert errors(simple(orderItems=[{"ticketingTypeId": STANDING}])) == [
        ("invalid", "orderItems.0.quantity")
    ]
    assert errors(simple(orderItems=[item(quantity=0), item(quantity=1_000_000)])) == [
        ("invalid", "orderItems.1.quantity")
    ]
    unknown = [item(quantity=0), item(ticketingTypeId="nothing")]
    assert errors(simple(orderItems=unknown)) == [("unknown_ticket_class", "orderItems.1.ticketingTypeId")]
    assert errors(simple(orderItems=[item(eventId="free-event")])) == [
        ("unknown_ticket_class", "orderItems.0.eventId")
    ]
    assert errors(simple(orderItems=[item(unitPrice="45.505")])) == [
        ("too_many_decimals", "orderItems.0.unitPrice")
    ]
    assert errors(simple(ccLastFourDigits="4242424242424242")) == [("invalid", "ccLastFourDigits")]
    assert errors(simple(saleChannel="carrier pigeon")) == [("invalid", "saleChannel")]
    assert errors(simple(visitorId=True)) == [("invalid", "visitorId")]
    assert errors(simple(idempotency_key="x")) == [("invalid", None)]


def test_a_key_that_may_not_set_prices_is_held_to_the_catalogue(
    acme: Acme, intake: Intake, worker: object
) -> None:
    held = Acme(acme.http, intake.new_key("orders.create", "orders.read", tenant="box-office"))

    answer = held.call("POST", "", simple(orderItems=[item(unitPrice=1)]))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "orderItems.0.unitPrice"
    assert held.create(simple(orderItems=[item(unitPrice=45.5)]))


def test_deleting_answers_the_order_as_it_was_and_twice_is_harmless(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple(paidAmount="50"))
    before = acme.get(id_)

    first, second = acme.delete(id_), acme.delete(id_)

    assert first == second == before
    assert acme.canonical(id_)["status"] == "cancelled"
    assert acme.canonical(id_)["totals"]["balance"] == "-50.00"


def test_without_a_worker_the_call_is_accepted(acme: Acme) -> None:
    calls = [
        acme.call("POST", "", simple(), prefer="wait=0"),
        acme.call("PUT", f"/{uuid4()}", simple(), prefer="wait=0"),
        acme.call("DELETE", f"/{uuid4()}", prefer="wait=1"),
    ]

    assert [answer.status_code for answer in calls] == [202] * 3
    assert calls[2].headers["retry-after"]
    where = calls[0].headers["location"]
    headers = {"authorization": f"Bearer {acme.key}"}
    assert acme.http.get(where, headers=headers).json()["status"] == "pending"


def test_an_order_that_is_not_there_is_not_found(acme: Acme, worker: object) -> None:
    answers = [
        acme.call("GET", "/nothing"),
        acme.call("GET", f"/{uuid4()}"),
        acme.call("PUT", f"/{uuid4()}", simple()),
        acme.call("DELETE", "/nothing"),
        acme.call("GET", "/event/nothing"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert {answer.json()["error"] for answer in answers} == {"Not Found"}


def test_a_body_of_another_order_than_the_path_is_refused(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())

    assert acme.call("PUT", f"/{id_}", simple(id=str(uuid4()))).status_code == 422
    assert acme.put(id_, simple(id=id_))["id"] == id_


def test_numbers_are_exact(acme: Acme, worker: object) -> None:
    answer = acme.call("POST", "", simple(orderItems=[item(quantity=1, unitPrice=45.1)]))
    text = acme.call("GET", f"/{answer.json()}").text

    assert '"unitPrice":45.1,' in text
    headers = {"x-acme-api-key": acme.key, "x-b2c-tenant-id": "t-1", "content-type": "application/json"}
    endless = acme.http.post("/v1/b2c/orders", content='{"paidAmount": 1e999999999}', headers=headers)
    assert endless.status_code == 400


def test_an_order_is_listed_under_its_event(acme: Acme, worker: object) -> None:
    id_ = acme.create(simple())
    shown = read(acme.call("GET", f"/event/{EVENT}"))

    assert shown[0]["id"] == id_
    assert order_of(acme.call("GET", f"/{id_}")) == shown[0]
