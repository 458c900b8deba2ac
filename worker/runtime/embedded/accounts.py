"""The system account of PostgreSQL, which refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from worker.runtime.embedded.errors import EmbeddedUnavailable

# As root: the place for files that PostgreSQL's user cannot reach elsewhere.
SYSTEM_STATE = Path("/var/lib/willcall")


class Account(NamedTuple):
    """The account that runs PostgreSQL if we are root, as PostgreSQL refuses root."""

    uid: int
    gid: int


def make_system_state() -> None:
    SYSTEM_STATE.mkdir(parents=True, exist_ok=True)
    SYSTEM_STATE.chmod(0o755)


def account_of(home: Path) -> Account | None:
    if os.geteuid() != 0:
        return None
    with suppress(FileNotFoundError):
        data = (home / "postgres").stat()
        if data.st_uid != 0:
            return Account(data.st_uid, data.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return Account(user.pw_uid, user.pw_gid)
    raise EmbeddedUnavailable(
        "PostgreSQL cannot run here: it refuses to run as root, and there is no user postgres or"
        " nobody. Set WILLCALL_DATABASE_URL to the URL of a server."
    )


def run_as(account: Account | None) -> dict[str, Any]:
    """Return subprocess's arguments to run a program as `account`, in a folder that it may enter."""
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.uid, "group": account.gid, "extra_groups": []}


def can_run(command: Sequence[str | Path], account: Account | None) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, **run_as(account))
    except OSError:
        return False
    return done.returncode == 0
