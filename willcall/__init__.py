"""What another program imports of Willcall: it depends on kombu and redis only.

`Producer` sends requests; `queues`, `kinds` and `events` have the names on the broker; `ticket_codes`
verifies scanned codes (it needs PyNaCl).
"""

from willcall.events import EVENT_TYPES
from willcall.kinds import KINDS
from willcall.producer import NotConfirmed, Producer
from willcall.queues import EVENTS, ORDERS

__version__ = "0.1.0"

__all__ = ["EVENTS", "EVENT_TYPES", "KINDS", "ORDERS", "NotConfirmed", "Producer", "__version__"]
