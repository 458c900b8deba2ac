"""Letting other processes of a machine have the processor first."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_NICE: Final = 10


def make_way() -> None:
    """Let all other processes of this machine go first, for the life of this one."""
    os.nice(_NICE)
    # Where Linux groups processes by their session, `nice` counts inside of the group only (sched(7)).
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE))
