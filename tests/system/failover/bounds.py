"""How long an outage may take."""

import os
from typing import Final

from tests.steps import million_steps

ROUNDS: Final = int(os.environ.get("FAULTS_ROUNDS", "1"))
"""How often a server is lost. `make faults` has more of them, and the machine to itself."""

TARGET_SECONDS: Final = 5.0
_BESIDE_OTHER_TESTS_SECONDS: Final = 60.0


def bound() -> float:
    """Return the seconds: five, on a slower machine as much more; where others are at work, many more."""
    if ROUNDS == 1:
        return _BESIDE_OTHER_TESTS_SECONDS
    return TARGET_SECONDS * max(1.0, million_steps() / 0.05)
