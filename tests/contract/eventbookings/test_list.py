"""The list of an event's orders: every parameter does what the document says."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.eventbookings.client import Client, attribute, connect, ids, tickets
from tests.intakes import Intake

EVENT = "free-event"
NAMES = [("Bob", "Young"), ("Ada", "Young"), ("Zoë", "Älg"), ("ann", "baker"), ("100%", "O_Neil")]


@pytest.fixture
def client(caller: httpx.Client, intake: Intake, key: str, worker: object) -> Client:
    return connect(caller, intake, key)


@pytest.fixture
def placed(client: Client) -> list[dict[str, Any]]:
    """Place orders of buyers whose e-mail addresses nobody else has."""
    mark = uuid4().hex
    return [
        client.place(
            ("10", 1),
            buyer={"first_name": first, "last_name": last, "email": f"{mark}.{number}@example.com"},
        )
        for number, (first, last) in enumerate(NAMES)
    ]


def mark_of(placed: list[dict[str, Any]]) -> str:
    email: str = placed[0]["buyer"]["email"]
    return email.partition(".")[0]


def listed(client: Client, placed: list[dict[str, Any]], **query: Any) -> list[str]:
    """Return the ids of the test's own orders, in the order of the list."""
    return ids(client.list(EVENT, search_q=mark_of(placed), **query))


def test_orders_come_in_the_order_that_was_asked_for(client: Client, placed: list[dict[str, Any]]) -> None:
    bob, ada, zoe, ann, neil = (order["id"] for order in placed)

    assert listed(client, placed, order_by="created_ascending") == [bob, ada, zoe, ann, neil]
    assert listed(client, placed, order_by="created_descending") == [neil, ann, zoe, ada, bob]
    assert listed(client, placed, order_by="starting") == [bob, ada, zoe, ann, neil]
    assert listed(client, placed, order_by="name_ascending") == [ann, neil, ada, bob, zoe]
    assert listed(client, placed, order_by="name_descending") == [zoe, bob, ada, neil, ann]
    assert listed(client, placed) == [neil, ann, zoe, ada, bob]


def test_the_event_is_named_by_either_id(client: Client, placed: list[dict[str, Any]]) -> None:
    order = client.order(placed[0]["id"])

    assert ids(client.list(order["event"]["uuid"])) == ids(client.list(EVENT))
    assert client.get(f"/events/{uuid4()}/orders").status_code == 404


def test_pages_follow_each_other_without_gap_or_repeat(client: Client) -> None:
    for _ in range(3):
        client.place(*[("10", 1)])
    first = client.list(EVENT, order_by="created_ascending", rows=100)
    records = int(first["pagination"]["records"])
    assert first["pagination"] == {
        "records": str(records),
        "position": "0",
        "rows": "100",
        "order_by": "created_ascending",
    }
    everything = ids(first)

    pages = [
        ids(client.list(EVENT, order_by="created_ascending", position=position, rows=20))
        for position in range(0, records, 20)
    ]

    assert [one for page in pages for one in page][:100] == everything
    last = client.list(EVENT, order_by="created_descending", position=records - 1)
    assert ids(last) == everything[:1]
    assert client.list(EVENT, position=records)["orders"] == []


def test_a_new_order_is_listed_at_once(client: Client) -> None:
    before = client.list(EVENT, order_by="name_descending")["pagination"]["records"]
    buyer = {"first_name": "A", "last_name": "\U0010fffd last of all", "email": "last@example.com"}
    order = client.place(("10", 1), buyer=buyer)

    page = client.list(EVENT, order_by="name_descending")

    assert ids(page)[0] == order["id"]
    assert int(page["pagination"]["records"]) == int(before) + 1
    assert ids(client.list(EVENT))[0] == order["id"]


def test_a_changed_name_moves_its_order(client: Client, placed: list[dict[str, Any]]) -> None:
    bob, ada, zoe, ann, neil = (order["id"] for order in placed)
    assert listed(client, placed, order_by="name_ascending")[0] == ann
    client.send("PATCH", f"/v1/orders/{ann}", {"buyer": {"last_name": "Zzz"}})

    assert listed(client, placed, order_by="name_ascending") == [neil, ada, bob, ann, zoe]


