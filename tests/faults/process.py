"""`willcall serve`, as the harness runs it: it can be stopped at named points, and lose a safeguard.

`FAULT_POINTS=FOLDER FAULT_MUTATION=NAME python -m tests.faults.process serve worker`
"""

import os
import sys
from pathlib import Path

from intake.cli import run
from tests.faults.mutations import mutate
from tests.faults.points import watch_points

if __name__ == "__main__":
    if folder := os.environ.get("FAULT_POINTS"):
        watch_points(sys.argv[-1], Path(folder))
    if name := os.environ.get("FAULT_MUTATION"):
        mutate(name)
    sys.exit(run(sys.argv[1:]))
