"""Sending requests from a Python program.

from intake.producer import Producer

with Producer() as producer:
    request_ids = producer.send([{"buyer": …, "line_items": […]}], tenant="demo")
"""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from intake.requests.messages import outgoing, pack
from schemas.requests import CREATE
from schemas.text import parse_any_uuid
from worker.broker.publishing import NotConfirmed, Publisher
from worker.runtime.settings import Settings, get_settings

__all__ = ["NotConfirmed", "Producer"]

_MESSAGES_PER_WAIT: Final = 50


class Producer:
    """A connection to the broker that sends requests; for one thread at a time.

    It connects when it first sends, and again after an error.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or get_settings()
        self._publisher = Publisher(settings.broker(), settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        tenant: str,
        kind: str = CREATE,
        may_set_price: bool | None = None,
        by: str | None = None,
        dialect: str | None = None,
    ) -> list[UUID]:
        """Send the requests and return their ids, in order, once the broker has confirmed them all.

        `may_set_price=False` limits the requests to the catalogue's prices; `by` is the sender, for the
        histories of the orders; `dialect` is the format of the requests. A request that has a `request_id`
        keeps it. Raises `ValueError` for an id that is not a UUID; nothing was sent then. Raises
        `NotConfirmed` if any of the requests may have been sent: send all of them again, with the same
        idempotency keys or ids, so that none counts twice.
        """
        ready = [
            outgoing(
                kind,
                request,
                tenant=tenant,
                request_id=_id_of(request),
                may_set_price=may_set_price,
                by=by,
                dialect=dialect,
            )
            for request in requests
        ]
        messages = pack(ready)
        for start in range(0, len(messages), _MESSAGES_PER_WAIT):
            self._publisher.publish(messages[start : start + _MESSAGES_PER_WAIT])
        return [request.request_id for request in ready]

    def close(self) -> None:
        """Close the connection; sending again opens a new one."""
        self._publisher.close()


def _id_of(request: Mapping[str, Any]) -> UUID | None:
    """Return the caller's id of the request; a malformed one is an error."""
    given = request.get("request_id")
    if given is None or isinstance(given, UUID):
        return given
    id_ = parse_any_uuid(given) if isinstance(given, str) else None
    if id_ is None:
        raise ValueError(f"the request_id {given!r} is not a UUID")
    return id_