def test_an_order_that_gets_a_line_of_the_event_is_listed_at_its_place(client: Client) -> None:
    first = client.place(("10", 1))
    guest = client.place(("3000000012232", 1))
    last = client.place(("10", 1))
    assert ids(client.list(EVENT))[:2] == [last["id"], first["id"]]
    lines = [{"ticket_class_id": name, "quantity": 1} for name in ("3000000012232", "10")]
    client.send("PATCH", f"/v1/orders/{guest['id']}", {"line_items": lines})

    assert ids(client.list(EVENT))[:3] == [last["id"], guest["id"], first["id"]]
    order = client.list(EVENT)["orders"][1]
    assert order["event"]["name"] == "Open House"
    assert {attribute(item, "EVENT_NAME") for item in order["line_items"]} == {"Open House", "Sample Event"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("bob", [0]),
        ("YOUNG", [0, 1]),
        ("Ada Young", [1]),
        ("älg", [2]),
        ("100%", [4]),
        ("o_n", [4]),
        ("%", [4]),
        ("nobody has this name", []),
    ],
)
def test_search_finds_parts_of_names(
    client: Client, placed: list[dict[str, Any]], words: str, found: list[int]
) -> None:
    page = client.list(EVENT, search_q=words, order_by="created_ascending", rows=100)
    mine = {order["id"] for order in placed}

    assert [one for one in ids(page) if one in mine] == [placed[number]["id"] for number in found]


def test_search_finds_parts_of_addresses(client: Client, placed: list[dict[str, Any]]) -> None:
    page = client.list(EVENT, search_q=f"{mark_of(placed).upper()}.3@EXAMPLE", order_by="created_ascending")

    assert ids(page) == [placed[3]["id"]]
    assert page["pagination"]["records"] == "1"


def test_an_event_has_one_occurrence_and_one_session(client: Client, placed: list[dict[str, Any]]) -> None:
    (item,) = client.order(placed[0]["id"])["line_items"]
    session = attribute(item, "SESSION_UUID")
    start = attribute(item, "EVENT_START_ON")["local"]

    assert start == "2027-05-01 10:00"
    assert len(listed(client, placed, occurrence=start, session=session)) == len(placed)
    assert listed(client, placed, occurrence="2027-05-01 10:01") == []
    assert listed(client, placed, session=str(uuid4())) == []


def test_all_additional_information_includes_what_is_null_or_hidden(client: Client) -> None:
    order = client.place(("10", 1), internal_notes="VIP")

    def found(**query: Any) -> dict[str, Any]:
        (one,) = [one for one in client.list(EVENT, **query)["orders"] if one["uuid"] == order["id"]]
        return {
            "names": {entry["name"]: entry["value"] for entry in one["additional_details"]},
            "attendee": tickets(one)[0]["attendee"]["attributes"],
        }

    assert found() == found(all_additional_info=0) == {"names": {}, "attendee": []}
    complete = found(all_additional_info=1)
    assert complete["names"]["INTERNAL_NOTES"] == "VIP"
    assert complete["names"]["REFERENCE"] is None
    assert complete["attendee"][0] == {"name": "FIRST_NAME", "value": None}


@pytest.mark.parametrize(
    "query",
    [
        {"rows": "19"},
        {"rows": "101"},
        {"rows": "many"},
        {"position": "-1"},
        {"position": "99999999999"},
        {"order_by": "price"},
        {"occurrence": "tomorrow"},
        {"occurrence": "2027-13-01 10:00"},
        {"session": "first"},
        {"search_q": "x" * 201},
        {"search_q": "\x00"},
        {"all_additional_info": "yes"},
    ],
)
def test_a_parameter_that_is_not_well_formed_is_named(client: Client, query: dict[str, str]) -> None:
    answer = client.get(f"/events/{EVENT}/orders", **query)

    assert answer.status_code == 422
    assert answer.json()["statusCode"] == 422
    assert [error["field"] for error in answer.json()["result"]["errors"]] == list(query)


def test_parameters_that_are_empty_do_not_count(client: Client) -> None:
    assert client.list(EVENT, search_q="", rows="", session="")["pagination"]["rows"] == "20"


@pytest.mark.parametrize("query", [{"rows": "20.0"}, {"rows": "020", "position": "0.0"}])
def test_a_number_that_is_whole_is_whole(client: Client, query: dict[str, str]) -> None:
    # "position", "rows": number. Some clients write each number with a fraction.
    pagination = client.list(EVENT, **query)["pagination"]
    assert (pagination["rows"], pagination["position"]) == ("20", "0")
