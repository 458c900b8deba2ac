"""Where the embedded servers listen: their socket directory and their URLs."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from worker.runtime.embedded.accounts import Account
from worker.runtime.embedded.errors import EmbeddedServerFailed

# Set for the server and its clients, as PGPORT in the environment would change it for either.
POSTGRES_PORT: Final = "5432"
POSTGRES_SOCKET: Final = f".s.PGSQL.{POSTGRES_PORT}"

SOCKETS = Path("/tmp")  # noqa: S108
"""The parent of all socket directories.

A socket's path has at most 107 bytes (103 on macOS), too few for one below any home. It is not $TMPDIR, as
shells with different values must find the same servers.
"""


def database_url(home: Path) -> str:
    """Return the URL of the embedded database of `home`, running or not."""
    return f"postgresql+psycopg://willcall@/willcall?host={socket_directory(home)}&port={POSTGRES_PORT}"


def is_of_home(database_url: str, home: Path) -> bool:
    """Tell whether the URL is that of the embedded PostgreSQL of `home`."""
    query = parse_qs(urlsplit(database_url).query)
    return query.get("host") == [str(socket_directory(home))]


def broker_url(home: Path) -> str:
    """Return the URL of the embedded broker of `home` in kombu's form, running or not."""
    return f"redis+socket://{socket_directory(home)}/valkey.sock"


def socket_directory(home: Path) -> Path:
    """Return the directory of the servers' sockets, a different one for each user and home."""
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    return SOCKETS / f"willcall-{os.geteuid()}-{name}"


def make_socket_directory(home: Path, account: Account | None) -> None:
    """Make the socket directory; raise `EmbeddedServerFailed` when it belongs to another user."""
    sockets = socket_directory(home)
    with suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
    # Another user may have created it first, to replace our sockets.
    owner = sockets.lstat().st_uid
    if owner != os.geteuid() or sockets.is_symlink():
        raise EmbeddedServerFailed(
            f"The embedded servers of {home} did not start: {sockets} is not our directory (it"
            f" belongs to uid {owner}). Remove it, or set WILLCALL_HOME to another place."
        )
    if account:
        os.chown(sockets, -1, account.gid)
    # Sticky, so that PostgreSQL's user cannot replace Valkey's socket.
    sockets.chmod(0o1770 if account else 0o700)
