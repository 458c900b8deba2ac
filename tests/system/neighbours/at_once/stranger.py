"""A stranger with one ordinary key who does everything at once until SIGTERM, and tells what was answered.

python -m tests.system.neighbours.at_once.stranger URL, the key in the variable KEY
"""

import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from tests.factories import make_body
from tests.system.neighbours.at_once.running_system import CLASSES
from tests.system.neighbours.at_once.timings import Timings
from worker.runtime.priority import lower_priority

MANY_TICKETS: Final = 1_000
_ARRAY: Final = 500
_HALF_SENT: Final = 100
_OPENED: Final = 20


def _orders(number: int) -> list[dict[str, Any]]:
    return [make_body(random.choice(CLASSES)) for _ in range(number)]


@dataclass
class Stranger:
    """What all kinds of calls share."""

    url: str
    key: str
    timings: Timings = field(default_factory=Timings)
    is_over: threading.Event = field(default_factory=threading.Event)
    order: str = ""
    """The path of an order with many tickets."""
    half_sent: list[socket.socket] = field(default_factory=list)
    repeated: list[dict[str, Any]] = field(default_factory=lambda: _orders(_ARRAY))

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.url,
            headers={"authorization": f"Bearer {self.key}"},
            timeout=60,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
        )

    def call(self, kind: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Call, and wait as long as a refusal says, as ordinary clients do."""
        with self.timings.timed(kind) as status:
            answer = self.http.request(method, path, **options)
            status.append(answer.status_code)
        if answer.status_code in (429, 503):
            self.is_over.wait(float(answer.headers.get("retry-after", 1)))
        return answer

    def prepare(self) -> None:
        """Place the order with many tickets."""
        line = make_body(CLASSES[0], MANY_TICKETS)
        answer = self.http.post("/v1/orders", json=line, headers={"prefer": "wait=60"})
        self.order = answer.raise_for_status().headers["location"]
        assert answer.status_code == 201, answer.text


def create_many(stranger: Stranger) -> None:
    """Send arrays as large as they may be."""
    stranger.call("create 500", "POST", "/v1/orders", json=_orders(_ARRAY))


def repeat(stranger: Stranger) -> None:
    """Send again what may still wait, with the same idempotency keys."""
    stranger.call("repeat 500", "POST", "/v1/orders", json=stranger.repeated)


_numbers: Final = count()


def change(stranger: Stranger) -> None:
    """Change an order with many tickets, and now and then cancel one of them."""
    number = next(_numbers)
    stranger.call("update", "PATCH", stranger.order, json={"reference": f"PO-{number}"})
    if number % 10 == 0:
        one = {"lines": [{"line_number": 1, "quantity": 1}]}
        stranger.call("cancel", "POST", f"{stranger.order}/cancel", json=one)


def read(stranger: Stranger) -> None:
    """Read the largest order, and the longest lists."""
    stranger.call("read", "GET", stranger.order)
    stranger.call("list", "GET", "/v1/orders", params={"limit": "100"})
    stranger.call("history", "GET", f"{stranger.order}/history")


def print_documents(stranger: Stranger) -> None:
    """Have the order with many tickets set as a PDF."""
    links = stranger.call("links", "GET", f"{stranger.order}/documents")
    if links.status_code == 200:
        _open(stranger, "PDF", links.json()["order_pdf"])


def open_tickets(stranger: Stranger) -> None:
    """Open passes and QR codes, as nobody with such a link needs a key for."""
    links = stranger.call("links", "GET", f"{stranger.order}/documents")
    tickets = links.json()["tickets"] if links.status_code == 200 else []
    for ticket in random.sample(tickets, min(_OPENED, len(tickets))):
        for kind in ("digital_pass", "png", "svg"):
            if ticket[kind] is not None and not stranger.is_over.is_set():
                _open(stranger, "pass" if kind == "digital_pass" else kind.upper(), ticket[kind])


def _open(stranger: Stranger, kind: str, link: str) -> None:
    address = urlsplit(link)
    stranger.call(kind, "GET", f"{address.path}?{address.query}")


def try_keys(stranger: Stranger) -> None:
    """Try a key that nobody knows."""
    headers = {"authorization": f"Bearer wc_{token_urlsafe(32)}"}
    stranger.call("unknown key", "GET", "/v1/orders", headers=headers)


def send_halves(stranger: Stranger) -> None:
    """Begin calls whose bodies never end."""
    url = urlsplit(stranger.url)
    head = (
        f"POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {stranger.key}\r\n"
        "content-type: application/json\r\ncontent-length: 1000000\r\n\r\n["
    )
    with stranger.timings.timed("half a body") as status:
        connection = socket.create_connection((url.hostname or "", url.port or 80), 60)
        connection.sendall(head.encode() + b" " * 100_000)
        stranger.half_sent.append(connection)
        status.append("2xx, sent")
    if len(stranger.half_sent) > _HALF_SENT:
        stranger.half_sent.pop(0).close()
    stranger.is_over.wait(0.1)


def send_large_bodies(stranger: Stranger) -> None:
    """Send what is too long, what is as long as it may be, and what is deep."""
    space = b" " * 1_000_000
    json_ = {"content-type": "application/json"}
    stranger.call("body of 2 MB", "POST", "/v1/orders", content=b"[" + 2 * space + b"]", headers=json_)
    stranger.call("body of 1 MB", "POST", "/v1/orders", content=b"{}" + space, headers=json_)
    stranger.call("a deep body", "POST", "/v1/orders", content=b"[" * 100_000, headers=json_)


def hold(stranger: Stranger) -> None:
    """Take holds, and give them back."""
    items = {"items": [{"ticket_class_id": CLASSES[0], "quantity": 1}], "idempotency_key": str(uuid4())}
    answer = stranger.call("hold", "POST", "/v1/holds", json=items)
    if answer.status_code == 202:
        stranger.call("release", "POST", f"/v1/holds/{answer.json()['request_id']}/release")


KINDS: Final[Mapping[Callable[[Stranger], None], int]] = {
    create_many: 2,
    repeat: 1,
    change: 2,
    read: 6,
    print_documents: 2,
    open_tickets: 8,
    try_keys: 2,
    send_halves: 1,
    send_large_bodies: 1,
    hold: 1,
}
"""What is done, each by so many threads at the same time."""


def _do(kind: Callable[[Stranger], None], stranger: Stranger) -> None:
    while not stranger.is_over.is_set():
        try:
            kind(stranger)
        except (httpx.TransportError, OSError):
            stranger.is_over.wait(0.1)  # it was counted as a call without an answer


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    lower_priority()  # what the stranger's own machine does would not take the processor from ours
    stranger = Stranger(sys.argv[1], os.environ["KEY"])
    signal.signal(signal.SIGTERM, lambda *_: stranger.is_over.set())
    stranger.prepare()
    threads = [
        threading.Thread(target=_do, args=(kind, stranger), daemon=True)
        for kind, number in KINDS.items()
        for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    _tell("begun")
    stranger.is_over.wait()
    deadline = time.monotonic() + 10
    for thread in threads:
        with suppress(RuntimeError):
            thread.join(max(0.0, deadline - time.monotonic()))
    _tell(json.dumps(stranger.timings.words()))


if __name__ == "__main__":
    main()
