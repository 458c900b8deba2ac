"""Plans hold the kinds that they were asked for, and the oracle knows poison from what went wrong."""

from random import Random
from typing import Any

import pytest

from tests.faults.buying.poisons import Poison, make_poisons
from tests.faults.checking.made_evidence import evidence, snapshot
from tests.faults.checking.oracle import find
from tests.faults.kinds.all_kinds import KINDS
from tests.faults.kinds.kind import Kind
from tests.faults.plan import make_plan
from tests.faults.system.stage import ALL_BROKERS, CLUSTER, VALKEY


@pytest.mark.parametrize("broker", ALL_BROKERS)
def test_a_plan_of_a_word_holds_all_kinds_with_it_and_no_other(broker: str) -> None:
    expected = {one.name for one in KINDS.values() if "killed" in one.name and broker in one.brokers}
    plan = make_plan(1, broker, 100, words=["killed"])
    assert {one.kind for one in plan.injections} == expected


def test_a_plan_leaves_out_what_the_machine_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "the cluster is cut in two"
    able = KINDS[name]
    monkeypatch.setitem(
        KINDS, name, Kind(name, able.inject, able.brokers, able.lasts, able.weight, lambda: False)
    )
    assert name not in {one.kind for one in make_plan(1, CLUSTER, 200).injections}


def test_no_plan_is_made_of_a_word_that_no_kind_has() -> None:
    with pytest.raises(AssertionError, match="no kind of fault"):
        make_plan(1, VALKEY, 10, words=["no such word"])


@pytest.mark.parametrize("poison", make_poisons(Random(1)), ids=lambda one: one.what)
def test_poison_is_to_be_a_dead_letter_with_a_reason_and_nothing_else(poison: Poison) -> None:
    buried = {"kind": "orders.create", "message": poison.body, "reason": "the body is no JSON"}
    stranger = {"kind": "orders.create", "message": b"{}", "reason": "a bug"}

    assert _findings([poison], [buried]) == []
    assert _findings([poison], []) == ["every_accepted_request_has_one_outcome"]
    assert _findings([poison], [buried, stranger]) == ["nothing_is_left_over"]
    assert _findings([poison], [buried | {"reason": ""}]) == ["nothing_is_left_over"]
    assert _findings([], [buried]) == ["nothing_is_left_over"]


def _findings(poisons: list[Poison], dead: list[dict[str, Any]]) -> list[str]:
    return [one.check for one in find(evidence(snapshot=snapshot(dead=dead), poisons=poisons))]
