"""What processes have had of the processor, their children included (Linux: proc(5), `/proc/PID/stat`).

Other than a time by the clock, it hardly changes when the machine is busy with something else.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")

# Among the fields after the program's name.
_PARENT: Final = 1
_TIMES: Final = slice(11, 15)  # user, system, and the same of children that have ended


def seconds_of(pids: Iterable[int]) -> float:
    """Return the seconds of these processes and of all below them, those that have ended included."""
    stats = _stats()
    below: dict[int, list[int]] = {}
    for pid, fields in stats.items():
        below.setdefault(int(fields[_PARENT]), []).append(pid)
    left, seen = list(pids), set[int]()
    while left:
        pid = left.pop()
        if pid in stats and pid not in seen:
            seen.add(pid)
            left += below.get(pid, [])
    return sum(sum(map(int, stats[pid][_TIMES])) for pid in seen) / _TICKS


def _stats() -> dict[int, list[str]]:
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdigit():
                found[int(entry.name)] = (entry / "stat").read_text().rpartition(")")[2].split()
    return found
