"""A small on-sale, with all that goes wrong in a large one."""

import tempfile
from pathlib import Path

from tests.onsale.__main__ import is_good, summary
from tests.onsale.plot import draw
from tests.onsale.sale import Plan, running_sale


def test_a_sale_outlasts_two_killed_workers_and_a_broker_that_restarts() -> None:
    with tempfile.TemporaryDirectory(prefix="willcall-onsale-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_sale(Plan(buyers=400, tickets=300, seconds=15), folder, lambda text: None) as (sale, _):
            assert is_good(sale), summary(sale)
            assert len(sale.accidents) == 3
            plot = draw(sale)
    assert plot.count("<polyline") == 3
    assert "the broker restarts" in plot
