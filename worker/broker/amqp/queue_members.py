"""The nodes that hold a copy of each queue, from RabbitMQ's management API: AMQP does not show them."""

import base64
import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import quote, unquote, urlsplit

from willcall.broker_urls import address_of, servers_in

_SECONDS: Final = 2.0
_PORTS: Final = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
_MOST_BYTES: Final = 16 * 1024 * 1024


class MembersUnknown(Exception):
    """The management API did not answer; the text lists the addresses that were tried."""


@dataclass(frozen=True, slots=True)
class QuorumQueue:
    """A queue and the nodes that have a copy of it."""

    name: str
    members: tuple[str, ...]
    online: tuple[str, ...]


def quorum_queues(broker_url: str, management_url: str | None) -> list[QuorumQueue]:
    """Return the quorum queues of the broker's virtual host. Raises `MembersUnknown`.

    Without a URL each node is queried at the API's default port, with the broker's user.
    """
    servers = servers_in(broker_url)
    host = unquote(urlsplit(servers[0]).path.removeprefix("/")) or "/"
    failures = []
    for base in [management_url] if management_url else [_usual_url(server) for server in servers]:
        try:
            found = _get(base, f"/api/queues/{quote(host, safe='')}")
            return [_queue(queue) for queue in found if queue.get("type") == "quorum"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            # An error's text may quote the server's answer.
            status = getattr(error, "code", None)
            failures.append(f"{address_of(base)} {f'answers {status}' if status else 'does not answer'}")
    raise MembersUnknown(", ".join(failures))


def _usual_url(server: str) -> str:
    url = urlsplit(server)
    scheme, port = _PORTS[url.scheme]
    login = url.netloc.rpartition("@")[0] or "guest:guest"
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{scheme}://{login}@{host or 'localhost'}:{port}"


def _get(base: str, path: str) -> Any:
    url = urlsplit(base)
    login, _, place = url.netloc.rpartition("@")
    user, _, password = login.partition(":")
    token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - its scheme is checked by the settings
        f"{url.scheme}://{place}{url.path.rstrip('/')}{path}", headers={"Authorization": f"Basic {token}"}
    )
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS) as answer:
        return json.loads(answer.read(_MOST_BYTES))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuses redirects, so that credentials are sent to no other host."""

    def redirect_request(self, *_: Any) -> None:
        raise URLError("redirects are not followed")


def _queue(body: Any) -> QuorumQueue:
    return QuorumQueue(str(body["name"]), _names(body, "members"), _names(body, "online"))


def _names(body: Any, field: str) -> tuple[str, ...]:
    return tuple(sorted(map(str, body.get(field) or ())))
