"""Explaining a broker's error, in a sentence that says what to do."""

from typing import Final

import redis
from amqp import exceptions as amqp

_LONGEST: Final = 500  # characters of the broker's own text

_AMQP: Final = (
    (
        amqp.PreconditionFailed,
        "A queue or exchange exists with other arguments than Willcall's (durable quorum queues). Stop the "
        "program that declares it differently, and delete it; Willcall declares it again at once",
    ),
    (
        amqp.ResourceLocked,
        "Another connection uses a queue exclusively. End that connection",
    ),
    (amqp.AccessRefused, "The broker's user lacks a permission. Check its password and its permissions"),
    (amqp.NotAllowed, "The broker's user may not use this virtual host. Check its permissions"),
    (amqp.NotFound, "A queue or exchange was deleted; it is declared again"),
    (amqp.ConsumerCancelled, "The broker cancelled the consumer: its queue has moved or was deleted"),
)

# Redis's errors differ in their first word.
_REDIS: Final = {
    "OOM": "The broker's memory is full: it accepts nothing. Raise maxmemory; queued orders are processed",
    "READONLY": "The broker is a read-only replica. Wait for the failover, or set the URL of the primary",
    "WRONGTYPE": "The key of a queue is not a list. Rename or delete that key",
    "NOPERM": "The broker's user lacks a permission. Check its ACL",
    "NOAUTH": "The broker requires a password. Set it in WILLCALL_BROKER_URL",
    "WRONGPASS": "The broker refuses the password in WILLCALL_BROKER_URL. Set the right one",
    "MISCONF": "The broker cannot write to its disk and accepts nothing. See its log",
}


def explain(error: BaseException) -> str:
    """Return what the error means, what to do, and the broker's own text."""
    text = (str(error) or type(error).__name__)[:_LONGEST]
    meaning = _meaning(error, text)
    return f"{meaning} (the broker says: {text})" if meaning else text


def _meaning(error: BaseException, text: str) -> str | None:
    for kind, meaning in _AMQP:
        if isinstance(error, kind):
            return meaning
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        return _REDIS["NOPERM" if isinstance(error, redis.exceptions.NoPermissionError) else "WRONGPASS"]
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return _REDIS["READONLY"]
    if is_out_of_memory(error):
        return _REDIS["OOM"]
    if isinstance(error, redis.RedisError):
        return next((meaning for word, meaning in _REDIS.items() if word in text), None)
    if isinstance(error, TimeoutError) and not text.strip().startswith("The broker"):
        return "The broker did not answer in time"
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether Redis refuses to write because its memory is full."""
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return True
    # Inside a script it is reported as an error of the script.
    return isinstance(error, redis.ResponseError) and "OOM " in str(error)
