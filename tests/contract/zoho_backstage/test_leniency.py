"""What clients of Zoho Backstage write loosely, and what is meant by it."""

from itertools import combinations
from typing import Any

import httpx
import pytest

from tests.contract.conftest import canonical
from tests.contract.zoho_backstage.client import (
    create,
    details,
    path,
    placed,
    sample,
    show,
    tickets,
    words_of,
)

pytestmark = pytest.mark.usefixtures("worker")

_OPEN_HOUSE = path(event="free-event")

_BUYER = sample()["buyer_details"]
_ADDRESS = _BUYER["billing_address"]
_IN_BUYER = ("purchaser_first_name", "purchaser_last_name", "purchaser_email", "purchaser_company")
_IN_DATA = ("first_name", "last_name", "email", "company_name", "designation", "mobile_no")


def _without(words: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in words.items() if name not in names}


def _payload(place: str, name: str, **value: Any) -> dict[str, Any]:
    """Return the sample with this value of a field, or without the field."""
    order = sample()
    parts = {
        "buyer": order["buyer_details"],
        "address": order["buyer_details"]["billing_address"],
        "data": order["tickets"][0]["data"],
    }
    del order["tickets"][1:]
    parts[place].pop(name, None)
    if "value" in value:
        parts[place][name] = value["value"]
    return order


_TEXTS = [
    *(("buyer", name) for name in (*_IN_BUYER, "purchaser_mobile_no")),
    *(("address", name) for name in _ADDRESS),
    *(("data", name) for name in _IN_DATA),
]


@pytest.mark.parametrize(("place", "name"), _TEXTS)
def test_blank_text_is_as_a_field_that_is_left_out(
    caller: httpx.Client, key: str, place: str, name: str
) -> None:
    # Payload Parameters: but for the class of a ticket no text is required, and forms send all they have.
    for value in ("", "  \t", None):
        placed(create(caller, key, _payload(place, name, value=value)))
    placed(create(caller, key, _payload(place, name)))

    found = canonical(caller, key, limit=4)
    told = [
        (one["buyer"], one["billing_address"], one["tickets"][0]["attendee"], one["extras"]) for one in found
    ]
    assert told == [told[-1]] * 4


@pytest.mark.parametrize("blank", ["", " ", None])
def test_a_part_that_is_blank_is_as_one_that_is_left_out(
    caller: httpx.Client, key: str, blank: str | None
) -> None:
    buyer = {"purchaser_email": "sam@example.com", "billing_address": blank}
    ticket = {"ticketclass_id": "3000000012232", "data": blank}
    placed(create(caller, key, {"buyer_details": buyer, "billing_address": blank, "tickets": [ticket]}))

    order = canonical(caller, key, limit=1)[0]
    assert (order["billing_address"], order["tickets"][0]["attendee"]) == (None, None)


@pytest.mark.parametrize("blank", ["", None])
def test_what_is_required_is_missed_by_its_name_where_it_is_blank(
    caller: httpx.Client, key: str, blank: str | None
) -> None:
    answer = create(caller, key, {"buyer_details": blank, "tickets": blank})

    assert details(answer) == [("invalid", "buyer_details"), ("invalid", "tickets")]


@pytest.mark.parametrize("beside", [set(some) for some in combinations(sorted(_ADDRESS), 3)][:8])
def test_a_billing_address_in_both_places_is_put_together(
    caller: httpx.Client, key: str, beside: set[str]
) -> None:
    # The document's text has the address beside the buyer's details, its sample inside: neither is wrong.
    nested = _without(_ADDRESS, *beside) | {"billing_city": _ADDRESS["billing_city"]}
    blank = dict.fromkeys(beside - {"billing_city"}, " ")
    order = placed(
        create(
            caller,
            key,
            sample(
                buyer_details=_BUYER | {"billing_address": nested | blank},
                billing_address={name: _ADDRESS[name] for name in beside},
            ),
        )
    )

    assert order["billing_address"] == placed(create(caller, key, sample()))["billing_address"]


@pytest.mark.parametrize("name", sorted(_ADDRESS))
def test_a_field_that_both_places_say_differently_is_refused_by_its_name(
    caller: httpx.Client, key: str, name: str
) -> None:
    same = next(one for one in _ADDRESS if one != name)
    beside = {name: "another", same: _ADDRESS[same]}
    answer = create(caller, key, sample(billing_address=beside))

    assert answer.status_code == 422
    assert details(answer) == [("invalid", f"billing_address.{name}")]


