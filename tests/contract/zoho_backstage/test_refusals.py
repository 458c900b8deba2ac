"""What a client of Zoho Backstage is refused, in the one shape of errors, by the names of its own fields."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.contract.zoho_backstage.client import create, details, path, sample, tickets
from tests.intakes import Intake

_SMALL = path("777", "small")


@pytest.fixture
def small(intake: Intake) -> str:
    """Load an event with one ticket of one class and plenty of another; return a key of its tenant."""
    event = {
        "id": "small",
        "name": "Small",
        "starts_at": "2027-04-11T19:00:00+02:00",
        "ends_at": "2027-04-11T23:00:00+02:00",
        "on_sale_until": "2099-12-31T00:00:00+00:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": [
            {"id": "rare", "name": "Rare", "price": "9.00", "capacity": 1},
            {"id": "plenty", "name": "Plenty", "price": "9.00", "capacity": 10_000},
        ],
    }
    words = {"tenant": "small-house", "aliases": {"zoho_backstage": ["777"]}, "events": [event]}
    load_catalogue(intake.engine, Catalogue.model_validate(words), now=datetime.now(UTC))
    return intake.new_key("orders.create", tenant="small-house")


@pytest.mark.usefixtures("worker")
def test_what_is_sold_out_names_all_its_tickets(caller: httpx.Client, small: str) -> None:
    answer = create(caller, small, sample(tickets=tickets("plenty", "rare", "plenty", "rare")), _SMALL)
    assert (answer.status_code, answer.json()["code"]) == (422, "SOLD_OUT")
    assert details(answer) == [("sold_out", "tickets.1"), ("sold_out", "tickets.3")]


@pytest.mark.usefixtures("worker")
def test_no_more_than_twenty_mistakes_are_told(caller: httpx.Client, small: str) -> None:
    answer = create(caller, small, sample(tickets=tickets(*["rare"] * 30)), _SMALL)
    assert details(answer) == [("sold_out", f"tickets.{place}") for place in range(20)]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("class_id", ["none", "10"])
def test_a_class_that_the_event_does_not_have_is_refused(
    caller: httpx.Client, key: str, class_id: str
) -> None:
    answer = create(caller, key, sample(tickets=tickets("3000000012232", class_id)))
    assert (answer.status_code, answer.json()["code"]) == (422, "UNKNOWN_TICKET_CLASS")
    assert details(answer) == [("unknown_ticket_class", "tickets.1.ticketclass_id")]


@pytest.mark.usefixtures("worker")
def test_an_event_that_is_not_there_is_not_found(caller: httpx.Client, key: str) -> None:
    answer = create(caller, key, sample(), path(event="none"))
    assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_EVENT")
    assert details(answer) == [("unknown_event", "event_id")]


def test_another_portal_is_not_found(caller: httpx.Client, key: str, intake: Intake) -> None:
    for portal in ("777", "t-1", "box-office", "1"):
        answer = create(caller, key, sample(), path(portal))
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert intake.take_requests() == []


_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"surprise": 1}, "surprise"),
    ({"tickets": [{"ticketclass_id": "10", "seat": "1"}]}, "tickets.0.seat"),
    ({"tickets": [{"ticketclass_id": "10", "data": {"phone": "1"}}]}, "tickets.0.data.phone"),
    ({"tickets": [{"ticketclass_id": "10", "data": {"email": "no"}}]}, "tickets.0.data.email"),
    ({"tickets": [{"data": {}}]}, "tickets.0.ticketclass_id"),
    ({"tickets": []}, "tickets"),
    ({"tickets": tickets(*["10"] * 1_001)}, "tickets"),
    ({"buyer_details": {"purchaser_email": "sam"}}, "buyer_details.purchaser_email"),
    (
        {"buyer_details": {"purchaser_email": "s@zoho.com", "purchaser_fax": "1"}},
        "buyer_details.purchaser_fax",
    ),
    ({"billing_address": {"billing_city": "Paris"}}, "billing_address.billing_city"),
    ({"tickets": [{"ticketclass_id": " "}]}, "tickets.0.ticketclass_id"),
    ({"tickets": [{"ticketclass_id": "10", "issue_ticket": False}]}, "tickets.0.issue_ticket"),
    ({"payment_type": 1}, "payment_type"),
    ({"surprise": None}, "surprise"),
    ({"surprise": ""}, "surprise"),
    ({"billing_address": {"city": "Paris"}}, "billing_address.city"),
    ({"line_items": []}, "line_items"),
]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(("changes", "field"), _MISTAKES)
def test_what_the_vendor_does_not_document_is_refused_by_its_name(
    caller: httpx.Client, key: str, changes: dict[str, Any], field: str
) -> None:
    answer = create(caller, key, sample(**changes))
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID"), answer.text
    assert details(answer) == [("invalid", field)]


@pytest.mark.usefixtures("worker")
def test_a_hundred_classes_are_as_many_as_an_order_has(caller: httpx.Client, key: str) -> None:
    answer = create(caller, key, sample(tickets=tickets(*map(str, range(101)))))
    assert (answer.status_code, details(answer)) == (422, [("invalid", "tickets")])


@pytest.mark.parametrize("name", ["portal_id", "event_id", "tenant", "by", "dialect", "may_set_price"])
def test_what_the_path_or_the_key_says_is_not_for_the_body(
    caller: httpx.Client, key: str, intake: Intake, name: str
) -> None:
    answer = create(caller, key, sample(**{name: "19593237"}))
    assert (answer.status_code, details(answer)) == (400, [("invalid", name)])
    assert intake.take_requests() == []


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 422), (b"7", 422), (b"", 400)])
def test_a_body_that_is_no_order_is_refused(caller: httpx.Client, key: str, body: bytes, status: int) -> None:
    headers = {"authorization": f"Zoho-oauthtoken {key}", "content-type": "application/json"}
    answer = caller.post(path(), content=body, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (status, "error")


@pytest.mark.parametrize("scheme", ["Bearer {}", "{}", "Zoho-oauthtoken", "Zoho-oauthtoken {}x", ""])
def test_another_scheme_or_key_is_unauthorized(caller: httpx.Client, key: str, scheme: str) -> None:
    answer = create(caller, key, sample(), authorization=scheme.format(key))
    assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_OAUTHTOKEN")
    assert answer.headers["www-authenticate"] == "Zoho-oauthtoken"


def test_a_key_without_the_scope_is_forbidden(caller: httpx.Client, key: str, intake: Intake) -> None:
    reader, writer = (intake.new_key(one, tenant="box-office") for one in ("orders.read", "orders.create"))
    answer = create(caller, reader, sample())
    assert (answer.status_code, answer.json()["code"]) == (403, "OAUTH_SCOPE_MISMATCH")
    shown = caller.get(f"{path()}/1", headers={"authorization": f"Zoho-oauthtoken {writer}"})
    assert (shown.status_code, shown.json()["code"]) == (403, "OAUTH_SCOPE_MISMATCH")


@pytest.mark.parametrize("wait", [0, 1])
def test_without_a_worker_the_order_is_accepted(
    caller: httpx.Client, key: str, intake: Intake, wait: int
) -> None:
    answer = create(caller, key, sample(), prefer=f"wait={wait}")
    accepted = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == accepted["status_url"] == f"/v1/requests/{accepted['request_id']}"
    assert answer.headers["retry-after"] == "1"
    (request,) = intake.take_requests()
    assert {name: request[name] for name in ("dialect", "tenant", "portal_id", "event_id")} == {
        "dialect": "zoho_backstage",
        "tenant": "box-office",
        "portal_id": "19593237",
        "event_id": "2000000116588",
    }
