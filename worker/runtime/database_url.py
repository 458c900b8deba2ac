"""URLs of PostgreSQL: of one server, or of several of which one is the primary.

Both libpq's form and SQLAlchemy's are accepted (PostgreSQL, "Connection URIs"; SQLAlchemy, "Specifying
multiple fallback hosts"). The result has one form, with a port for each host.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

_SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_FORM: Final = "must be a URL like postgresql://user:password@host/database"
_PORT: Final = "5432"
# As in SQLAlchemy: a password ends at the first @.
_LOGIN: Final = re.compile(r"[^:/@]*(?::[^@]*)?@")

ATTRIBUTES: Final = "target_session_attrs"
_FOR_ALL: Final = ("read-write", "primary", "any")
_FOR_READS: Final = ("prefer-standby", "any")


def parse_database_url(url: str) -> str:
    """Return the URL in SQLAlchemy's form. Raises `ValueError` with a sentence.

    With several servers, a writable one is required unless the URL says otherwise.
    """
    return _parse(url, _FOR_ALL, "but Willcall must write")


def parse_read_database_url(url: str) -> str:
    """Return the URL of a read-only server, in SQLAlchemy's form. Raises `ValueError` with a sentence.

    With several servers, a standby is preferred unless the URL says otherwise.
    """
    return _parse(url, _FOR_READS, "but a standby may be promoted")


def _parse(url: str, allowed: tuple[str, ...], reason: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError(_FORM)
    login = _LOGIN.match(rest)
    start = login.end() if login else 0
    before, _, query = rest[start:].partition("?")
    named, slash, path = before.partition("/")
    parameters = parse_qsl(query, keep_blank_values=True)
    _check_attributes(parameters, allowed, reason)
    hosts = _hosts(named, parameters)
    if len(hosts) < 2:
        return f"postgresql+psycopg://{rest}"
    others = [(name, value) for name, value in parameters if name not in ("host", "port")]
    if all(name != ATTRIBUTES for name, _ in others):
        others.append((ATTRIBUTES, allowed[0]))
    servers = {"host": ",".join(host for host, _ in hosts), "port": ",".join(port for _, port in hosts)}
    query = urlencode([*servers.items(), *others], safe=",:/")
    return f"postgresql+psycopg://{rest[:start]}{slash or '/'}{path}?{query}"


def _check_attributes(parameters: list[tuple[str, str]], allowed: tuple[str, ...], reason: str) -> None:
    for name, value in parameters:
        if name == ATTRIBUTES and value not in allowed:
            raise ValueError(f"has {ATTRIBUTES}={value}, {reason}: use {', '.join(allowed)}")


def _hosts(named: str, parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each server's host and port, or an empty list if the URL names fewer than two."""
    hosts = [part for name, value in parameters if name == "host" for part in value.split(",")]
    ports = [part for name, value in parameters if name == "port" for part in value.split(",")]
    if "," not in named and len(hosts) < 2:
        return []
    if "," in named:
        if hosts or ports:
            raise ValueError("must name its hosts in one place: before the database, or as host=…")
        return [_split(part) for part in named.split(",")]
    if not ports:
        return [_split(part) for part in hosts]
    if len(ports) not in (1, len(hosts)):
        raise ValueError(f"must have a port for each of its {len(hosts)} hosts, or one for all of them")
    ports = ports if len(ports) > 1 else ports * len(hosts)
    return [_checked(host, port) for host, port in zip(hosts, ports, strict=True)]


def _split(part: str) -> tuple[str, str]:
    """Return the host and the port of `host`, `host:port`, `[::1]:port` or a directory of sockets."""
    if part.startswith("["):
        host, bracket, port = part[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError("has an IPv6 address without its closing bracket")
        return _checked(host, port[1:])
    if part.startswith("/") or part.count(":") > 1:  # IPv6, as `host=` takes it
        return _checked(part, "")
    host, _, port = part.partition(":")
    return _checked(host, port)


def _checked(host: str, port: str) -> tuple[str, str]:
    if not host:
        raise ValueError("has an empty host name: check its commas")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError("has a port that is not a number from 1 to 65535")
    return host, port or _PORT
