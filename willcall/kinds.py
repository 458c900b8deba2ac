"""The kinds of requests, which are also the names of the Celery tasks on the queue `orders`."""

from typing import Final

CREATE: Final = "orders.create"
UPDATE: Final = "orders.update"
CANCEL: Final = "orders.cancel"
PAY: Final = "payments.record"
CHECK_IN: Final = "tickets.check_in"
TAKE: Final = "holds.take"
EXTEND: Final = "holds.extend"
RELEASE: Final = "holds.release"

CHANGES: Final = frozenset({UPDATE, CANCEL, PAY, CHECK_IN})
"""Requests on an existing order."""

HOLDS: Final = frozenset({TAKE, EXTEND, RELEASE})
"""Requests on holds."""

KINDS: Final = frozenset({CREATE, *CHANGES, *HOLDS})
"""The tasks of the queue `orders`."""
