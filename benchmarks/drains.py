"""Orders drained a second, against the textbook and against other task queues."""

from collections.abc import Sequence
from typing import Final

from benchmarks.lab import RABBITMQ, REDIS, Lab
from benchmarks.racing import Drain, race
from benchmarks.results import Row, Target, compared

TEXTBOOK: Final = Target(10)
PEER: Final = Target(6)

_PEERS: Final = {RABBITMQ: "dramatiq", REDIS: "huey"}


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return Willcall against the textbook, with a hundred orders a message and with one; and a peer."""
    peer = _PEERS[broker]
    crews = {name: lab.crew(name, broker) for name in ("willcall", "textbook", peer)}
    figures = race(
        lab,
        {
            f"{broker}, willcall": Drain(lab, crews["willcall"]),
            f"{broker}, textbook": Drain(lab, crews["textbook"]),
            f"{broker}, willcall, one order a message": Drain(lab, crews["willcall"], per_message=1),
            f"{broker}, {peer}": Drain(lab, crews[peer]),
        },
    )
    hundreds, textbook, singles, other = figures.values()
    ours = f"{crews['willcall'].workers} process(es)"
    crews["willcall"].rate = hundreds.median
    theirs = f"{crews['textbook'].workers} prefork processes"
    threads = crews[peer].workers
    return [
        compared(f"{broker}: orders drained, 100 a message; textbook", TEXTBOOK, hundreds, textbook,
                 f"{ours} against {theirs}"),
        compared(f"{broker}: orders drained, 1 a message; textbook", TEXTBOOK, singles, textbook,
                 f"{ours} against {theirs}"),
        compared(f"{broker}: orders drained, 100 a message; {peer}", PEER, hundreds, other,
                 f"{ours} against {threads} workers"),
    ]  # fmt: skip
