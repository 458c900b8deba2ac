"""Requests that wait: each tenant has its share of the tries, many are tried at once, and they are woken."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import Engine, event, text

from db.ids import new_ids
from orders.recovery.delayed_requests import Kind, RetryPolicy, claim_due
from orders.recovery.early_requests import names_done, wake
from tasks.maintenance import retry
from tasks.messages import QueueMessage, parse
from tasks.orders import process_messages, process_now
from tests.factories import load, make_body, place, rows, scalar
from willcall.kinds import CANCEL, CREATE, TAKE, UPDATE

_POLICY = RetryPolicy(max_attempts=6, first_wait=timedelta(seconds=5))


def _message(kind: str, *bodies: Mapping[str, object], tenant: str = "demo", id: str = "m") -> QueueMessage:
    requests = [{"tenant": tenant, **body} for body in bodies]
    return QueueMessage(kind, id, orjson.dumps([[], {"requests": requests}, {}]))


def _early(count: int, tenant: str) -> None:
    """Have updates wait for orders that do not come."""
    bodies = [{"order_key": f"{tenant}-{index}", "patch": {"reference": "x"}} for index in range(count)]
    for start in range(0, count, 500):
        process_messages(
            [_message(UPDATE, *bodies[start : start + 500], tenant=tenant, id=f"{tenant}{start}")]
        )


def _make_due(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET next_attempt_at = now() - interval '1 s'"))


@pytest.mark.parametrize("which", Kind)
def test_a_tenant_with_thousands_leaves_others_their_share(engine: Engine, which: Kind) -> None:
    for tenant in ("crowd", "demo", "other"):
        load(engine, tenant=tenant)
    _early(2_000, "crowd")
    _early(1, "demo")
    _early(1, "other")
    _make_due(engine)
    if which is Kind.TRIED:
        with engine.begin() as connection:
            connection.execute(text("UPDATE delayed_requests SET attempts = 1"))

    with engine.begin() as connection:
        due = claim_due(connection, limit=300, policy=_POLICY, now=datetime.now(UTC), which=which)

    assert {one.request.tenant for one in due} == {"crowd", "demo", "other"}
    assert sum(one.request.tenant == "crowd" for one in due) >= 100


def test_a_tenant_alone_gets_all(engine: Engine) -> None:
    load(engine)
    _early(40, "demo")
    _make_due(engine)
    with engine.begin() as connection:
        due = claim_due(connection, limit=30, policy=_POLICY, now=datetime.now(UTC), which=Kind.NEW)
    assert len(due) == 30


def test_thousands_that_wait_cost_a_few_transactions(engine: Engine) -> None:
    load(engine)
    _early(2_000, "demo")
    _make_due(engine)
    commits = []
    event.listen(Engine, "commit", lambda _: commits.append(1))

    assert retry() >= 2_000  # on a slow machine the first of them are due again

    assert len(commits) < 50
    assert scalar(engine, "SELECT count(*) FROM delayed_requests WHERE attempts = 0") == 2_000


def test_one_that_was_tried_already_is_tried_alone(engine: Engine) -> None:
    """It may be what ended the process: the others must not be counted with it again and again."""
    load(engine)
    _early(10, "demo")
    _make_due(engine)
    with engine.begin() as connection:
        claim_due(connection, limit=10, policy=_POLICY, now=datetime.now(UTC), which=Kind.NEW)
    _make_due(engine)  # the process ended, and the next one begins
    with engine.begin() as connection:
        assert claim_due(connection, limit=10, policy=_POLICY, now=datetime.now(UTC), which=Kind.NEW) == []

    assert retry() == 10

    assert scalar(engine, "SELECT count(*) FROM delayed_requests WHERE attempts = 0") == 10


Case = tuple[str, Mapping[str, object], str, Mapping[str, object]]


def _version(engine: Engine) -> Case:
    order_id = str(place(engine))
    later = {"order_id": order_id, "expected_version": 2, "patch": {"reference": "later"}}
    return UPDATE, later, UPDATE, {"order_id": order_id, "patch": {"reference": "first"}}


def _key(engine: Engine) -> Case:
    later = {"order_key": "k", "patch": {"reference": "later"}}
    return UPDATE, later, CREATE, make_body(idempotency_key="k")


def _key_of_a_refused(engine: Engine) -> Case:
    later = {"order_key": "k", "reason": "later"}
    return CANCEL, later, CREATE, make_body("nonsense", idempotency_key="k")


def _hold(engine: Engine) -> Case:
    [hold_id] = map(str, new_ids(1))
    later = make_body(line_items=[{"hold_id": hold_id}])
    return CREATE, later, TAKE, {"request_id": hold_id, "ticket_class_id": "standing", "quantity": 1}


@pytest.mark.parametrize("case", [_version, _key, _key_of_a_refused, _hold])
def test_what_it_waits_for_wakes_it(engine: Engine, case: Callable[[Engine], Case]) -> None:
    load(engine)
    kind, later, first_kind, first = case(engine)
    process_messages([_message(kind, later)])
    assert scalar(engine, "SELECT count(*) FROM delayed_requests WHERE next_attempt_at > now()") == 1
    [request] = parse(_message(first_kind, first, id="first")).requests
    now = datetime.now(UTC)
    with engine.begin() as connection:
        outcomes = process_now(connection, [request])
    with engine.begin() as connection:
        assert wake(connection, names_done([request], outcomes), now) == 1

    assert retry() == 1

    assert scalar(engine, "SELECT count(*) FROM delayed_requests") == 0
    assert scalar(engine, "SELECT count(*) FROM requests WHERE status <> 'processed'") == (
        2 if case is _key_of_a_refused else 0
    )


def test_another_tenants_order_wakes_nobody(engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    process_messages([_message(UPDATE, {"order_key": "k", "patch": {"reference": "x"}})])
    done = [("other", "k"), ("demo", "l"), ("demo", "\ud800"), ("demo", "a\x00")]
    with engine.begin() as connection:
        assert wake(connection, done, datetime.now(UTC)) == 0


def test_a_row_of_the_version_before_is_tried_too(engine: Engine) -> None:
    load(engine)
    _early(1, "demo")
    with engine.begin() as connection:
        connection.execute(text("UPDATE delayed_requests SET tenant = DEFAULT, waits_for = NULL"))
    _make_due(engine)
    assert retry() == 1
    assert rows(engine, "SELECT tenant, waits_for FROM delayed_requests") == [("demo", "demo-0")]
