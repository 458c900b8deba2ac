"""A failing plan becomes a short one."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.plan import Plan, make_plan, read_plan
from tests.faults.shorten import shorten
from tests.faults.system.stage import VALKEY

PLAN = make_plan(1, VALKEY, 40)


@settings(deadline=None)
@given(st.sets(st.integers(0, 39), max_size=5))
def test_exactly_the_faults_that_are_needed_are_left(needed: set[int]) -> None:
    culprits = {PLAN.injections[number] for number in needed}

    def fails(plan: Plan) -> bool:
        return culprits <= set(plan.injections)

    assert set(shorten(PLAN, fails).injections) == culprits


def test_a_seed_makes_the_same_plan_and_a_file_keeps_it(tmp_path: Path) -> None:
    PLAN.write(tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == PLAN == make_plan(1, VALKEY, 40)
    assert make_plan(2, VALKEY, 40) != PLAN
