"""A change names the versions of the order that it expects, in If-Match."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from intake.web.conditions import expected_versions
from intake.web.problems import Problem
from tests.intake.routes.changes import WAIT, codes, path_of
from tests.intakes import Intake, Worker


def test_an_old_version_is_told_and_a_star_is_any(client: httpx.Client, placed: dict[str, Any]) -> None:
    first = client.patch(path_of(placed), json={"reference": "a"}, headers={**WAIT, "if-match": '"1"'})
    late = client.patch(path_of(placed), json={"reference": "b"}, headers={**WAIT, "if-match": '"1"'})
    any_ = client.patch(path_of(placed), json={"reference": "c"}, headers={**WAIT, "if-match": "*"})

    assert (first.status_code, late.status_code, any_.status_code) == (200, 412, 200)
    assert codes(late) == ["version_conflict"]
    assert client.get(late.json()["instance"]).json()["status"] == "rejected"
    assert any_.json()["reference"] == "c"


def test_a_version_that_is_not_there_yet_is_waited_for(
    client: httpx.Client, intake: Intake, placed: dict[str, Any]
) -> None:
    headers = {"if-match": '"2"', "prefer": "wait=1"}
    early = client.patch(path_of(placed), json={"reference": "second"}, headers=headers)

    assert early.status_code == 202
    assert client.get(early.json()["status_url"]).json()["status"] == "pending"
    with intake.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM delayed_requests")


@pytest.mark.parametrize("tag", ["1", "", ",", ", ,", '"1" , 2', "*,", '"1" "2"', '"1', 'w/"1"', '*, "1"'])
@pytest.mark.parametrize(("method", "more"), [("PATCH", ""), ("POST", "/cancel"), ("POST", "/payments")])
def test_a_malformed_version_is_refused(
    client: httpx.Client, intake: Intake, method: str, more: str, tag: str
) -> None:
    answer = client.request(method, f"/v1/orders/{uuid4()}{more}", json={}, headers={"if-match": tag})

    assert answer.status_code == 400
    assert [(one["code"], one["field"]) for one in answer.json()["errors"]] == [("invalid", "if-match")]
    assert intake.take_requests() == []


@pytest.mark.parametrize("tag", ['"x"', '"0"', '"01"', 'W/"1"', '"-1"', '"9999999999"', 'W/"1", "x"', '""'])
@pytest.mark.parametrize(("method", "more"), [("PATCH", ""), ("POST", "/cancel"), ("POST", "/payments")])
def test_a_tag_that_no_order_has_matches_none(
    client: httpx.Client, intake: Intake, method: str, more: str, tag: str
) -> None:
    answer = client.request(method, f"/v1/orders/{uuid4()}{more}", json={}, headers={"if-match": tag})

    assert answer.status_code == 412
    assert intake.take_requests() == []


@pytest.mark.parametrize(
    ("tags", "version"),
    [
        ('"1", "2"', None),
        ('"3", "1", "2"', None),
        ('W/"1", "2"', None),
        ('"2", "2"', None),
        ('"2",', None),
        (',"2"', None),
        (', ,"2" ,, ,"7",', None),
        ('"a,b", "2"', None),
        ('"1",', 412),
        ('"1", "1"', 412),
        ('"1", W/"2"', 412),
    ],
)
def test_one_of_several_versions_is_enough(
    client: httpx.Client, placed: dict[str, Any], tags: str, version: int | None
) -> None:
    client.patch(path_of(placed), json={"reference": "x"}, headers=WAIT).raise_for_status()
    headers = {**WAIT, "if-match": tags}
    answer = client.patch(path_of(placed), json={"reference": "y"}, headers=headers)

    assert answer.status_code == (version or 200), answer.text


@pytest.mark.parametrize("tags", ['"1", "2"', '"1", "7"', '"1",', '"1"'])
@pytest.mark.parametrize(
    ("method", "more", "body"),
    [
        ("PATCH", [], {"reference": "x"}),
        ("POST", ["cancel"], {}),
        ("POST", ["payments"], {"type": "cash"}),
    ],
)
def test_a_repeated_call_is_the_same_request_whatever_versions_it_names(
    client: httpx.Client,
    placed: dict[str, Any],
    method: str,
    more: list[str],
    body: dict[str, Any],
    tags: str,
) -> None:
    headers = {**WAIT, "if-match": tags, "idempotency-key": str(uuid4())}
    first = client.request(method, path_of(placed, *more), json=body, headers=headers)
    # The tags in another order, and another version of the order: the call is the same.
    headers["if-match"] = ",".join(reversed(tags.split(", ")))
    again = client.request(method, path_of(placed, *more), json=body, headers=headers)

    assert first.status_code in (200, 201), first.text
    assert (again.status_code, again.headers["etag"]) == (first.status_code, first.headers["etag"])
    assert again.headers["idempotency-replayed"] == "true"


def test_another_list_of_versions_under_the_same_key_is_another_request(
    client: httpx.Client, placed: dict[str, Any]
) -> None:
    headers = {**WAIT, "if-match": '"1", "2"', "idempotency-key": "one-of-two"}
    client.patch(path_of(placed), json={"reference": "x"}, headers=headers).raise_for_status()
    other = client.patch(
        path_of(placed), json={"reference": "x"}, headers={**headers, "if-match": '"1", "3"'}
    )

    assert (other.status_code, codes(other)) == (422, ["idempotency_conflict"])


def test_a_change_on_its_way_does_not_break_a_condition_that_names_its_version(
    client: httpx.Client, worker: Worker, intake: Intake, placed: dict[str, Any]
) -> None:
    worker.stop()  # both are accepted while the order has its first version
    client.patch(path_of(placed), json={"reference": "a"}).raise_for_status()
    headers = {"if-match": '"1", "2"', "idempotency-key": str(uuid4())}
    second = client.patch(path_of(placed), json={"reference": "b"}, headers=headers)
    worker.start()

    answer = client.patch(path_of(placed), json={"reference": "b"}, headers={**headers, **WAIT})
    assert (answer.status_code, answer.json()["version"]) == (200, 3), answer.text
    assert client.get(second.headers["location"]).json()["status"] == "processed"


def test_more_versions_than_anybody_means_are_refused(client: httpx.Client, intake: Intake) -> None:
    tags = ",".join(f'"{one}"' for one in range(1, 1_002))
    answer = client.patch(f"/v1/orders/{uuid4()}", json={}, headers={"if-match": tags})

    assert (answer.status_code, codes(answer)) == (400, ["invalid"])
    assert intake.take_requests() == []


def test_without_a_header_any_version_is_meant() -> None:
    assert expected_versions([]) is None
    with pytest.raises(Problem):
        expected_versions(['"1"', '"1'])
