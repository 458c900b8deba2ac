"""A proxy between a client and the intake, which forwards every call unchanged and records it."""

import http.client
import os
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from intake.recording.discretion import Discretion
from intake.recording.exchanges import KEPT_ANSWER_HEADERS, KEPT_HEADERS, Exchange, text_of

_TIMEOUT_SECONDS: Final = 120  # longer than any call waits for its outcome
_OF_THE_CONNECTION: Final = {
    "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade",
}  # fmt: skip
"""Headers that are about one connection (RFC 9110, 7.6.1), and the length, which is counted anew."""

Headers = list[tuple[str, str]]


class Recorder(ThreadingHTTPServer):
    """Listens on loopback, passes calls on to `target`, and writes each to a new file."""

    daemon_threads = True

    def __init__(self, target: str, path: Path, port: int) -> None:
        """Open the file and the port. Raises `OSError`, `FileExistsError` for an existing file."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.target = target.rstrip("/")
        self.count = 0
        self._discretion = Discretion()
        self._lock = threading.Lock()
        try:
            # Buyers' names are in it: only its owner may read it.
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            self.server_close()
            raise

    @property
    def url(self) -> str:
        """Return what clients are pointed at."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def write(
        self,
        method: str,
        path: str,
        sent: Headers,
        body: bytes,
        status: int,
        answered: Headers,
        content: bytes,
    ) -> None:
        """Write a call and its answer down, without secrets."""
        headers, answer_headers = _as_mapping(sent), _as_mapping(answered)
        with self._lock:
            credentials = self._discretion.credentials(headers)
            exchange = Exchange(
                method,
                self._discretion.hide(path),
                self._kept(headers, KEPT_HEADERS),
                credentials,
                self._text(body, headers.get("content-type", "")),
                status,
                self._kept(answer_headers, KEPT_ANSWER_HEADERS),
                self._text(content, answer_headers.get("content-type", "")),
            )
            line = exchange.line()
            while line:
                line = line[os.write(self._file, line) :]
            self.count += 1

    def _kept(self, headers: dict[str, str], names: Iterable[str]) -> dict[str, str]:
        return {name: self._discretion.hide(headers[name]) for name in names if name in headers}

    def _text(self, content: bytes, media_type: str) -> str | None:
        text = text_of(content, media_type)
        return None if text is None else self._discretion.hide(text)

    def close(self) -> None:
        """Close the port and the file."""
        self.server_close()
        os.close(self._file)


def _as_mapping(headers: Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    server: Recorder
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        body = self._body()
        sent = [
            (name, value) for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION
        ]
        try:
            status, answered, content = self._ask(sent, body)
        except (OSError, http.client.HTTPException) as error:
            self.send_error(502, f"the intake {self.server.target} does not answer: {type(error).__name__}")
            return
        self.server.write(self.command, self.path, sent, body, status, answered, content)
        self._answer(status, answered, content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _pass_on

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("transfer-encoding") or "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(parts)

    def _ask(self, sent: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        target = urlsplit(self.server.target)
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.netloc, timeout=_TIMEOUT_SECONDS)
        try:
            # The Host is the client's own: signatures are over it. Packed answers could not be read.
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent:
                if name.lower() != "accept-encoding":
                    connection.putheader(name, value)
            if body or self.command in ("POST", "PUT", "PATCH"):
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, answered: Headers, content: bytes) -> None:
        self.send_response_only(status)
        # Links lead here, too, so that what the client follows is recorded.
        own, target = self.server.url, self.server.target
        if text_of(content, _as_mapping(answered).get("content-type", "")) is not None:
            content = content.replace(target.encode(), own.encode())
        for name, value in answered:
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value.replace(target, own))
        has_body = self.command != "HEAD" and status not in (204, 304)
        if has_body:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if has_body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the calls are in the file."""
