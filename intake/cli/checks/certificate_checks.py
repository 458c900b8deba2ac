"""The checks of `willcall doctor` on the servers' certificates: when they expire.

They are read without verification: connections verify them, and an expired one must be readable, too.
"""

import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import make_url

from intake.cli.checks.certificates import CertificateUnreadable, expiry_of
from willcall.broker_urls import servers_in
from worker.broker.safety import Finding
from worker.runtime.settings import Settings

_SECONDS: Final = 3.0
_SOON: Final = timedelta(days=14)

# PostgreSQL, "SSL Session Encryption": a length of 8, and the code that requests TLS.
_TLS_PLEASE: Final = struct.pack("!ii", 8, 80877103)

_TLS_PORTS: Final = {"amqps": 5671, "rediss": 6379, "https": 443}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that may speak TLS, and the command that loads a new certificate there."""

    name: str
    host: str
    port: int
    renewal: str
    is_postgres: bool = False


def check_certificates(settings: Settings) -> Iterator[Finding]:
    """Check the certificate of each server that speaks TLS; takes at most a few seconds per server."""
    for server in servers_of(settings):
        found = check_certificate(server, datetime.now(UTC))
        if found is not None:
            yield found


def servers_of(settings: Settings) -> Iterator[Server]:
    """Yield the servers that the settings name, except those on a local socket."""
    for url in (settings.database_url, settings.read_database_url):
        if url is not None:
            yield from _databases(url)
    for url in servers_in(settings.broker_url or ""):
        parts = urlsplit(url)
        if parts.scheme in ("amqps", "rediss") and parts.hostname:
            renewal = (
                "`rabbitmqctl eval 'ssl:clear_pem_cache().'`"
                if parts.scheme == "amqps"
                else "`redis-cli CONFIG SET tls-cert-file FILE tls-key-file FILE`"
            )
            yield Server("broker", parts.hostname, parts.port or _TLS_PORTS[parts.scheme], renewal)
    public = urlsplit(settings.public_url or "")
    if public.scheme == "https" and public.hostname:
        renewal = "a reload of the proxy that terminates TLS, such as `systemctl reload nginx`"
        yield Server("public address", public.hostname, public.port or _TLS_PORTS["https"], renewal)


def _databases(url: str) -> Iterator[Server]:
    parts = make_url(url)
    if str(parts.query.get("sslmode", "")) == "disable":
        return
    hosts = str(parts.query.get("host") or parts.host or "").split(",")
    ports = str(parts.query.get("port") or parts.port or 5432).split(",")
    for number, host in enumerate(hosts):
        if host and not host.startswith("/"):
            port = int(ports[number] if number < len(ports) else ports[0])
            yield Server("database", host, port, "`SELECT pg_reload_conf()`", is_postgres=True)


def check_certificate(server: Server, now: datetime) -> Finding | None:
    """Check a server's certificate; None if the server does not speak TLS."""
    check = f"certificate of the {server.name} {server.host}:{server.port}"
    try:
        certificate = _read(server)
        expiry = None if certificate is None else expiry_of(certificate)
    except (OSError, CertificateUnreadable) as error:
        reason = str(error) if isinstance(error, CertificateUnreadable) else type(error).__name__
        address = f"{server.host}:{server.port}"
        return Finding(
            check, False, f"it cannot be read ({reason}): try `openssl s_client -connect {address}`"
        )
    if expiry is None:
        return None
    left = expiry - now
    sentence = f"it {'expired' if left <= timedelta() else 'is valid until'} {expiry:%Y-%m-%d %H:%M} UTC"
    if left > _SOON:
        return Finding(check, True, sentence)
    return Finding(check, False, f"{sentence}: renew it, then load it with {server.renewal}")


def _read(server: Server) -> bytes | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((server.host, server.port), timeout=_SECONDS) as plain:
        if server.is_postgres:
            plain.sendall(_TLS_PLEASE)
            if plain.recv(1) != b"S":
                return None
        with context.wrap_socket(plain, server_hostname=server.host) as secured:
            return secured.getpeercert(binary_form=True)
