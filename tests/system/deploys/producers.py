"""A producer's client with the addresses of two intakes, and the ledger of what it was answered."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from sqlalchemy import Engine

from tests.factories import rows, scalar
from tests.processes import PATIENCE_SECONDS, wait_until

_ANSWERS: Final = {"processed": (200, 201), "rejected": (404, 409, 410, 412, 422)}


@dataclass
class Ledger:
    """What all clients of a shop were answered."""

    sent: set[str] = field(default_factory=set)
    """The idempotency keys of all requests."""
    answers: dict[str, int] = field(default_factory=dict)
    """The status of the last answer, by key."""
    retryable: Counter[str] = field(default_factory=Counter)
    """What a producer is told to send again, or could not send."""
    may_break: bool = False
    """Whether calls may break on connections that an intake closes."""
    errors: list[str] = field(default_factory=list)
    """What no producer should see."""

    def check(self, engine: Engine) -> None:
        """Compare what was answered with what the database has, once nothing is under way."""
        unsent = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delayed_requests)"
        wait_until(lambda: not self._missing(engine), what="an outcome of each request")
        wait_until(lambda: scalar(engine, unsent) == 0, what="sent event messages")
        assert self.errors == []
        assert scalar(engine, "SELECT count(*) FROM dead_letters") == 0
        outcomes = self._outcomes(engine)
        assert outcomes.keys() == self.sent, "a request was processed that nobody sent, or none that was sent"
        wrong = {
            key: (answer, outcomes[key])
            for key, answer in self.answers.items()
            if answer != 202 and answer not in _ANSWERS[outcomes[key]]
        }
        assert wrong == {}
        check_inventory(engine)

    def _outcomes(self, engine: Engine) -> dict[str, str]:
        query = "SELECT idempotency_key, status FROM requests WHERE idempotency_key NOT LIKE 'willcall:%'"
        return dict(rows(engine, query))

    def _missing(self, engine: Engine) -> set[str]:
        return set(self.answers) - self._outcomes(engine).keys()


def check_inventory(engine: Engine) -> None:
    """Each order was made once and told of once, and what is sold is what the tickets are."""
    doubled = "SELECT idempotency_key FROM orders GROUP BY tenant_id, idempotency_key HAVING count(*) > 1"
    assert rows(engine, doubled) == []
    sold = """
        SELECT c.external_id, c.sold, count(t.id) FROM ticket_classes c
        LEFT JOIN tickets t ON t.ticket_class_id = c.id AND t.status <> 'voided'
        GROUP BY c.id HAVING c.sold <> count(t.id)
    """
    assert rows(engine, sold) == []
    untold = """
        SELECT o.id FROM orders o
        WHERE o.last_sequence <> (SELECT count(*) FROM event_messages m WHERE m.subject = o.id)
    """
    assert rows(engine, untold) == []


class TwoDoors:
    """Calls one intake, and the other where that is away; each call is sent until it is answered."""

    def __init__(self, clients: Sequence[httpx.Client], ledger: Ledger) -> None:
        self._clients = clients
        self._ledger = ledger
        self._first = 0

    def request(self, method: str, path: str, *, json: Any = None, headers: Any = None) -> httpx.Response:
        key = (headers or {}).get("idempotency-key")
        if key is not None:
            self._ledger.sent.add(key)
        while (answer := self._call(method, path, json, headers)) is None:
            self._first = 1 - self._first
            time.sleep(0.02)
        if key is not None:
            self._ledger.answers[key] = answer.status_code
        return answer

    def _call(self, method: str, path: str, body: Any, headers: Any) -> httpx.Response | None:
        """Return the answer, or None where the call is to be sent again."""
        ledger = self._ledger
        try:
            answer = self._clients[self._first].request(method, path, json=body, headers=headers)
        except httpx.ConnectError:
            ledger.retryable["refused"] += 1
            return None
        except httpx.TransportError as error:
            if ledger.may_break and isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
                ledger.retryable["broken"] += 1
                return None
            ledger.errors.append(f"{method} {path}: {error!r}")
            return None
        if answer.status_code == 503 and "retry-after" in answer.headers:
            ledger.retryable["503"] += 1
            return None
        if answer.status_code >= 500 or answer.status_code == 429:
            ledger.errors.append(f"{method} {path}: {answer.status_code} {answer.text}")
            return None
        return answer


@contextmanager
def two_doors(urls: Sequence[str], key: str, ledger: Ledger) -> Iterator[TwoDoors]:
    headers = {"authorization": f"Bearer {key}", "prefer": "wait=10"}
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS))
            for url in urls
        ]
        yield TwoDoors(clients, ledger)
