"""The broker's URL: one server, the nodes of a RabbitMQ cluster, or the Sentinels that know a Redis primary.

Several are a list with semicolons between them, as kombu and Celery write it.
"""

from typing import Final
from urllib.parse import urlsplit

SENTINEL: Final = "sentinel://"

_SCHEMES: Final = ("amqp://", "amqps://", "redis://", "rediss://", "redis+socket://", SENTINEL)
_OF_LISTS: Final = ("amqp://", "amqps://", SENTINEL)


def servers_in(url: str) -> tuple[str, ...]:
    """Return the URL of each server that the broker's URL names, in their order."""
    return tuple(part for part in (piece.strip() for piece in url.split(";")) if part)


def nodes_in(url: str) -> tuple[str, ...]:
    """Return the URLs that one can connect to in turn: the nodes of a cluster, else the one that is given.

    Sentinels are asked where the primary is: they are one, however many they are.
    """
    return (url,) if url.startswith(SENTINEL) else servers_in(url)


def checked(url: str) -> str:
    """Return the URL as we write it. Raises `ValueError` with a sentence that quotes nothing of it."""
    servers = tuple(dict.fromkeys(servers_in(url)))
    schemes = {_scheme_of(server) for server in servers} or {None}
    if None in schemes:
        expected = ", ".join(_SCHEMES)
        raise ValueError(
            f"must be a URL that begins with one of {expected}; between several, and nowhere else, is a ';' "
            "(write %3B for one in a password)"
        )
    if len(schemes) > 1:
        raise ValueError("must name servers of one kind: all its URLs begin alike")
    if len(servers) > 1 and not servers[0].startswith(_OF_LISTS):
        raise ValueError(
            "must name one server of Redis, as each has queues of its own; name Sentinels (sentinel://…;"
            "sentinel://…) to find the primary among several"
        )
    parts = [urlsplit(server) for server in servers]
    if len({_place(part.path) for part in parts}) > 1:
        raise ValueError("must end with the same virtual host or database in each of its URLs")
    if servers[0].startswith("rediss") and "ssl_cert_reqs=" not in servers[0]:
        # Without a word about certificates kombu accepts any.
        return f"{servers[0]}{'&' if '?' in servers[0] else '?'}ssl_cert_reqs=required"
    return ";".join(servers)


def _scheme_of(server: str) -> str | None:
    return next((scheme for scheme in _SCHEMES if server.startswith(scheme)), None)


def _place(path: str) -> str:
    # kombu takes no path, "/" and "//" for RabbitMQ's host "/" and Redis's database 0.
    return path.removeprefix("/") or "/"


def without_passwords(url: str) -> str:
    """Return the URL for people: every server, and two stars for each password."""
    return ";".join(_without_password(server) for server in servers_in(url))


def _without_password(server: str) -> str:
    scheme, _, rest = server.partition("://")
    rest = rest.partition("?")[0]
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}{colon and ':**'}{at}{place}"


def address_of(server: str) -> str:
    """Return host and port of a server, as people write them; the port only where the URL names one."""
    return _without_password(server).partition("://")[2].rpartition("@")[2].partition("/")[0]
