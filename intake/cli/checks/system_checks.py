"""The checks of `willcall doctor` on this machine: versions, and the disk of the embedded servers."""

import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from worker.broker.safety import Finding
from worker.runtime.settings import Settings

_LEAST_FREE_BYTES: Final = 2 * 1024**3
"""PostgreSQL stops when its write-ahead log has no space; a segment has 16 MiB, and there are several."""


def check_system(settings: Settings) -> Iterator[Finding]:
    """Report the versions, and check the free space of the embedded servers if one is used."""
    yield Finding("version", True, f"Willcall {version('willcall')} on Python {platform.python_version()}")
    if settings.database_url is None or settings.broker_url is None:
        yield check_disk(settings.home)


def check_disk(home: Path, least_free_bytes: int = _LEAST_FREE_BYTES) -> Finding:
    """Check the free space on the disk of the embedded servers."""
    free = shutil.disk_usage(home).free
    sentence = f"{free / 1024**3:.1f} GiB are free in {home.resolve()}"
    if free >= least_free_bytes:
        return Finding("disk", True, sentence)
    advice = (
        f"less than {least_free_bytes / 1024**3:.1f} GiB: free some space, or use a database elsewhere "
        f"(WILLCALL_DATABASE_URL); `du -xh {home.resolve()} | sort -h | tail` shows what uses it"
    )
    return Finding("disk", False, f"{sentence}, {advice}")
