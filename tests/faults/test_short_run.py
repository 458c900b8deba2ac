"""The short form of `make faults`: some faults of many kinds under load, and the oracle's word."""

from pathlib import Path
from typing import Final

import pytest

from tests.faults.plan import make_plan
from tests.faults.running import run
from tests.faults.system.stage import BROKERS, VALKEY
from tests.system.failover.bounds import ROUNDS

_SEED: Final = 7
_FAULTS: Final = 12 if ROUNDS > 1 else 8


@pytest.mark.parametrize("broker", BROKERS if ROUNDS > 1 else (VALKEY,))
def test_nothing_is_lost_doubled_or_oversold(broker: str, tmp_path: Path) -> None:
    done = run(make_plan(_SEED, broker, _FAULTS, longest_seconds=3), tmp_path, say=print)

    assert done.findings == []
    assert done.without_effect == []
    assert len(done.injected) == _FAULTS
