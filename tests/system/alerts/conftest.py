"""One system for all tests of alerts: each leaves it as well as it was."""

from collections.abc import Iterator

import pytest

from tests.system.alerts.running import System, running_system


@pytest.fixture(scope="module")
def shared_system() -> Iterator[System]:
    with running_system() as system:
        yield system


@pytest.fixture
def system(shared_system: System) -> System:
    """The system, all of it running, nothing waiting and nothing wrong."""
    shared_system.wait_until_well()
    return shared_system
