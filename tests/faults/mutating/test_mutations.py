"""The harness can fail: the oracle cries out where a safeguard is off, and is silent where it is on."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.faults.checking.oracle import CHECKS
from tests.faults.mutating.mutations import MUTATIONS
from tests.faults.mutating.scenes import SCENES, Scene
from tests.faults.mutating.theatre import Theatre, open_theatre
from tests.faults.system.stage import BROKERS, RABBITMQ, VALKEY
from tests.homes import temporary_home
from tests.processes import ROOT
from tests.rabbitmq import is_installed
from tests.system.failover.bounds import ROUNDS

# kombu leaves a socket of a producer to the garbage collector, which says so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_PATIENCE_SECONDS = 60.0
_ROUNDS_OF_SILENCE = 2
"""Of a scene in which another safeguard covers the one that is off."""


@pytest.fixture(scope="module", params=BROKERS if ROUNDS > 1 else (VALKEY,))
def theatre(request: pytest.FixtureRequest) -> Iterator[Theatre]:
    if request.param == RABBITMQ and not is_installed():
        pytest.skip("RabbitMQ is not installed")
    with temporary_home() as home, open_theatre(request.param, home) as opened:
        yield opened
    gc.collect()  # now, where its warnings are expected


_PLAYED = [one for one in SCENES if one.is_quick or ROUNDS > 1]


@pytest.mark.xdist_group("mutations")  # one stage for all
@pytest.mark.parametrize("scene", _PLAYED, ids=[one.name for one in _PLAYED])
def test_the_oracle_cries_out_where_a_safeguard_is_off(theatre: Theatre, scene: Scene) -> None:
    if theatre.stage.broker_name not in scene.brokers:
        pytest.skip(f"{scene.name}: not on {theatre.stage.broker_name}")
    rounds = 1_000 if scene.cries else _ROUNDS_OF_SILENCE

    without = theatre.play(scene, is_mutated=True, rounds=rounds, seconds=_PATIENCE_SECONDS)
    with_it = theatre.play(scene, is_mutated=False, rounds=without.rounds)

    gc.collect()

    assert scene.cries <= without.cries, f"{without.rounds} rounds found {without.findings}"
    assert scene.cries or not without.findings, f"nothing covers what is off: {without.findings}"
    assert not with_it.findings


def test_scenes_name_checks_and_mutations_that_there_are() -> None:
    names = {check.__name__ for check in CHECKS}

    assert all(scene.cries <= names for scene in SCENES)
    assert {name for scene in SCENES if scene.mutation for name in scene.mutation.split(",")} <= set(
        MUTATIONS
    )
    assert len({scene.name for scene in SCENES}) == len(SCENES)


def test_every_mutation_is_played() -> None:
    played = {name for scene in SCENES for name in scene.mutation.split(",")}

    assert set(MUTATIONS) <= played


def test_each_mutation_finds_the_code_that_it_changes() -> None:
    mutate_all = "from tests.faults.mutating.mutations import MUTATIONS, mutate; mutate(','.join(MUTATIONS))"

    done = subprocess.run([sys.executable, "-c", mutate_all], cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
