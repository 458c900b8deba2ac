"""The version before the newest migration, as its code was, taken from the repository's history."""

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Final

import pytest

from db.revisions import MIGRATIONS, newest_revision
from tests.processes import ROOT

_NO_HISTORY: Final = "this clone has no history from which to take the version before"


def unpack_former_version(folder: Path) -> Path:
    """Return a directory with the code of the version before; skips the test where there is no history.

    It is the commit before the one that added the newest migration, or the last one while that is added.
    """
    named = f'revision = "{newest_revision()}"'
    newest = next(path for path in MIGRATIONS.glob("versions/*.py") if named in path.read_text())
    added = _git("log", "--diff-filter=A", "--format=%H", "--", str(newest.relative_to(ROOT))).decode()
    commit = f"{added.split()[-1]}^" if added.strip() else "HEAD"
    archive = _git("archive", "--format=tar", commit)
    code = folder / "former"
    code.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(code, filter="data")
    return code


def _git(*words: str) -> bytes:
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(_NO_HISTORY)
