"""A path that is not there, or is called by another method, refuses in the words of whose path it is."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from intake.app import create_app
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS
from worker.runtime.settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE")


def _is_problem(body: Any, status: int) -> bool:
    return bool(set(body) == {"type", "title", "status", "detail", "errors"} and body["status"] == status)


def _is_acme(body: Any, status: int) -> bool:
    return bool(set(body) == {"status", "error", "message", "errors"} and body["status"] == status)


def _is_zoho(body: Any, status: int) -> bool:
    codes = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
    return bool(
        set(body) == {"code", "status", "message", "details"} and body["code"] == codes.get(status, "INVALID")
    )


def _is_ticket_evolution(body: Any, status: int) -> bool:
    return set(body) == ({"errors"} if status == 422 else {"error"})


def _is_eventbookings(body: Any, status: int) -> bool:
    return bool(set(body) == {"statusCode", "result"} and body["statusCode"] == status)


def _is_oauth(body: Any, status: int) -> bool:
    return set(body) == {"error", "error_description"}


SHAPES: Mapping[str, Callable[[Any, int], bool]] = {
    "/v1/b2c/": _is_acme,
    "/backstage/": _is_zoho,
    "/v9/": _is_ticket_evolution,
    "/orders/": _is_eventbookings,
    "/events/": _is_eventbookings,
    "/connect/": _is_oauth,
}


def _shape_of(path: str) -> Callable[[Any, int], bool]:
    return next((shape for start, shape in SHAPES.items() if f"{path}/".startswith(start)), _is_problem)


def _paths() -> dict[str, set[str]]:
    """Return the methods of each path, by the app's own page."""
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/x", broker_url="redis://127.0.0.1:1")
    paths: defaultdict[str, set[str]] = defaultdict(set)
    for path, calls in create_app(settings).openapi()["paths"].items():
        # As routes see it: what fills a path is any text, so that `/a/{b}` and `/a/{c}` are one path.
        paths[re.sub(r"{\w+}", "x", path)] |= set(calls)
    return paths


PATHS = _paths()
WRONG = [
    (path, method)
    for path, known in PATHS.items()
    for method in METHODS
    if method.lower() not in known and not (method == "HEAD" and "get" in known)
]


@pytest.mark.parametrize(("path", "method"), WRONG)
def test_a_wrong_method_is_refused_in_the_words_of_the_path(
    caller: httpx.Client, path: str, method: str
) -> None:
    answer = caller.request(method, path)

    assert answer.status_code == 405, answer.text
    head = {"HEAD"} if "get" in PATHS[path] else set()
    assert set(answer.headers["allow"].split(", ")) == {*map(str.upper, PATHS[path]), "OPTIONS"} | head
    assert method == "HEAD" or _shape_of(path)(answer.json(), 405), answer.text
    assert caller.options(path).headers["allow"] == answer.headers["allow"]


@pytest.mark.parametrize("path", [*SHAPES, "/v1/", "/", "/nothing/"])
@pytest.mark.parametrize("rest", ["nothing/at/all/of/it/x/y/z", "%00", "a%00b/orders"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_path_that_is_not_there_is_not_found_in_the_words_of_its_neighbours(
    caller: httpx.Client, path: str, rest: str, method: str
) -> None:
    answer = caller.request(method, path + rest)

    assert answer.status_code == 404, answer.text
    assert _shape_of(path.rstrip("/"))(answer.json(), 404), answer.text


def test_the_words_are_those_of_whole_names_only(caller: httpx.Client) -> None:
    for path in ("/v1/b2cx", "/v99/orders", "/ordersx/1", "/backstages/v3"):
        assert _is_problem(caller.get(path).json(), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        # What the vendor's own clients call there, and no path here has.
        ("GET", "/v9/events"),
        ("GET", "/v9/ticket_groups?event_id=1"),
        ("POST", "/v9/payments"),
        ("GET", "/v9/payments/10001/apply"),
        ("POST", "/v9/orders/1/accept"),
        ("POST", "/v9/orders/open"),
        ("GET", "/v9/orders/1/print"),
        ("PUT", "/v9/shipments/10001"),
        ("GET", "/v9/orders/"),
        ("GET", "/v9"),
        ("GET", "/v9/"),
    ],
)
def test_what_ticket_evolution_has_beside_orders_is_not_there_in_its_own_words(
    caller: httpx.Client, method: str, path: str
) -> None:
    answer = caller.request(method, path)

    # As the vendor answers where it has no such path: a sentence (recorded with its client in Ruby).
    assert answer.status_code in (404, 405)
    assert list(answer.json()) == ["error"]


@pytest.mark.parametrize("path", ["/v9/orders", "/v9/nothing"])
def test_ticket_evolution_has_its_media_type_then_too(caller: httpx.Client, path: str) -> None:
    vendors = "application/vnd.ticketevolution.api+json; version=9"
    answer = caller.delete(path, headers={"accept": vendors})

    assert answer.headers["content-type"] == f"{vendors}; charset=utf-8"


OF_VENDORS = [
    (path, method.upper())
    for path, known in PATHS.items()
    for method in sorted(known)
    if _shape_of(path) is not _is_problem
]


@pytest.mark.parametrize(("path", "method"), OF_VENDORS)
def test_a_misspelt_parameter_is_refused_by_name_in_the_words_of_the_path(
    caller: httpx.Client, path: str, method: str
) -> None:
    answer = caller.request(method, path, params={"emial": "sam@example.com"})

    # OAuth has one status for all that is wrong with a call.
    assert answer.status_code == (400 if path == "/connect/token" else 422), answer.text
    assert "emial" in answer.text
    assert _shape_of(path)(answer.json(), 422), answer.text


@pytest.mark.parametrize("start", ["/v1/orders/", *SHAPES])
def test_what_is_refused_before_a_route_is_found_is_in_the_words_of_its_path(
    intake: Intake, start: str
) -> None:
    for path, headers, status in (
        (f"{start}?a={'b' * 9_000}", {}, 414),
        (start, {f"x-{number}": "y" for number in range(120)}, 431),
    ):
        # It closes the connection.
        answer = httpx.get(intake.url + path, headers=headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code == status
        assert _shape_of(start)(answer.json(), status), answer.text
        assert answer.headers["x-request-id"]
