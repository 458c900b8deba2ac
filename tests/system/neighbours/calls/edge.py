"""An intake of its own to attack, as a process whose memory can be read, and raw connections to it."""

import json
import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until
from tests.rabbitmq import free_port

SERVE: Final = (
    "from intake.server import serve; from worker.runtime.settings import get_settings; serve(get_settings())"
)
_USUAL_FILES: Final = 500
"""That a process of the tests has open, with room."""
HEALTH: Final = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"


@dataclass
class Edge:
    """A running intake."""

    port: int
    pid: int
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS) as connection:
            yield connection

    @contextmanager
    def connections(self, count: int) -> Iterator[list[socket.socket]]:
        with ExitStack() as stack:
            stack.enter_context(_room_for_files(count))
            yield [stack.enter_context(self.connection()) for _ in range(count)]

    def post(self, path: str, *headers: str) -> bytes:
        """Return the head of a call with the key, not yet closed by an empty line."""
        lines = [f"POST {path} HTTP/1.1", "host: x", f"authorization: Bearer {self.key}", *headers]
        return "\r\n".join(lines).encode() + b"\r\n"

    def is_healthy(self) -> bool:
        return httpx.get(f"{self.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200

    def refusals(self) -> dict[str, float]:
        """Return how many were refused so far, by status."""
        text = httpx.get(f"{self.url}/metrics", timeout=PATIENCE_SECONDS).text
        found = re.findall(r'^willcall_intake_refused_total{status="(\w+)"} (\S+)', text, re.MULTILINE)
        return {status: float(count) for status, count in found}

    def memory(self) -> int:
        """Return the bytes that the process occupies now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def sockets(self) -> int:
        """Return how many sockets the process has open."""
        count = 0
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                count += str(entry.readlink()).startswith("socket:")
        return count

    def cpu_seconds(self) -> float:
        """Return the processor time that the process has had."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _room_for_files(count: int) -> Iterator[None]:
    """Let this process open so many more files than usual, as an ordinary user's limit may be a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, count + _USUAL_FILES)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        pytest.skip(f"the system lets this user open {hard} files, and the test needs {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def running_edge(intake: Intake, **settings: Any) -> Iterator[Edge]:
    """Run an intake beside another, on its servers, with limits of its own."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("what a process costs is read from /proc")
    port = free_port()
    environment = os.environ | {
        "WILLCALL_DATABASE_URL": intake.settings.database(),
        "WILLCALL_BROKER_URL": intake.settings.broker(),
        "WILLCALL_GLOBAL_KEYPREFIX": intake.settings.global_keyprefix,
        "WILLCALL_INTAKE_PORT": str(port),
        **{f"WILLCALL_{name.upper()}": str(value) for name, value in settings.items()},
    }
    process = subprocess.Popen([sys.executable, "-c", SERVE], env=environment, stderr=subprocess.DEVNULL)
    try:
        edge = Edge(port, process.pid, intake.new_key("admin"))
        wait_until(lambda: process.poll() is not None or _is_ready(edge), what="an intake that is ready")
        yield edge
        assert process.poll() is None, "the attack has ended the process"
    finally:
        process.kill()
        process.wait()


def _is_ready(edge: Edge) -> bool:
    try:
        return httpx.get(f"{edge.url}/readyz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def send(connection: socket.socket, pieces: Iterable[bytes]) -> int:
    """Send until all is sent or nobody takes any more; return the bytes that were."""
    sent = 0
    try:
        for piece in pieces:
            connection.sendall(piece)
            sent += len(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent


def read_to_end(connection: socket.socket) -> bytes:
    """Return what comes until the server closes."""
    answer = b""
    try:
        while chunk := connection.recv(65536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """Return what comes until it ends so."""
    answer = b""
    while not answer.endswith(end):
        chunk = connection.recv(65536)
        assert chunk, f"closed after {answer!r}"
        answer += chunk
    return answer


@dataclass(frozen=True)
class Answer:
    """An answer that closed its connection."""

    status: int
    head: str
    body: bytes

    @property
    def detail(self) -> str:
        return str(json.loads(self.body)["detail"])


def answers_in(raw: bytes) -> list[Answer]:
    """Return the answers that came one after the other; each says its length."""
    found = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            continue
        length = re.search(rb"content-length: (\d+)", head)
        size = int(length[1]) if length else 0
        found.append(Answer(int(head.split()[1]), head.decode().lower(), raw[:size]))
        raw = raw[size:]
    return found
