"""Calls that are generated from the OpenAPI page: no answer outside its schemas, and none fails."""

from collections import defaultdict
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.failures import FailureGroup

from schemas.catalogue import Catalogue
from tests.contract.conformance import CHECKS, operations_of, page_of
from tests.contract.credentials import Credentials, credentials_of
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

_CALLS = settings(
    max_examples=3,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class _Session:
    """Calls operations with a key, and remembers what was wrong with the answers."""

    def __init__(self, intake: Intake, credentials: Credentials, things: dict[str, Any]) -> None:
        self.wrong: dict[str, str] = {}
        self.statuses: defaultdict[str, set[int]] = defaultdict(set)
        self._intake = intake
        self._credentials = credentials
        self._things = things
        self._count = 0

    def call(self, case: Case[Any]) -> None:
        """Call, every other time with what is there: of what is made up one learns only that it is not."""
        self._count += 1
        if self._count % 2:
            case.path_parameters = {**case.path_parameters, **self.known(case.operation)}
        # Short: what ends as a dead letter is waited for in vain.
        headers = {"prefer": "wait=1"}
        url = self._intake.url
        response = case.call(base_url=url, auth=self._credentials, headers=headers, timeout=PATIENCE_SECONDS)
        self.statuses[case.operation.label].add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            told = [f"{failure.title}: {failure.message:.500}" for failure in group.exceptions]
            sent = f"{response.request.method} {response.request.path_url} {response.request.body!r:.300}"
            told += [sent, f"{response.status_code} {response.text:.300}"]
            self.wrong.setdefault(f"{case.operation.label} {response.status_code}", "\n".join(told))

    def check(self) -> None:
        """Fail with what was wrong."""
        assert not self.wrong, "\n\n".join(f"{label}\n{told}" for label, told in self.wrong.items())

    def known(self, operation: APIOperation[Any, Any, Any, Any]) -> dict[str, Any]:
        names = {parameter.name for parameter in operation.path_parameters}
        return {name: value for name, value in self._things.items() if name in names}


@pytest.fixture
def session(intake: Intake, caller: httpx.Client, catalogue: Catalogue, worker: object) -> _Session:
    """Return a caller that knows an order, a hold and an event."""
    credentials = credentials_of(intake, caller)
    headers = {"authorization": f"Bearer {credentials.key}", "prefer": "wait=30"}
    lines = [{"ticket_class_id": "3000000012232", "quantity": 3}]
    buyer = {"first_name": "Sam", "last_name": "Peter", "email": "sam@example.com"}
    body = {"buyer": buyer, "line_items": lines}
    order = caller.post("/v1/orders", json=body, headers=headers).raise_for_status().json()
    hold = caller.post("/v1/holds", json=lines[0], headers=headers).raise_for_status().json()
    things = {
        "order_id": order["id"],
        "order_uuid": order["id"],
        "id": str(order["number"]),
        "ticket_id": order["tickets"][0]["id"],
        "hold_id": hold["id"],
        "request_id": hold["id"],
        "event_id": "2000000116588",
        "event_uuid": "2000000116588",
        "eventId": "2000000116588",
        "portal_id": "19593237",
    }
    return _Session(intake, credentials, things)


def _can_be_wrong(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    """Say whether a call can be other than the page says: a path is any text, and so is a header."""
    return bool(operation.query) or bool(operation.body)


@pytest.mark.parametrize("mode", GenerationMode)
def test_every_answer_is_as_the_page_says(intake: Intake, session: _Session, mode: GenerationMode) -> None:
    for operation in operations_of(page_of(intake)):
        if mode.is_negative and not _can_be_wrong(operation):
            continue
        # Nothing is made up for a call that says nothing, such as /healthz.
        with suppress(Unsatisfiable):
            _CALLS(given(case=operation.as_strategy(generation_mode=mode))(session.call))()
    session.check()


def test_every_example_on_the_page_is_understood(intake: Intake, session: _Session) -> None:
    for operation in operations_of(page_of(intake)):
        for body in operation.body:
            example = body.definition["example"]
            things = session.known(operation)
            session.call(operation.Case(body=example, media_type=body.media_type, path_parameters=things))
    session.check()
    refused = [label for label, statuses in session.statuses.items() if 400 in statuses]
    assert refused == ["POST /connect/token"]  # its example is of a client that is not there
