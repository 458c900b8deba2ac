"""The schedule proposes that an order expires; its decision looks again, under the lock."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine

from orders.process import process
from orders.reading.history import read_history
from orders.upkeep.expiry import propose_expiries
from schemas.catalogue import Catalogue
from schemas.outcomes import Outcome
from schemas.requests import EXPIRE, Request
from tests.factories import NOW, codes, make_change, make_event, place, read, rows, run
from willcall.kinds import CANCEL, CHECK_IN, PAY, UPDATE

LATER = NOW + timedelta(hours=1)
DUE = {"payment_due_at": LATER.isoformat()}


def _load(engine: Engine, *, cancels_unpaid: bool = True) -> None:
    from orders.catalogue.loading import load_catalogue

    catalogue = {
        "tenant": "demo",
        "events": [make_event()],
        "settings": {"cancels_unpaid": cancels_unpaid},
    }
    load_catalogue(engine, Catalogue.model_validate(catalogue), now=NOW)


def _propose(engine: Engine) -> list[Request]:
    with engine.connect() as connection:
        return propose_expiries(connection, now=LATER)


def _process(engine: Engine, *requests: Request) -> Sequence[Outcome]:
    with engine.begin() as connection:
        return process(connection, requests, now=LATER)


def _status(engine: Engine, order_id: UUID) -> str:
    return str(read(engine, order_id)["status"])


def test_an_order_that_nobody_paid_in_time_is_cancelled_by_the_schedule(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, **DUE)
    (proposal,) = _propose(engine)
    assert (proposal.kind, proposal.body["idempotency_key"]) == (EXPIRE, f"willcall:expire:{order_id}:1")

    (outcome,) = _process(engine, proposal)

    assert (outcome.status, outcome.order_id) == ("processed", order_id)
    order = read(engine, order_id)
    assert (order["status"], order["cancellation"]["reason"]) == (
        "cancelled",
        f"not paid by {LATER.isoformat()}",
    )
    with engine.connect() as connection:
        last = read_history(connection, order_id)[-1]
    assert (last["kind"], last["by"]) == (EXPIRE, "schedule")
    assert _propose(engine) == []


def test_what_was_paid_between_proposal_and_decision_stays(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, **DUE)
    (proposal,) = _propose(engine)
    run(engine, make_change(PAY, order_id=str(order_id), type="cash"))

    assert _process(engine, proposal)[0].status == "processed"
    assert _status(engine, order_id) == "placed"


def test_what_comes_in_one_batch_with_the_proposal_counts(engine: Engine) -> None:
    _load(engine)
    paid, moved, unpaid = (place(engine, **DUE) for _ in range(3))
    proposals = _propose(engine)
    payment = make_change(PAY, order_id=str(paid), type="cash")
    another_day = {"payment_due_at": (LATER + timedelta(days=1)).isoformat()}
    move = make_change(UPDATE, order_id=str(moved), patch=another_day)

    _process(engine, payment, move, *proposals)

    assert [_status(engine, one) for one in (paid, moved, unpaid)] == ["placed", "placed", "cancelled"]


def test_an_order_that_was_paid_in_full_once_is_never_touched(engine: Engine) -> None:
    _load(engine)
    refunded, grown, cheaper = (place(engine, payments=[{"type": "cash"}], **DUE) for _ in range(3))
    run(engine, make_change(PAY, order_id=str(refunded), type="cash", is_refund=True, amount="5.00"))
    lines = [{"ticket_class_id": "standing", "quantity": 2}]
    run(engine, make_change(UPDATE, order_id=str(grown), patch={"line_items": lines}))
    run(engine, make_change(UPDATE, order_id=str(cheaper), patch={"shipping": "1.00", **DUE}))
    assert {read(engine, one)["payment_status"] for one in (refunded, grown)} == {"partially_paid"}

    assert _propose(engine) == []
    forced = [
        Request(
            EXPIRE,
            UUID(int=number),
            "demo",
            False,
            {"idempotency_key": f"willcall:x{number}", "order_id": str(one)},
        )
        for number, one in enumerate((refunded, grown, cheaper), 1)
    ]
    assert [outcome.status for outcome in _process(engine, *forced)] == ["processed"] * 3
    assert {_status(engine, one) for one in (refunded, grown, cheaper)} == {"placed"}


def test_a_part_payment_does_not_keep_an_order(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, payments=[{"type": "cash", "amount": "1.00"}], **DUE)
    _process(engine, *_propose(engine))
    order = read(engine, order_id)
    assert (order["status"], order["totals"]["balance"]) == ("cancelled", "-1.00")


def test_a_used_ticket_keeps_its_order_and_it_is_asked_again_when_the_order_changed(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, **DUE)
    (ticket,) = read(engine, order_id)["tickets"]
    run(engine, make_change(CHECK_IN, ticket_id=str(ticket["id"])))
    (proposal,) = _propose(engine)
    assert codes(_process(engine, proposal)[0]) == ["not_allowed_in_status"]
    assert _propose(engine) == []

    run(engine, make_change(CHECK_IN, ticket_id=str(ticket["id"]), undo=True))

    _process(engine, *_propose(engine))
    assert _status(engine, order_id) == "cancelled"


def test_a_tenant_that_does_not_want_it_any_more_keeps_its_orders(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, **DUE)
    (proposal,) = _propose(engine)
    _load(engine, cancels_unpaid=False)

    assert _process(engine, proposal)[0].status == "processed"
    assert _status(engine, order_id) == "placed"
    assert _propose(engine) == []


def test_nobody_else_can_send_such_a_key(engine: Engine) -> None:
    _load(engine)
    order_id = place(engine, **DUE)
    key = f"willcall:expire:{order_id}:1"

    (outcome,) = run(engine, make_change(CANCEL, order_id=str(order_id), idempotency_key=key))

    assert codes(outcome) == ["invalid"]
    assert len(_propose(engine)) == 1
    assert rows(engine, "SELECT count(*) FROM requests WHERE idempotency_key LIKE 'willcall:%'") == [(0,)]
