"""TLS for a test: a certificate of its own, and a server that ends TLS for one that cannot."""

import asyncio
import queue
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import PATIENCE_SECONDS


@dataclass(frozen=True)
class Certificate:
    """A certificate that is its own authority, and its key."""

    file: Path
    key: Path


def make_certificate(folder: Path, host: str) -> Certificate:
    """Make a certificate for a host: `IP:127.0.0.1`, `DNS:localhost`."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command to make a certificate with")
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    folder.mkdir(exist_ok=True)
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=willcall-test", "-addext", f"subjectAltName={host}"]
    files: list[str | Path] = ["-keyout", made.key, "-out", made.file]
    subprocess.run(["openssl", "req", "-x509", *kind, *name, *files], check=True, capture_output=True)
    return made


@contextmanager
def tls_in_front_of(port: int, certificate: Certificate) -> Iterator[int]:
    """Answer TLS on a free port and pass what is said on to a port without, as stunnel does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        sessions.add(asyncio.gather(_copy(reader, to_server), _copy(from_server, writer)))

    async def serve() -> None:
        server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
        ports.put(server.sockets[0].getsockname()[1])
        await asyncio.wrap_future(ended)
        server.close()
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    sessions: set[asyncio.Future[tuple[None, None]]] = set()
    ports: queue.Queue[int] = queue.Queue()
    ended: Future[None] = Future()
    serving = threading.Thread(target=asyncio.run, args=(serve(),))
    serving.start()
    try:
        yield ports.get(timeout=PATIENCE_SECONDS)
    finally:
        ended.set_result(None)
        serving.join(PATIENCE_SECONDS)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()
    except OSError:
        pass  # a client that was killed
    finally:
        target.close()
