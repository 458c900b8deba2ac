"""Lists of orders in ACME's words: by visitor, and by event."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from intake.dialects.acme import routes as routes
from orders.catalogue.loading import load_catalogue
from orders.reading.newest_orders import Customer, query_of
from schemas.catalogue import Catalogue
from tests.contract.acme.client import EVENT, PATH, Acme, item, order_of, read, simple
from tests.factories import make_event, make_ticket_class, rows
from tests.intakes import Intake
from vendors.acme.response_models import AnsweredOrder

_MANY_ORDERS = text("""
    INSERT INTO orders
    SELECT made.* FROM orders o, generate_series(1, 5000) AS n, jsonb_populate_record(o, jsonb_build_object(
        'id', gen_random_uuid(), 'number', nextval('order_numbers'),
        'buyer_email', 'b' || n, 'buyer_phone', n::text,
        'extras', jsonb_build_object('acme', jsonb_build_object('visitorId', n, 'tempVisitorId', n))
    )) AS made
    WHERE o.id = :id
""")


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


def listed(acme: Acme, path: str = "", **query: Any) -> list[str]:
    answer = acme.call("GET", path + (f"?{httpx.QueryParams(query)}" if query else ""))
    assert answer.status_code == 200, answer.text
    orders = read(answer)
    for order in orders:
        AnsweredOrder.model_validate(order)
    return [order["id"] for order in orders]


@pytest.mark.parametrize("name", ["visitorId", "tempVisitorId", "email", "phoneNumber"])
def test_orders_are_listed_by_each_filter_newest_first(acme: Acme, worker: object, name: str) -> None:
    value = f"{uuid4()}@example.com"
    first, second = acme.create(simple(**{name: value})), acme.create(simple(**{name: value}))
    acme.create(simple())

    assert listed(acme, **{name: value}) == [second, first]
    assert listed(acme, **{name: "nobody@example.com"}) == []


def test_a_visitor_with_a_number_is_found_by_it(acme: Acme, worker: object) -> None:
    number = uuid4().int >> 66
    id_ = acme.create(simple(visitorId=number))

    assert listed(acme, visitorId=number) == [id_]
    assert acme.get(id_)["visitorId"] == number


def test_filters_add_up(acme: Acme, worker: object) -> None:
    visitor = str(uuid4())
    one = acme.create(simple(visitorId=visitor, phoneNumber="1"))
    acme.create(simple(visitorId=visitor, phoneNumber="2"))

    assert listed(acme, visitorId=visitor, phoneNumber="1") == [one]
    assert len(listed(acme, visitorId=visitor, phoneNumber="")) == 2


def test_without_a_filter_the_list_is_empty(acme: Acme, worker: object) -> None:
    acme.create(simple())

    assert listed(acme) == listed(acme, email="") == []


def test_another_tenants_orders_are_not_listed(acme: Acme, intake: Intake, worker: object) -> None:
    headers = {"authorization": f"Bearer {intake.new_key('orders.create', tenant='other')}"}
    email = f"{uuid4()}@example.com"
    body = {
        "buyer": {"first_name": "", "last_name": "", "email": email},
        "line_items": [{"ticket_class_id": "standing", "quantity": 1}],
    }
    acme.http.post("/v1/orders", json=body, headers={**headers, "prefer": "wait=30"}).raise_for_status()

    assert listed(acme, email=email) == []
    assert acme.call("GET", "/event/concert").status_code == 404


def test_orders_of_an_event_are_listed_by_its_id_and_its_uuid(
    acme: Acme, intake: Intake, worker: object
) -> None:
    id_ = acme.create(simple(orderItems=[item(), item(ticketingTypeId="10")]))
    query = "SELECT id FROM events WHERE external_id = :id"
    ((event_id,),) = rows(intake.engine, query, id="free-event")

    assert listed(acme, f"/event/{EVENT}")[0] == id_
    assert listed(acme, "/event/free-event") == listed(acme, f"/event/{event_id}")
    assert listed(acme, f"/event/{event_id}")[0] == id_


def test_a_long_list_leads_on(acme: Acme, worker: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "MAX_LIST", 2)
    visitor = str(uuid4())
    ids = [acme.create(simple(visitorId=visitor)) for _ in range(5)]

    answer = acme.call("GET", f"?visitorId={visitor}")
    found = [order["id"] for order in read(answer)]
    while "link" in answer.headers:
        answer = acme.http.get(
            answer.headers["link"].partition(">")[0][1:],
            headers={"x-acme-api-key": acme.key, "x-b2c-tenant-id": "t-1"},
        )
        found += [order["id"] for order in read(answer)]

    assert found == ids[::-1]
    assert acme.call("GET", f"?visitorId={visitor}&cursor=nothing").status_code == 400


def test_a_long_list_of_an_event_leads_on_whatever_the_events_id_is(
    caller: httpx.Client, intake: Intake, worker: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MAX_LIST", 1)
    tenant, event = f"tenant-{uuid4()}", "花見 100% ?"
    catalogue = {
        "tenant": tenant,
        "aliases": {"acme": [tenant]},
        "events": [make_event(event, ticket_classes=[make_ticket_class("lawn")])],
    }
    load_catalogue(intake.engine, Catalogue.model_validate(catalogue), now=datetime.now(UTC))
    acme = Acme(caller, intake.new_key("orders.create", "orders.read", tenant=tenant), tenant)
    ids = [acme.create(simple(orderItems=[item(ticketingTypeId="lawn")])) for _ in range(2)]

    first = acme.call("GET", f"/event/{quote(event)}")
    link = first.headers["link"].partition(">")[0][1:]
    second = acme.call("GET", link.removeprefix(PATH))

    assert [order["id"] for answer in (first, second) for order in read(answer)] == ids[::-1]


def test_text_that_cannot_be_stored_finds_nothing(acme: Acme) -> None:
    assert listed(acme, visitorId="\0") == []
    assert acme.call("GET", "/event/%00").status_code == 404
    assert acme.call("GET", "/%00").status_code == 404


@pytest.mark.parametrize(
    ("customer", "index"),
    [
        (Customer(email="a@example.com"), "orders_buyer_email"),
        (Customer(phone="123"), "orders_buyer_phone"),
        (Customer(visitor_id="v"), "orders_acme_visitor"),
        (Customer(temp_visitor_id="t"), "orders_acme_temp_visitor"),
    ],
)
def test_each_filter_has_an_index(
    acme: Acme, intake: Intake, worker: object, customer: Customer, index: str
) -> None:
    id_ = acme.create(simple())
    parameters = {"before": UUID(int=2**128 - 1), "limit": 10, **customer.named()}
    with intake.engine.connect() as connection:
        connection.execute(_MANY_ORDERS, {"id": id_})
        connection.execute(text("ANALYZE orders"))
        tenant_id = connection.scalar(text("SELECT tenant_id FROM orders WHERE id = :id"), {"id": id_})
        plan = connection.execute(
            text(f"EXPLAIN {query_of(customer)}"), {**parameters, "tenant_id": tenant_id}
        )
        lines = "\n".join(row[0] for row in plan)
        connection.rollback()

    assert index in lines


def test_a_list_shows_what_a_single_order_shows(acme: Acme, worker: object) -> None:
    visitor = str(uuid4())
    id_ = acme.create(simple(visitorId=visitor))

    assert read(acme.call("GET", f"?visitorId={visitor}")) == [order_of(acme.call("GET", f"/{id_}"))]
