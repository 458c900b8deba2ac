"""One key is one request: of one kind, with one body."""

from typing import Any

import pytest
from sqlalchemy import Engine

from schemas.requests import Request
from tests.factories import codes, load, make_body, make_change, place, rows, run, scalar
from willcall.kinds import CANCEL, CREATE, EXTEND, RELEASE, TAKE


def test_a_release_under_the_key_of_an_extension_is_a_conflict_and_not_taken_for_it(engine: Engine) -> None:
    load(engine)
    hold = make_change(TAKE, ticket_class_id="standing", quantity=2)
    run(engine, hold)
    body: dict[str, Any] = {"idempotency_key": "shop-1", "hold_id": str(hold.request_id)}

    extended, released = (run(engine, make_change(kind, **body))[0] for kind in (EXTEND, RELEASE))

    assert (extended.status, codes(released)) == ("processed", ["idempotency_conflict"])
    assert rows(engine, "SELECT status FROM holds") == [("held",)]
    assert run(engine, make_change(RELEASE, hold_id=str(hold.request_id)))[0].status == "processed"
    assert scalar(engine, "SELECT held FROM ticket_classes") == 0


@pytest.mark.parametrize("is_one_batch", [True, False])
def test_any_other_kind_under_a_used_key_is_a_conflict(engine: Engine, is_one_batch: bool) -> None:
    load(engine)
    order_id = place(engine)
    cancel = make_change(CANCEL, idempotency_key="shop-1", order_id=str(order_id))
    others = [
        Request(kind, make_change(kind).request_id, "demo", True, body)
        for kind, body in (
            (CREATE, make_body(idempotency_key="shop-1")),
            ("payments.record", dict(cancel.body)),
            ("orders.update", dict(cancel.body)),
            ("orders.cancel", dict(cancel.body)),
        )
    ]
    batches = [[cancel, *others]] if is_one_batch else [[cancel], *([one] for one in others)]

    outcomes = [outcome for batch in batches for outcome in run(engine, *batch)]

    assert [codes(outcome) for outcome in outcomes] == [
        [],
        ["idempotency_conflict"],
        ["idempotency_conflict"],
        ["idempotency_conflict"],
        [],
    ]
    assert scalar(engine, "SELECT count(*) FROM orders") == 1


def test_the_very_same_request_twice_is_one(engine: Engine) -> None:
    load(engine)
    take = make_change(TAKE, ticket_class_id="standing", quantity=2)
    assert [outcome.status for outcome in run(engine, take, take)] == ["processed", "processed"]
    assert scalar(engine, "SELECT held FROM ticket_classes") == 2
