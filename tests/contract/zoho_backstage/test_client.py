"""A client of Zoho Backstage, pointed at Willcall: what it sends, and what it gets."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tests.contract.conftest import canonical
from tests.contract.messages import recorded, shape_of
from tests.contract.zoho_backstage.client import create, path, placed, sample, show, tickets, words_of
from tests.intakes import Intake

pytestmark = pytest.mark.usefixtures("worker")

_OPEN_HOUSE = path(event="free-event")


def _like(answer: Any, documented: Any) -> Any:
    """Return the documented shape, with a type of ours where the sample shows null."""
    if isinstance(documented, dict) and isinstance(answer, dict):
        return {name: _like(answer.get(name), value) for name, value in documented.items()}
    if isinstance(documented, list) and isinstance(answer, list):
        return [_like(one, documented[0]) for one in answer]
    return answer if documented == "NoneType" else documented


def _shapes(words: Any) -> Any:
    """Return the keys recursively with the names of the types; of all items of a list."""
    if isinstance(words, dict):
        return {name: _shapes(value) for name, value in words.items()}
    return [_shapes(one) for one in words] if isinstance(words, list) else shape_of(words)


@pytest.mark.parametrize("to", [path(), _OPEN_HOUSE], ids=["taxed", "like the sample"])
def test_the_answer_has_exactly_the_documented_fields_of_the_documented_types(
    caller: httpx.Client, key: str, to: str
) -> None:
    payload = sample() if to == path() else sample(tickets=tickets("10"))
    answer = _shapes(placed(create(caller, key, payload, to)))
    documented = _shapes(recorded("zoho_backstage/create_order_answer.json"))
    assert answer == _like(answer, documented)
    assert {answer["cost"][name] for name in ("tax_name", "promo_code")} <= {"NoneType", "str"}
    assert answer["cost"]["discount_applied"] in ("NoneType", "number")


def test_the_samples_numbers_are_answered(caller: httpx.Client, key: str) -> None:
    order = placed(create(caller, key, sample(tickets=tickets("10")), _OPEN_HOUSE))
    documented = recorded("zoho_backstage/create_order_answer.json")
    same = (
        "status status_string payment_type payment_type_string payment_option_name source source_string"
        " refund_policy origin origin_string payment_status payment_status_string cost"
    )
    for name in same.split():
        assert order[name] == documented[name], name
    of_ticket = (
        "base_price discount service_fee tax total promo_code discount_applied status status_string"
        " payment_status payment_status_string issue_ticket"
    )
    for name in of_ticket.split():
        assert order["tickets"][0][name] == documented["tickets"][0][name], name


def test_money_is_a_number_written_exactly(caller: httpx.Client, key: str) -> None:
    answer = create(caller, key, sample())
    assert '"cost":{"sub_total":91,"discount":0,"service_fee":0,"tax":17.29,"tax_percent":19,' in answer.text
    assert '"base_price":45.5,"discount":0,"service_fee":0,"tax":8.65,"total":54.15,' in answer.text
    assert '"base_price":45.5,"discount":0,"service_fee":0,"tax":8.64,"total":54.14,' in answer.text


def test_every_documented_field_of_the_request_is_kept_and_answered(caller: httpx.Client, key: str) -> None:
    order = placed(create(caller, key, sample()))
    kept = canonical(caller, key, limit=1)[0]

    assert kept["buyer"] == {
        "first_name": "sam",
        "last_name": "peter",
        "email": "sam@zoho.com",
        "company": "ZOHO",
        "phone": "9988776655",
    }
    assert kept["billing_address"] == {
        "name": "Trader",
        "line_1": "123, Estancia IT Park",
        "line_2": "Cyber Lane,",
        "city": "San Francisco",
        "state": "California",
        "country": "USA",
        "postal_code": "94000",
    }
    assert kept["event_id"] == "2000000116588"
    assert [(line["ticket_class_id"], line["quantity"]) for line in kept["line_items"]] == [
        ("3000000012232", 2)
    ]
    assert [ticket["attendee"]["email"] for ticket in kept["tickets"]] == ["sam@zoho.com", "peter@zoho.com"]
    assert (order["id"], order["order_by"]) == (str(kept["number"]), "sam@zoho.com")
    assert order["contact"] == {
        "purchaser_first_name": "sam",
        "purchaser_last_name": "peter",
        "purchaser_email": "sam@zoho.com",
        "purchaser_mobile_no": "9988776655",
    }
    assert order["billing_address"] == {
        "name": "Trader",
        "streetAddress1": "123, Estancia IT Park",
        "streetAddress2": "Cyber Lane,",
        "city": "San Francisco",
        "state": "California",
        "country": "USA",
        "zipcode": "94000",
    }
    first, second = order["tickets"]
    assert first["contact"] == {
        "first_name": "sam",
        "company_name": "ZOHO",
        "email": "sam@zoho.com",
        "designation": "",
        "mobile_no": "9988776655",
        "last_name": "peter",
    }
    assert (second["contact"]["first_name"], second["contact"]["company_name"]) == ("peter", "")
    assert (first["ticket_name"], first["ticket_class_id"]) == ("Sample Ticket", "3000000012232")
    assert [first["id"], second["id"]] == [str(kept["number"] * 1_000_000 + place) for place in (1, 2)]


def test_the_billing_address_may_stand_nested_beside_or_equal_in_both_places(
    caller: httpx.Client, key: str
) -> None:
    nested = sample()
    address = nested["buyer_details"]["billing_address"]
    buyer = {name: value for name, value in nested["buyer_details"].items() if name != "billing_address"}
    both = sample(billing_address=address)
    beside = sample(buyer_details=buyer, billing_address=address)
    answers = [placed(create(caller, key, payload))["billing_address"] for payload in (nested, beside, both)]
    assert answers[0]["name"] == "Trader"
    assert answers == [answers[0]] * 3


def test_what_the_vendor_does_not_require_may_be_left_out(caller: httpx.Client, key: str) -> None:
    payload = {
        "buyer_details": {"purchaser_email": "sam@example.com", "purchaser_first_name": None},
        "tickets": [{"ticketclass_id": 3000000012232}, {"ticketclass_id": "3000000012232", "data": {}}],
    }
    order = placed(create(caller, key, payload))
    assert set(order["billing_address"].values()) == {""}
    assert [set(ticket["contact"].values()) for ticket in order["tickets"]] == [{""}, {""}]


def test_tickets_are_answered_in_the_order_of_the_call(caller: httpx.Client, key: str) -> None:
    classes = ["10", "0", "0", "10", "0"]
    order = placed(create(caller, key, sample(tickets=tickets(*classes)), _OPEN_HOUSE))
    kept = canonical(caller, key, limit=1)[0]

    assert [ticket["ticket_class_id"] for ticket in order["tickets"]] == classes
    assert [ticket["contact"]["first_name"] for ticket in order["tickets"]] == ["0", "1", "2", "3", "4"]
    assert [(line["ticket_class_id"], line["quantity"]) for line in kept["line_items"]] == [
        ("10", 2),
        ("0", 3),
    ]
    assert [ticket["total"] for ticket in order["tickets"]] == [10, 0, 0, 10, 0]
    assert show(caller, key, order["id"], _OPEN_HOUSE) == order


def test_a_free_order_is_paid_from_the_start(caller: httpx.Client, key: str) -> None:
    order = placed(create(caller, key, sample(tickets=tickets("0")), _OPEN_HOUSE))
    assert (order["cost"]["total"], order["payment_status_string"]) == (0, "paid")
    assert (order["payment_type"], order["payment_type_string"]) == (8, "complimentary")
    assert order["tickets"][0]["issue_ticket"] is True
    assert canonical(caller, key, limit=1)[0]["payments"] == []


def test_the_event_may_be_named_by_its_uuid(caller: httpx.Client, key: str, intake: Intake) -> None:
    with intake.engine.connect() as connection:
        query = """SELECT e.id FROM events e JOIN tenants t ON t.id = e.tenant_id
            WHERE e.external_id = '2000000116588' AND t.name = 'box-office'"""
        event_id = connection.scalars(text(query)).one()
    to = path(event=str(event_id))
    order = placed(create(caller, key, sample(), to))
    assert canonical(caller, key, limit=1)[0]["event_id"] == "2000000116588"
    assert show(caller, key, order["id"], to) == show(caller, key, order["id"])


def test_who_created_and_who_changed_an_order_are_the_numbers_of_their_keys(
    caller: httpx.Client, key: str, intake: Intake
) -> None:
    created = placed(create(caller, key, sample()))
    order = canonical(caller, key, limit=1)[0]
    other = {"authorization": f"Bearer {intake.new_key('orders.update', tenant='box-office')}"}
    patch = {"reference": "PO-7"}
    headers = other | {"prefer": "wait=30"}
    assert caller.patch(f"/v1/orders/{order['id']}", json=patch, headers=headers).status_code == 200
    changed = show(caller, key, created["id"])
    history = caller.get(f"/v1/orders/{order['id']}/history", headers={"authorization": f"Bearer {key}"})
    by = [str(int(UUID(entry["by"]).hex[:16], 16)) for entry in history.json()["items"]]

    assert [created["created_by"]["id"], created["last_modified_by"]["id"]] == [by[0], by[0]]
    assert [changed["created_by"]["id"], changed["last_modified_by"]["id"]] == by
    assert [changed["tickets"][0][name]["id"] for name in ("created_by", "last_modified_by")] == [by[0]] * 2
    assert created["created_by"] == {
        "id": by[0],
        "email": "office@example.com",
        "first_name": "Box Office",
        "company": "Box Office Ltd",
        "designation": "",
    }


def test_the_same_idempotency_key_is_the_same_order(caller: httpx.Client, key: str) -> None:
    name = {"idempotency-key": f"shop-{key[-8:]}"}
    first, again = (placed(create(caller, key, sample(), **name)) for _ in range(2))
    other = create(caller, key, sample(tickets=tickets("3000000012233")), **name)
    assert again == first
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")


def test_an_order_is_shown_by_its_number_and_by_its_id(caller: httpx.Client, key: str) -> None:
    order = placed(create(caller, key, sample()))
    id_ = canonical(caller, key, limit=1)[0]["id"]
    assert show(caller, key, order["id"]) == show(caller, key, id_) == order


@pytest.mark.parametrize(
    ("at", "order"),
    [(_OPEN_HOUSE, None), (path(event="none"), None), (path(), "999999999"), (path(), "none")],
)
def test_an_order_is_not_shown_below_another_event(
    caller: httpx.Client, key: str, at: str, order: str | None
) -> None:
    number = order or placed(create(caller, key, sample()))["id"]
    answer = caller.get(f"{at}/{number}", headers={"authorization": f"Zoho-oauthtoken {key}"})
    assert (answer.status_code, words_of(answer)["code"]) == (404, "NOT_FOUND")


@pytest.mark.usefixtures("worker")
def test_only_what_the_document_requires_is_required(caller: httpx.Client, key: str) -> None:
    order = placed(
        create(caller, key, {"buyer_details": {}, "tickets": [{"ticketclass_id": "3000000012232"}]})
    )

    assert (order["order_by"], order["contact"]["purchaser_email"]) == ("", "")
    assert canonical(caller, key, limit=1)[0]["buyer"]["email"] is None


def test_who_got_no_answer_in_time_asks_with_the_same_credentials(caller: httpx.Client, key: str) -> None:
    answer = create(caller, key, sample(), prefer="wait=0")
    assert answer.status_code == 202

    headers = {"authorization": f"Zoho-oauthtoken {key}"}
    status = caller.get(answer.headers["location"], headers=headers)

    assert (status.status_code, status.json()["status"]) == (200, "pending")
