"""Processing a batch: requests in, outcomes out, in one transaction and six steps.

claim → look up → load → decide → write → publish. Every step works on the whole list, so that the number of
SQL statements does not grow with it, and the decisions run no SQL. A batch that only changes orders reads its
stock unlocked; the fifth step locks it, and decides again if too little is left.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from orders.laps import Laps
from orders.recovery.early_requests import PATIENCE
from orders.steps.claim import claim
from orders.steps.decide import decide
from orders.steps.load import load
from orders.steps.look_up import look_up
from orders.steps.publish import publish
from orders.steps.validate import refused_if_late
from orders.steps.write import write
from schemas.events import MAX_EVENT_BYTES
from schemas.order_fields import MAX_TICKETS
from schemas.outcomes import Outcome
from schemas.requests import Request


def process(
    connection: Connection,
    requests: Sequence[Request],
    *,
    now: datetime,
    patience: timedelta = PATIENCE,
    max_tickets: int = MAX_TICKETS,
    max_event_bytes: int = MAX_EVENT_BYTES,
    laps: Laps | None = None,
) -> list[Outcome]:
    """Return the outcomes of the requests, in their order; the caller commits.

    A request that arrived before the order or hold that it names waits as a row, for at most `patience`. An
    order has at most `max_tickets`, and an event message at most `max_event_bytes`. `laps` counts the seconds
    of each step.
    """
    laps = laps or Laps()
    requests = [refused_if_late(request, now) for request in requests]
    with laps.step("claim"):  # the inbox says which are new
        claimed = claim(connection, requests, now, max_tickets)
    with laps.step("look_up"):  # what do they name?
        named = look_up(connection, claimed.valid)
    with laps.step("load"):  # locked in one order, read once; but see late_locks
        world = load(connection, named, now)
    with laps.step("decide"):  # in the order of arrival
        decide(world, named.requests, now)
    with laps.step("write"):  # locks late what was only read; one statement a table
        write(connection, world, claimed, now, patience)
    with laps.step("publish"):  # the outbox, and the answers
        return publish(connection, world, claimed, requests, now, max_event_bytes)
