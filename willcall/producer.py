"""Sending requests from a Python program.

from willcall import Producer

with Producer() as producer:
    request_ids = producer.send([{"buyer": …, "line_items": […]}], tenant="demo")
"""

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from willcall.broker_urls import checked
from willcall.ids import parse_any_uuid
from willcall.kinds import CREATE
from willcall.packing import outgoing, pack
from willcall.publishing import NotConfirmed, Publisher
from willcall.settings import BrokerSettings, ClientSettings
from willcall.traceparents import checked as checked_traceparent

__all__ = ["NotConfirmed", "Producer"]

_MESSAGES_PER_WAIT: Final = 50


class Producer:
    """A connection to the broker that sends requests; for one thread at a time.

    It connects when it first sends, and again after an error.
    """

    def __init__(self, broker_url: str | None = None, settings: BrokerSettings | None = None) -> None:
        """Begin; `broker_url` is `WILLCALL_BROKER_URL` where it is not given.

        It names one server, or several separated by semicolons. Raises `ValueError` for an unusable one.
        """
        broker_url = broker_url or os.environ.get("WILLCALL_BROKER_URL")
        if not broker_url:
            raise ValueError("There is no broker. Pass its URL, or set WILLCALL_BROKER_URL.")
        self._publisher = Publisher(checked(broker_url), settings or ClientSettings.from_environment())

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
        traceparent: str | None = None,
    ) -> list[UUID]:
        """Send the requests and return their ids, in order, once the broker has confirmed them all.

        `may_set_price=False` limits the requests to the catalogue's prices; `by` is the sender, for the
        histories of the orders; `dialect` is the format of the requests; `traceparent` is the caller's trace
        context (W3C), and is ignored if it is malformed. A request that has a `request_id` keeps it. Raises
        `ValueError` for an id that is not a UUID; nothing was sent then. Raises `NotConfirmed` if any of the
        requests may have been sent: send all of them again, with the same idempotency keys or ids, so that
        none counts twice.
        """
        traceparent = checked_traceparent(traceparent)
        ready = [
            outgoing(
                kind,
                request,
                tenant=tenant,
                request_id=_id_of(request),
                may_set_price=may_set_price,
                by=by,
                dialect=dialect,
                traceparent=traceparent,
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
