"""The broker's URL: one server, the nodes of a RabbitMQ cluster, or the Sentinels of a Redis primary.

A list is separated by semicolons, as in kombu and Celery.
"""

from typing import Final
from urllib.parse import urlsplit

SENTINEL: Final = "sentinel://"

_SCHEMES: Final = ("amqp://", "amqps://", "redis://", "rediss://", "redis+socket://", SENTINEL)
_LIST_SCHEMES: Final = ("amqp://", "amqps://", SENTINEL)


def servers_in(url: str) -> tuple[str, ...]:
    """Return the URLs of the servers in the broker's URL, in order."""
    return tuple(part for part in (piece.strip() for piece in url.split(";")) if part)


def nodes_in(url: str) -> tuple[str, ...]:
    """Return the URLs to connect to in turn: the nodes of a cluster, or the whole URL.

    A list of Sentinels counts as one URL: any of them names the primary.
    """
    return (url,) if url.startswith(SENTINEL) else servers_in(url)


def checked(url: str) -> str:
    """Return the normalized URL. Raises `ValueError` with a sentence that quotes nothing of it."""
    servers = tuple(dict.fromkeys(servers_in(url)))
    schemes = {_scheme_of(server) for server in servers} or {None}
    if None in schemes:
        expected = ", ".join(_SCHEMES)
        raise ValueError(
            f"must be a URL that begins with one of {expected}; separate several with ';' (write %3B for a "
            "semicolon in a password)"
        )
    if len(schemes) > 1:
        raise ValueError("must have the same scheme in each of its URLs")
    if len(servers) > 1 and not servers[0].startswith(_LIST_SCHEMES):
        raise ValueError(
            "must name only one Redis server, as each has its own queues; to find the primary among "
            "several, name their Sentinels (sentinel://…;sentinel://…)"
        )
    parts = [urlsplit(server) for server in servers]
    if len({_place(part.path) for part in parts}) > 1:
        raise ValueError("must have the same virtual host or database in each of its URLs")
    if servers[0].startswith("rediss") and "ssl_cert_reqs=" not in servers[0]:
        # By default kombu accepts any certificate.
        return f"{servers[0]}{'&' if '?' in servers[0] else '?'}ssl_cert_reqs=required"
    return ";".join(servers)


def _scheme_of(server: str) -> str | None:
    return next((scheme for scheme in _SCHEMES if server.startswith(scheme)), None)


def _place(path: str) -> str:
    # For kombu no path, "/" and "//" all mean RabbitMQ's virtual host "/" and Redis's database 0.
    return path.removeprefix("/") or "/"


def without_passwords(url: str) -> str:
    """Return the URL for display: every server, with two stars for each password."""
    return ";".join(_without_password(server) for server in servers_in(url))


def _without_password(server: str) -> str:
    scheme, _, rest = server.partition("://")
    rest = rest.partition("?")[0]
    login, at, place = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}{colon and ':**'}{at}{place}"


def address_of(server: str) -> str:
    """Return a server's host, with its port if the URL has one, for display."""
    return _without_password(server).partition("://")[2].rpartition("@")[2].partition("/")[0]
