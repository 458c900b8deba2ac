"""Which nodes hold a copy of each queue, asked of RabbitMQ's management API: AMQP does not tell."""

import base64
import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import quote, unquote, urlsplit

from worker.runtime.broker_urls import address_of, servers_in

_SECONDS: Final = 2.0
_PORTS: Final = {"amqp": ("http", 15672), "amqps": ("https", 15671)}
_MOST_BYTES: Final = 16 * 1024 * 1024


class MembersUnknown(Exception):
    """The management API does not tell: a sentence with its addresses."""


@dataclass(frozen=True, slots=True)
class QuorumQueue:
    """A queue, and the nodes that have a copy of it."""

    name: str
    members: tuple[str, ...]
    online: tuple[str, ...]


def quorum_queues(broker_url: str, management_url: str | None) -> list[QuorumQueue]:
    """Return the quorum queues of the broker's virtual host. Raises `MembersUnknown`.

    Without a URL each node is asked at the API's usual port, by the broker's own user.
    """
    servers = servers_in(broker_url)
    host = unquote(urlsplit(servers[0]).path.removeprefix("/")) or "/"
    told = []
    for base in [management_url] if management_url else [_usual_url(server) for server in servers]:
        try:
            found = _get(base, f"/api/queues/{quote(host, safe='')}")
            return [_queue(queue) for queue in found if queue.get("type") == "quorum"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            # An error's own text may hold anything that the server said.
            status = getattr(error, "code", None)
            told.append(f"{address_of(base)} {f'answers {status}' if status else 'does not answer'}")
    raise MembersUnknown(", ".join(told))


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
    """A login goes where it was meant to go."""

    def redirect_request(self, *_: Any) -> None:
        raise URLError("it redirects")


def _queue(words: Any) -> QuorumQueue:
    return QuorumQueue(str(words["name"]), _names(words, "members"), _names(words, "online"))


def _names(words: Any, field: str) -> tuple[str, ...]:
    return tuple(sorted(map(str, words.get(field) or ())))
