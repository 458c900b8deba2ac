"""Whose answer is made next."""

import random
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from intake.requests.turns import GROUP_TICKETS, Turns

LARGE, SMALL = uuid4(), uuid4()


@dataclass(frozen=True)
class Answer:
    tenant_id: UUID
    weight: int
    number: int = 0


def groups_of(*answers: Answer) -> list[list[Answer]]:
    turns: Turns[Answer] = Turns()
    for answer in answers:
        turns.add(answer)
    groups = []
    while turns:
        groups.append(turns.take())
    return groups


def test_small_answers_wait_for_one_large_one_of_another_tenant_at_most() -> None:
    large = [Answer(LARGE, 1_000, number) for number in range(50)]
    small = [Answer(SMALL, 2, number) for number in range(50)]

    groups = groups_of(*large, *small)

    assert groups[0] == large[:1]
    assert groups[1] == small
    assert groups[2:] == [[one] for one in large[1:]]


def test_tenants_take_turns_within_a_group() -> None:
    many = [Answer(LARGE, 1, number) for number in range(10 * GROUP_TICKETS)]
    few = [Answer(uuid4(), 1, number) for number in range(20)]

    first = groups_of(*many, *few)[0]

    assert set(few) < set(first)


@pytest.mark.parametrize("seed", range(20))
def test_everybody_is_answered_once_and_in_the_order_of_the_tenant(seed: int) -> None:
    dice = random.Random(seed)
    tenants = [uuid4() for _ in range(5)]
    weights = (1, 2, 50, GROUP_TICKETS, 5 * GROUP_TICKETS)
    answers = [Answer(dice.choice(tenants), dice.choice(weights), number) for number in range(300)]

    groups = groups_of(*answers)

    assert all(group for group in groups)
    assert all(len(group) == 1 or sum(one.weight for one in group) <= GROUP_TICKETS for group in groups)
    given = [one for group in groups for one in group]
    for tenant in tenants:
        assert [one for one in given if one.tenant_id == tenant] == [
            one for one in answers if one.tenant_id == tenant
        ]