def test_ids_of_tickets_are_digits_and_stay_as_they_are(caller: httpx.Client, key: str) -> None:
    # The sample's ticket is 789000000021883791: the number of its order, and its place.
    order = placed(create(caller, key, sample(tickets=tickets("10", "0", "10")), _OPEN_HOUSE))
    ids = [ticket["id"] for ticket in order["tickets"]]
    assert all(id_.isdecimal() and int(id_) < 2**63 and id_.startswith(order["id"]) for id_ in ids)
    assert len(set(ids)) == 3

    line = {"line_number": 1, "ticket_class_id": "10", "quantity": 4}
    other = {"line_number": 2, "ticket_class_id": "0", "quantity": 1}
    headers = {"authorization": f"Bearer {key}", "prefer": "wait=30"}
    id_ = canonical(caller, key, limit=1)[0]["id"]
    changed = caller.patch(f"/v1/orders/{id_}", json={"line_items": [line, other]}, headers=headers)
    assert changed.status_code == 200, changed.text

    after = [ticket["id"] for ticket in show(caller, key, order["id"], _OPEN_HOUSE)["tickets"]]
    assert after[:3] == ids
    assert len(set(after)) == 5


def test_a_free_order_is_complimentary_and_has_no_payment(caller: httpx.Client, key: str) -> None:
    # payment_type: "online, bank transfer, complimentary, or transaction API".
    order = placed(create(caller, key, sample(tickets=tickets("0", "0")), _OPEN_HOUSE))
    kept = canonical(caller, key, limit=1)[0]
    assert [order[name] for name in ("payment_type", "payment_type_string", "payment_option_name")] == [
        8,
        "complimentary",
        "Complimentary",
    ]
    assert (kept["payments"], kept["payment_status"]) == ([], "paid")

    headers = {"authorization": f"Bearer {key}", "prefer": "wait=30"}
    assert caller.post(f"/v1/orders/{kept['id']}/cancel", json={}, headers=headers).status_code == 200
    assert show(caller, key, order["id"], _OPEN_HOUSE)["payment_type"] == 8


def test_an_order_of_which_something_costs_is_paid_by_the_call(caller: httpx.Client, key: str) -> None:
    order = placed(create(caller, key, sample(tickets=tickets("0", "10")), _OPEN_HOUSE))

    assert order["payment_type"] == 10
    assert [one["amount"] for one in canonical(caller, key, limit=1)[0]["payments"]] == ["10.00"]


def test_ids_may_be_numbers_however_they_are_written(caller: httpx.Client, key: str) -> None:
    body = (
        b'{"buyer_details": {}, "tickets": [{"ticketclass_id": 3000000012232.0},'
        b' {"ticketclass_id": 3000000012232}, {"ticketclass_id": 3.000000012232e12}]}'
    )
    headers = {"authorization": f"Zoho-oauthtoken {key}", "content-type": "application/json"}
    order = placed(caller.post(path(), content=body, headers=headers))

    assert {ticket["ticket_class_id"] for ticket in order["tickets"]} == {"3000000012232"}


def test_the_words_of_a_tickets_contact_are_taken_with_its_data(caller: httpx.Client, key: str) -> None:
    # Response Structure: the contact of a ticket has a company, a designation and a mobile number, too.
    data = {"first_name": "Ada", "company_name": "Engines", "designation": "Countess", "mobile_no": "1843"}
    classes = ["10", "0", "10"]
    said = tickets(*classes)
    said[2]["data"] = data
    order = placed(create(caller, key, sample(tickets=said), _OPEN_HOUSE))

    assert [ticket["ticket_class_id"] for ticket in order["tickets"]] == classes
    contact = order["tickets"][2]["contact"]
    assert {name: contact[name] for name in data} == data
    assert order["tickets"][0]["contact"]["designation"] == ""
    assert show(caller, key, order["id"], _OPEN_HOUSE) == order


def test_more_words_of_contacts_than_an_order_keeps_are_refused(caller: httpx.Client, key: str) -> None:
    data = dict.fromkeys(("company_name", "designation", "mobile_no"), "x" * 200)
    said = [{"ticketclass_id": "3000000012232", "data": data}] * 200
    answer = create(caller, key, sample(tickets=said))

    assert (answer.status_code, details(answer)) == (422, [("invalid", "tickets")])
    assert "64 KiB" in words_of(answer)["message"]
