"""What the outbox of a database from before does not hold counts as sent."""

from sqlalchemy import Engine

from orders.outbox import FIRST, claim_unsent, mark_sent
from orders.upkeep.reconciliation import reconcile
from schemas.requests import UPDATE
from tests.db.older import BEFORE_MARKS, migrate_again
from tests.factories import NOW, load, make_change, place, rows, run, send_events


def test_what_waits_is_not_marked_and_all_else_is(old: Engine) -> None:
    load(old)
    sent, begun = place(old), place(old)
    with old.begin() as connection:
        send_events(connection)
    for reference in ("one", "two"):
        run(old, make_change(UPDATE, order_id=str(begun), patch={"reference": reference}))
    with old.begin() as connection:
        mark_sent(connection, claim_unsent(connection, after=FIRST, limit=1))
    place(old)  # its event message is not sent

    migrate_again(old, BEFORE_MARKS)

    assert set(rows(old, "SELECT subject, sequence FROM sent_marks")) == {(sent, 1), (begun, 2)}
    with old.begin() as connection:
        assert reconcile(connection, now=NOW) == []
        send_events(connection)
        assert reconcile(connection, now=NOW) == []
