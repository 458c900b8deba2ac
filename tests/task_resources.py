"""The tasks' own resources, opened against this process's embedded servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import resources
from tasks.waking import finish_waking
from worker.runtime.settings import get_settings


@pytest.fixture(autouse=True)
def fresh_resources(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WILLCALL_HOME", str(home))
    get_settings.cache_clear()
    yield
    finish_waking()
    resources.publisher().close()
    resources.engine().dispose()
    for cached in (resources.engine, resources.publisher, get_settings):
        cached.cache_clear()
