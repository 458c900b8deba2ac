"""One effect per tick, however many beats run: each tick is a unique row, and one task gets it."""

from datetime import UTC, datetime

from orders.upkeep.ticks import claim_tick
from tasks.resources import engine


def is_mine(task: str, tick: int | None) -> bool:
    """Say whether this call of the task is the one that counts. A call without a tick always is."""
    if tick is None:
        return True
    with engine().begin() as connection:
        return claim_tick(connection, task, tick, now=datetime.now(UTC))
