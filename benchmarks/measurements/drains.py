"""Orders drained a second: against the textbook, against other task queues, and against the floor."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.compared.floor import Floor
from benchmarks.loads.orders import HOT
from benchmarks.results import Figure, Row, Target, compared
from benchmarks.running.crew import Crew
from benchmarks.running.lab import RABBITMQ, REDIS, Lab
from benchmarks.running.racing import Drain, Run, race

TITLE: Final = "orders drained"
TEXTBOOK: Final = Target(10)

_PEER: Final = Target(6)
_FLOOR: Final = Target(0.65)
_HOT: Final = Target(0.9)

_PEERS: Final = {RABBITMQ: "dramatiq", REDIS: "huey"}


def run(lab: Lab, broker: str) -> Sequence[Row]:
    """Return Willcall's drains against the others', all in one race.

    On the recommended broker also against the floor, and all on one ticket class against spread ones.
    """
    crews = lab.crews(broker, "willcall", "textbook", _PEERS[broker])
    willcall, textbook, peer = crews
    sides: dict[str, Run] = {"willcall": Drain(lab, willcall)}
    if broker == lab.brokers[0]:
        # Right after Willcall, whose last rows it writes.
        sides["the COPY floor"] = Floor(lab.new_database("floor"), willcall.system.database)
        sides["willcall, all on one class"] = Drain(lab, willcall, classes=HOT)
    sides |= {
        "textbook": Drain(lab, textbook),
        "willcall, one order a message": Drain(lab, willcall, per_message=1),
        peer.system.name: Drain(lab, peer),
    }
    figures = race(lab, {f"{broker}, {name}": side for name, side in sides.items()})
    found = dict(zip(sides, figures.values(), strict=True))
    willcall.rate = found["willcall"].median
    return _rows(f"{broker}: {TITLE}", found, crews)


def _rows(title: str, found: Mapping[str, Figure], crews: Sequence[Crew]) -> list[Row]:
    willcall, textbook, peer = crews
    ours = f"{willcall.workers} process(es)"
    against = f"{ours} against {textbook.workers} prefork processes"
    hundreds, baseline = found["willcall"], found["textbook"]
    singles, others = found["willcall, one order a message"], found[peer.system.name]
    rows = [
        compared(f"{title}, 100 a message; textbook", TEXTBOOK, hundreds, baseline, against),
        compared(f"{title}, 1 a message; textbook", TEXTBOOK, singles, baseline, against),
        compared(
            f"{title}, 100 a message; {peer.system.name}",
            _PEER,
            hundreds,
            others,
            f"{ours} against {peer.workers} workers",
        ),
    ]
    if "the COPY floor" in found:
        floor, hot = found["the COPY floor"], found["willcall, all on one class"]
        rows += [
            compared(
                f"{title}; the same rows written with COPY", _FLOOR, hundreds, floor, f"{ours} against one"
            ),
            compared(f"{title}, all on one ticket class; over 100", _HOT, hot, hundreds, ours),
        ]
    return rows
