"""`willcall serve`, as the harness runs it: it can be stopped at named points, and lose a safeguard.

`FAULT_POINTS=FOLDER FAULT_MUTATION=NAME python -m tests.faults.system.process serve worker`
"""

import os
import sys
import threading
import time
from pathlib import Path

from intake.cli.main import run
from tests.faults.mutating.mutations import mutate
from tests.faults.system.points import watch_points


def tell_the_time(file: Path) -> None:
    """Write what time it is for this process, again and again."""
    new = file.with_suffix(".new")
    while True:
        new.write_text(str(time.time()))
        new.rename(file)
        time.sleep(0.1)


if __name__ == "__main__":
    if folder := os.environ.get("FAULT_POINTS"):
        watch_points(sys.argv[-1], Path(folder))
    if name := os.environ.get("FAULT_MUTATION"):
        mutate(name)
    if clock := os.environ.get("FAULT_CLOCK"):
        threading.Thread(target=tell_the_time, args=(Path(clock),), name="clock", daemon=True).start()
    sys.exit(run(sys.argv[1:]))
