"""Orders drained a second, against the textbook and against other task queues."""

from collections.abc import Sequence
from typing import Final

from benchmarks.lab import RABBITMQ, REDIS, Lab
from benchmarks.racing import Drain, race
from benchmarks.results import Row, Target, compared

TITLE: Final = "orders drained"
TEXTBOOK: Final = Target(10)
PEER: Final = Target(6)

_PEERS: Final = {RABBITMQ: "dramatiq", REDIS: "huey"}


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return Willcall against the textbook, with a hundred orders a message and with one; and a peer."""
    peer = _PEERS[broker]
    willcall, textbook, other = lab.crews(broker, "willcall", "textbook", peer)
    sides = {
        f"{broker}, willcall": Drain(lab, willcall),
        f"{broker}, textbook": Drain(lab, textbook),
        f"{broker}, willcall, one order a message": Drain(lab, willcall, per_message=1),
        f"{broker}, {peer}": Drain(lab, other),
    }
    hundreds, baseline, singles, peers = race(lab, sides).values()
    willcall.rate = hundreds.median
    against = f"{willcall.workers} process(es) against {textbook.workers} prefork processes"
    of_peer = f"{willcall.workers} process(es) against {other.workers} workers"
    title = f"{broker}: {TITLE}"
    return [
        compared(f"{title}, 100 a message; textbook", TEXTBOOK, hundreds, baseline, against),
        compared(f"{title}, 1 a message; textbook", TEXTBOOK, singles, baseline, against),
        compared(f"{title}, 100 a message; {peer}", PEER, hundreds, peers, of_peer),
    ]
