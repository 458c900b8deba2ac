"""What a broker's error means, in a sentence that says what to do."""

from typing import Final

import redis
from amqp import exceptions as amqp

_LONGEST: Final = 500  # characters of what the broker itself says

_AMQP: Final = (
    (
        amqp.PreconditionFailed,
        "A queue or exchange exists with other arguments than Willcall's (durable quorum queues). "
        "Stop what declares it differently and delete it; it is made again at once",
    ),
    (amqp.ResourceLocked, "Another connection has a queue of Willcall's for itself. End that connection"),
    (amqp.AccessRefused, "The broker's user may not do this. Check its password and its permissions"),
    (amqp.NotAllowed, "The broker's user may not use this virtual host. Check the permissions"),
    (amqp.NotFound, "A queue or exchange has been deleted; it is made again"),
    (
        amqp.ConsumerCancelled,
        "The broker has cancelled the consumer, since its queue has moved or is deleted",
    ),
)

# Redis's errors are told apart by their first word.
_REDIS: Final = {
    "OOM": "The broker's memory is full: it takes nothing new. Raise maxmemory; orders are still drained",
    "READONLY": "The broker is a read-only replica. Wait for the failover, or name the primary",
    "WRONGTYPE": "A key of a queue holds something else than a list. Rename or delete that key",
    "NOPERM": "The broker's user may not do this. Check its ACL",
    "NOAUTH": "The broker wants a password. Set it in WILLCALL_BROKER_URL",
    "WRONGPASS": "The broker refuses the password in WILLCALL_BROKER_URL. Set the new one",
    "MISCONF": "The broker cannot write to its disk and takes nothing. See its log",
}


def explain(error: BaseException) -> str:
    """Return what the error means, what to do, and what the broker said."""
    said = (str(error) or type(error).__name__)[:_LONGEST]
    meaning = _meaning(error, said)
    return f"{meaning} (the broker says: {said})" if meaning else said


def _meaning(error: BaseException, said: str) -> str | None:
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
        return next((meaning for word, meaning in _REDIS.items() if word in said), None)
    if isinstance(error, TimeoutError) and not said.strip().startswith("The broker"):
        return "The broker does not answer in time"
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether Redis refuses to write since its memory is full."""
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return True
    # Inside a script it is an error of the script.
    return isinstance(error, redis.ResponseError) and "OOM " in str(error)
