"""Lowering the priority of this process."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_NICE: Final = 10


def lower_priority() -> None:
    """Give all other processes of this machine priority over this one, until it ends."""
    os.nice(_NICE)
    # If Linux groups processes by session, `nice` takes effect only inside the group (sched(7)).
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_NICE))
