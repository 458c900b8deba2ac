"""The options of a Celery client: `eta`, `expires`, callbacks. They are followed, or rejected by name.

Celery's protocol 2 has them in the headers (`celery/app/amqp.py`, `as_task_v2`) and in the body's third part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from orders.steps.validate import EXPIRED
from schemas.outcomes import MAX_REJECTIONS, Rejection, field_path
from tasks.envelope import read_moment

LONGEST_DELAY: Final = timedelta(days=1)
"""How far in the future the `eta` of a message may be."""

# The clients' names of these options, by their names in the message.
_CALLBACKS: Final = {"callbacks": "link", "errbacks": "link_error", "chain": "chain", "chord": "chord"}


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """The options of a message, for all its requests; `mistakes` are the unsupported ones."""

    mistakes: tuple[Rejection, ...] = ()
    due_at: datetime | None = None
    not_after: datetime | None = None


def read_options(
    headers: Mapping[str, Any],
    embedded: Mapping[str, Any],
    *,
    unknown_arguments: Sequence[str],
    is_expired: bool,
    now: datetime,
) -> ClientOptions:
    """Return the options in the headers and in the body's third part."""
    if not (is_expired or unknown_arguments or _has_options(headers, embedded)):
        return _NO_OPTIONS  # nearly every message
    eta = read_moment("eta", headers.get("eta"))
    expires = read_moment("expires", headers.get("expires"))
    mistakes = [found for found in (eta, expires) if isinstance(found, Rejection)]
    mistakes += _callbacks(embedded)
    mistakes += [
        Rejection("invalid", field_path((name,)), "the task's only argument is requests")
        for name in unknown_arguments
    ]
    if _has_value(headers.get("timelimit")):
        mistakes.append(_refusal("time_limit", "time limits are not supported"))
    if is_expired:
        mistakes.append(EXPIRED)
    due_at = eta if isinstance(eta, datetime) and eta > now else None
    if due_at is not None and due_at - now > LONGEST_DELAY:
        mistakes.append(Rejection("invalid", "eta", "the eta must be at most a day ahead"))
    return ClientOptions(
        tuple(mistakes[:MAX_REJECTIONS]), due_at, expires if isinstance(expires, datetime) else None
    )


_NO_OPTIONS: Final = ClientOptions()


def _has_options(headers: Mapping[str, Any], embedded: Mapping[str, Any]) -> bool:
    has_times = headers.get("eta") is not None or headers.get("expires") is not None
    return has_times or _has_value(headers.get("timelimit")) or any(embedded.values())


def _callbacks(embedded: Mapping[str, Any]) -> list[Rejection]:
    return [
        _refusal(option, f"callbacks are not supported: {option} would not be called")
        for name, option in _CALLBACKS.items()
        if embedded.get(name)
    ]


def _refusal(field: str, reason: str) -> Rejection:
    return Rejection("invalid", field, f"{reason}; leave it out")


def _has_value(limits: Any) -> bool:
    """Tell whether a time limit is set; Celery writes two, hard and soft."""
    return any(limit is not None for limit in limits) if isinstance(limits, list) else limits is not None
