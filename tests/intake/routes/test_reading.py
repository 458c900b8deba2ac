"""Orders and requests are read back by their own tenant, and by nobody else."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from db.ids import new_id
from tests.intakes import Intake, Worker

Order = Callable[..., dict[str, Any]]
WAIT = {"prefer": "wait=30"}


@pytest.fixture
def placed(client: httpx.Client, worker: Worker, order: Order) -> dict[str, Any]:
    """Return an order that was placed just now, its buyer unlike any other."""
    buyer = {"first_name": "Jo", "last_name": "Doe", "email": f"{uuid4().hex}@example.com"}
    answer = client.post("/v1/orders", json=order(buyer=buyer), headers=WAIT)
    assert answer.status_code == 201
    words: dict[str, Any] = answer.json()
    return words


def listed(client: httpx.Client, **parameters: Any) -> list[str]:
    answer = client.get("/v1/orders", params=parameters)
    assert answer.status_code == 200
    return [one["id"] for one in answer.json()["items"]]


def test_an_order_has_its_version_as_entity_tag(client: httpx.Client, placed: dict[str, Any]) -> None:
    answer = client.get(f"/v1/orders/{placed['id']}")

    assert answer.status_code == 200
    assert answer.json() == placed
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize(("tag", "status"), [('"1"', 304), ('W/"1"', 304), ('"0", "1"', 304), ('"2"', 200)])
def test_a_known_version_is_not_sent_again(
    client: httpx.Client, placed: dict[str, Any], tag: str, status: int
) -> None:
    answer = client.get(f"/v1/orders/{placed['id']}", headers={"if-none-match": tag})

    assert answer.status_code == status
    assert answer.headers["etag"] == '"1"'


def test_another_tenant_finds_neither_order_nor_request(
    intake: Intake, client: httpx.Client, placed: dict[str, Any]
) -> None:
    request_id = request_of(intake, placed["id"])

    with intake.client(tenant="other") as other:
        assert other.get(f"/v1/orders/{placed['id']}").status_code == 404
        assert other.get(f"/v1/requests/{request_id}").status_code == 404
        assert listed(other, email=placed["buyer"]["email"]) == []
        assert {order["tenant"] for order in other.get("/v1/orders").json()["items"]} <= {"other"}
    assert client.get(f"/v1/requests/{request_id}").status_code == 200


def request_of(intake: Any, order_id: str) -> UUID:
    with intake.engine.connect() as connection:
        query = "SELECT id FROM requests WHERE order_id = %s"
        request_id: UUID = connection.exec_driver_sql(query, (order_id,)).scalar_one()
        return request_id


@pytest.mark.parametrize(
    "id_",
    ["1", "x" * 36, "018f3f6e-0000-7000-8000-000000000000", "%00", "{018f3f6e-0000-7000-8000-000000000000}"],
)
def test_what_is_no_order_is_not_found(client: httpx.Client, id_: str) -> None:
    answer = client.get(f"/v1/orders/{id_}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_list_is_restricted_by_each_parameter(client: httpx.Client, placed: dict[str, Any]) -> None:
    mine = {"email": placed["buyer"]["email"]}
    moment = datetime.fromisoformat(placed["updated_at"])

    assert listed(client, **mine) == [placed["id"]]
    assert listed(client, **mine, event_id="concert", status="placed") == [placed["id"]]
    assert listed(client, **mine, event_id="another") == []
    assert listed(client, **mine, status="refunded") == []
    assert listed(client, **mine, updated_since=moment.isoformat()) == [placed["id"]]
    assert listed(client, **mine, updated_since=(moment + timedelta(seconds=1)).isoformat()) == []


def test_an_empty_parameter_restricts_nothing(client: httpx.Client, placed: dict[str, Any]) -> None:
    parameters = dict.fromkeys(["event_id", "status", "updated_since", "cursor", "limit"], "")

    assert listed(client, email=placed["buyer"]["email"], **parameters) == [placed["id"]]


def test_pages_follow_each_other_newest_first(client: httpx.Client, worker: Worker, order: Order) -> None:
    buyer = {"first_name": "Jo", "last_name": "Doe", "email": f"{uuid4().hex}@example.com"}
    client.post("/v1/orders", json=[order(buyer=buyer) for _ in range(5)], headers=WAIT)

    first = client.get("/v1/orders", params={"email": buyer["email"], "limit": 2}).json()
    second = client.get(
        "/v1/orders", params={"email": buyer["email"], "limit": 3, "cursor": first["next_cursor"]}
    ).json()

    ids = [one["id"] for page in (first, second) for one in page["items"]]
    assert len(set(ids)) == 5
    assert ids == sorted(ids, reverse=True)
    assert second["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["x", "ü", "AAAA", "A" * 200, "%%%"])
def test_a_cursor_that_no_page_gave_is_refused(client: httpx.Client, cursor: str) -> None:
    answer = client.get("/v1/orders", params={"cursor": cursor})

    assert answer.status_code == 400
    assert [(one["code"], one["field"]) for one in answer.json()["errors"]] == [("invalid", "cursor")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "many"),
        ("status", "lost"),
        ("updated_since", "yesterday"),
        ("updated_since", "2027-01-01T00:00:00"),
        ("event_id", "a\x00b"),
        ("email", "a\x00b"),
        ("email", "x" * 300),
        ("cursor", "A" * 201),
    ],
)
def test_a_wrong_parameter_is_named(client: httpx.Client, name: str, value: str) -> None:
    answer = client.get("/v1/orders", params={name: value})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [(one["code"], one["field"]) for one in answer.json()["errors"]] == [("invalid", name)]


def test_a_request_is_pending_until_it_is_processed(
    client: httpx.Client, intake: Intake, order: Order
) -> None:
    status_url = client.post("/v1/orders", json=order()).json()["status_url"]

    answer = client.get(status_url)
    assert answer.status_code == 200
    assert answer.json() == {
        "request_id": status_url.rpartition("/")[2],
        "status": "pending",
        "order_id": None,
        "errors": [],
    }


def test_a_processed_and_a_rejected_request_tell_what_became_of_them(
    client: httpx.Client, worker: Worker, order: Order
) -> None:
    good, bad = client.post("/v1/orders", json=[order(), order(event_id="nowhere")], headers=WAIT).json()

    processed = client.get(f"/v1/requests/{good['request_id']}").json()
    rejected = client.get(f"/v1/requests/{bad['request_id']}").json()
    assert (processed["status"], processed["errors"]) == ("processed", [])
    assert client.get(f"/v1/orders/{processed['order_id']}").status_code == 200
    assert (rejected["status"], rejected["order_id"]) == ("rejected", None)
    assert [set(one) for one in rejected["errors"]] == [{"code", "field", "message"}]


def version_7(age_seconds: float) -> UUID:
    made_at = int((time.time() - age_seconds) * 1000)
    return UUID(int=(made_at << 80) | (new_id().int & ((1 << 80) - 1)))


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (new_id, 200),
        (lambda: version_7(age_seconds=23 * 3600), 200),
        (lambda: version_7(age_seconds=25 * 3600), 404),
        (lambda: version_7(age_seconds=-3600), 404),
        (uuid4, 404),
        (lambda: "nonsense", 404),
    ],
    ids=["new", "of today", "of yesterday", "of the future", "random", "none"],
)
def test_an_id_of_which_nothing_is_known_is_pending_for_a_day(
    client: httpx.Client, make: Any, status: int
) -> None:
    assert client.get(f"/v1/requests/{make()}").status_code == status
