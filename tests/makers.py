"""Processes that make documents, and callers that wait for them."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.intake.cli.conftest import running_willcall
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, Process
from worker.runtime.settings import Settings


def running_maker(settings: Settings, log: Path) -> AbstractContextManager[Process]:
    """Run `willcall serve documents` beside an intake."""
    variables = {
        "WILLCALL_HOME": settings.home,
        "WILLCALL_DATABASE_URL": settings.database(),
        "WILLCALL_BROKER_URL": settings.broker(),
        "WILLCALL_GLOBAL_KEYPREFIX": settings.global_keyprefix,
    }
    return running_willcall("serve", "documents", variables=variables, log=log, ready=" ready.")


@pytest.fixture(scope="session")
def maker(shared_intake: Intake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A process that makes the documents of the intake that all tests of this process share."""
    with running_maker(shared_intake.settings, tmp_path_factory.mktemp("maker") / "log") as process:
        yield process


def patient_get(client: httpx.Client, url: str, **options: Any) -> httpx.Response:
    """Return the answer to a GET, asking again for as long as the document is being made."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := client.get(url, **options)).status_code == 202:
        assert time.monotonic() < deadline, "the document is not made"
    return answer
