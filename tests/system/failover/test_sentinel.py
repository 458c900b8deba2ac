"""A primary of Valkey dies under load and its replica is promoted: nothing accepted is lost or doubled."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.processes import pause
from tests.system.failover.bounds import ROUNDS
from tests.system.failover.crew import running_crew
from tests.system.failover.sentinels import MASTER, Sentinels, running_sentinels

pytestmark = [
    pytest.mark.xdist_group("sentinels"),
    pytest.mark.skipif(ROUNDS == 1, reason="of the long form: make faults"),
]


def _kill(system: Sentinels) -> None:
    system.kill(system.primary())


def _stop(system: Sentinels) -> None:
    pause(system.servers[system.primary()].pid)


@pytest.mark.parametrize(
    ("outage", "seconds"),
    [pytest.param(_kill, None, id="killed"), pytest.param(_stop, 60, id="hangs")],
)
def test_a_primary_is_lost_under_load(
    outage: Callable[[Sentinels], None],
    seconds: float | None,
    home: Path,
    engine: Engine,
    tmp_path: Path,
) -> None:
    with running_sentinels(tmp_path) as system:
        variables = {"WILLCALL_BROKER_MASTER_NAME": MASTER, "WILLCALL_VISIBILITY_TIMEOUT_SECONDS": 5}
        with running_crew(system.url, home, engine, tmp_path, **variables) as crew:
            crew.survives("the primary is lost", lambda: outage(system), seconds)
            crew.load.stop()
            crew.load.check()
            crew.load.order_ids()
            crew.end()
