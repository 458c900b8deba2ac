"""Flower's state survives its restart, in files under `WILLCALL_HOME`."""

import logging
import os
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

_SAVE_MILLISECONDS: Final = 30_000
"""Seconds between two saves; state since the last one is lost when the process is killed."""

_FLOWERS_OWN: Final = ("FLOWER_PERSISTENT", "FLOWER_DB", "FLOWER_STATE_SAVE_INTERVAL")


def keep_state(options: Any, home: Path) -> None:
    """Set Flower's options so that it keeps its state, unless its own variables say otherwise.

    A home that does not exist is not made: a container without one begins anew. Where no file can be written
    nothing is kept, which is logged. Flower itself puts a damaged file aside.
    """
    if any(name in os.environ for name in _FLOWERS_OWN) or not home.is_dir():
        return
    folder = home / "flower"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "writable").touch()
    except OSError as error:
        log.warning(
            "the dashboard cannot save its state, and loses it when it ends",
            extra={"error": str(error)[:200]},
        )
        return
    options.persistent = True
    options.db = str(folder / "state")
    options.state_save_interval = _SAVE_MILLISECONDS
