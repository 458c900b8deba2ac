"""URLs of PostgreSQL: of one server, or of several of which one is the primary.

libpq's form and SQLAlchemy's are both understood (PostgreSQL, "Connection URIs"; SQLAlchemy, "Specifying
multiple fallback hosts"); what comes out has one form, with a port for each host.
"""

import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

_SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_FORM: Final = "must be a URL like postgresql://user:password@host/database"
_PORT: Final = "5432"
# As SQLAlchemy takes it: a password goes to the first @, whatever else is in it.
_LOGIN: Final = re.compile(r"[^:/@]*(?::[^@]*)?@")

ATTRIBUTES: Final = "target_session_attrs"
_FOR_ALL: Final = ("read-write", "primary", "any")
_FOR_READS: Final = ("prefer-standby", "any")


def parse_database_url(url: str) -> str:
    """Return the URL as SQLAlchemy takes it. Raises `ValueError` with a sentence.

    Where it names several servers, one that can be written to is wanted unless the URL says otherwise.
    """
    return _parse(url, _FOR_ALL, "and Willcall writes")


def parse_read_database_url(url: str) -> str:
    """Return the URL of a server that is only read. Raises `ValueError` with a sentence.

    Where it names several servers, a standby is preferred unless the URL says otherwise.
    """
    return _parse(url, _FOR_READS, "and a standby may be promoted")


def _parse(url: str, allowed: tuple[str, ...], reason: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError(_FORM)
    login = _LOGIN.match(rest)
    start = login.end() if login else 0
    before, _, query = rest[start:].partition("?")
    named, slash, path = before.partition("/")
    words = parse_qsl(query, keep_blank_values=True)
    _check_attributes(words, allowed, reason)
    hosts = _hosts(named, words)
    if len(hosts) < 2:
        return f"postgresql+psycopg://{rest}"
    others = [(name, value) for name, value in words if name not in ("host", "port")]
    if all(name != ATTRIBUTES for name, _ in others):
        others.append((ATTRIBUTES, allowed[0]))
    servers = {"host": ",".join(host for host, _ in hosts), "port": ",".join(port for _, port in hosts)}
    query = urlencode([*servers.items(), *others], safe=",:/")
    return f"postgresql+psycopg://{rest[:start]}{slash or '/'}{path}?{query}"


def _check_attributes(words: list[tuple[str, str]], allowed: tuple[str, ...], reason: str) -> None:
    for name, value in words:
        if name == ATTRIBUTES and value not in allowed:
            raise ValueError(f"has {ATTRIBUTES}={value}, {reason}: use {', '.join(allowed)}")


def _hosts(named: str, words: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each server's host and port; one or none is not looked at any further."""
    asked = [part for name, value in words if name == "host" for part in value.split(",")]
    ports = [part for name, value in words if name == "port" for part in value.split(",")]
    if "," not in named and len(asked) < 2:
        return []
    if "," in named:
        if asked or ports:
            raise ValueError("must name its hosts in one place: before the database, or as host=…")
        return [_split(part) for part in named.split(",")]
    if not ports:
        return [_split(part) for part in asked]
    if len(ports) not in (1, len(asked)):
        raise ValueError(f"must have a port for each of its {len(asked)} hosts, or one for all of them")
    given = ports if len(ports) > 1 else ports * len(asked)
    return [_checked(host, port) for host, port in zip(asked, given, strict=True)]


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
        raise ValueError("names a host without a name: look at its commas")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError("has a port that is no number from 1 to 65535")
    return host, port or _PORT
