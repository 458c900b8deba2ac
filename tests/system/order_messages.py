"""Messages of orders for a real broker, and the rows that they become."""

from typing import Any

import orjson
from sqlalchemy import Engine

from tests.factories import scalar
from tests.processes import wait_until
from willcall.messages import Message, task_message
from willcall.queues import ORDERS


def message_of(*bodies: Any, tenant: str = "demo") -> Message:
    """Return one message with a request for each body; what is no object stays as it is."""
    requests = [{"tenant": tenant, **body} if isinstance(body, dict) else body for body in bodies]
    return task_message(
        "orders.create",
        orjson.dumps({"requests": requests}),
        queue=ORDERS,
        summary="…",
        requests=len(requests),
    )


def count_rows(engine: Engine, table: str) -> int:
    return int(scalar(engine, f"SELECT count(*) FROM {table}"))


def wait_for_rows(engine: Engine, number: int, table: str = "requests") -> None:
    """Wait until a table has this number of rows."""
    wait_until(lambda: count_rows(engine, table) >= number, what=f"{number} {table}")
