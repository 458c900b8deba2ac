"""Calls that follow from answers: what one call made is shown and changed by others, and none fails."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case
from schemathesis.core.failures import FailureGroup

from schemas.catalogue import Catalogue
from tests.contract.conformance import CHECKS, operations_of, page_of
from tests.contract.credentials import Credentials, credentials_of
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

_KNOWN = {
    "portal_id": "19593237",
    "event_id": "2000000116588",
    "event_uuid": "2000000116588",
    "eventId": "2000000116588",
}
"""The names of what was there before any call."""

_ORDER = ("order_id", "order_uuid", "id")
_ZOHO = "POST /backstage/v3/portals/{portal_id}/events/{event_id}/orders"
_SOURCES: dict[str, tuple[str, ...]] = {
    "POST /v1/orders": _ORDER,
    "POST /v1/b2c/orders": _ORDER,
    "POST /v9/orders": _ORDER,
    _ZOHO: _ORDER,
    "POST /v1/holds": ("hold_id",),
}
"""The calls that make something, and the parameters of paths that take its name."""

_SCENARIOS = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

_Operations = Mapping[str, APIOperation[Any, Any, Any, Any]]


class _Calls:
    """Makes calls, and remembers what came back and what was wrong with it."""

    def __init__(self, intake: Intake, credentials: Credentials) -> None:
        self.operations: _Operations = {one.label: one for one in operations_of(page_of(intake))}
        self.statuses: defaultdict[str, set[int]] = defaultdict(set)
        self.wrong: dict[str, str] = {}
        self._url = intake.url
        self._credentials = credentials
        self._count = 0

    def make(self, source: str) -> dict[str, str]:
        """Make something with the page's example, and return its names by the parameters that take them."""
        operation = self.operations[source]
        body = next(iter(operation.body))
        case = operation.Case(body=body.definition["example"], media_type=body.media_type)
        answer = self.call(case, {})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        if source == "POST /v9/orders":
            (made,) = made["orders"]
        name = str(made["id"] if isinstance(made, dict) else made)
        if name.isdecimal():  # an order's number, which stands for it in the vendors' paths
            show = self.operations["GET /v1/b2c/orders/{id}"]
            name = self.call(show.Case(path_parameters={"id": name}), {}).json()["id"]
        tickets = {"ticket_id": made["tickets"][0]["id"]} if source == "POST /v1/orders" else {}
        return dict.fromkeys(_SOURCES[source], name) | tickets

    def call(self, case: Case[Any], names: Mapping[str, str]) -> Any:
        """Call with what is there, and hold the answer to the page."""
        operation = case.operation
        named = {one.name for one in operation.path_parameters}
        there = {name: value for name, value in {**_KNOWN, **names}.items() if name in named}
        case.path_parameters = {**(case.path_parameters or {}), **there}
        self._count += 1
        # Each call is one of its own: a key that is made up again would be a repeat.
        headers = {"prefer": "wait=30", "idempotency-key": f"{id(self)}-{self._count}"}
        url, timeout = self._url, PATIENCE_SECONDS
        answer = case.call(base_url=url, auth=self._credentials, headers=headers, timeout=timeout)
        self.statuses[operation.label].add(answer.status_code)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            found = [f"{one.title}: {one.message:.500}" for one in group.exceptions]
            sent = f"{answer.request.method} {answer.request.path_url} {answer.request.body!r:.300}"
            label = f"{operation.label} {answer.status_code}"
            self.wrong.setdefault(label, "\n".join([*found, sent, answer.text[:300]]))
        return answer


@pytest.fixture
def calls(intake: Intake, caller: httpx.Client, catalogue: Catalogue, worker: object) -> _Calls:
    return _Calls(intake, credentials_of(intake, caller))


def _following(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Case[Any]]:
    """Return calls of an operation, most of them with its example: little follows what is made up."""

    def with_example(case: Case[Any]) -> Case[Any]:
        for body in operation.body:
            case.body, case.media_type = body.definition["example"], body.media_type
        return case

    made_up = operation.as_strategy()
    return st.one_of(made_up.map(with_example), made_up.map(with_example), made_up)


@pytest.mark.parametrize("source", _SOURCES)
def test_calls_that_follow_from_answers_are_answered_as_the_page_says(calls: _Calls, source: str) -> None:
    parameters = {*_SOURCES[source], *(["ticket_id"] if source == "POST /v1/orders" else [])}
    followers = [
        _following(operation)
        for operation in calls.operations.values()
        if parameters & {one.name for one in operation.path_parameters}
    ]

    @_SCENARIOS
    @given(cases=st.lists(st.one_of(followers), min_size=4, max_size=8))
    def run(cases: list[Case[Any]]) -> None:
        names = calls.make(source)
        for case in cases:
            calls.call(case, names)

    run()

    assert not calls.wrong, "\n\n".join(f"{label}\n{told}" for label, told in calls.wrong.items())
    found = [label for label, statuses in calls.statuses.items() if min(statuses) < 300]
    # Most calls find what was made: they are not answered with 404 or 422 only.
    assert len(found) > len(calls.statuses) / 2, calls.statuses
