"""Dead letters of event messages: they name the event message, which itself stays in its table."""

from uuid import UUID

import orjson

from orders.recovery.dead_letters import DeadLetter

EVENT_MESSAGE = "outbox.relay"
"""The kind of such a dead letter: the task that failed."""


def event_letter(
    subject: UUID, sequence: int, *, tenant: str, type: str, reason: str, size: int
) -> DeadLetter:
    """Return the dead letter of an event message of `size` bytes."""
    message = {"subject": subject, "sequence": sequence, "type": type, "bytes": size}
    return DeadLetter(
        kind=EVENT_MESSAGE,
        message=orjson.dumps(message),
        reason=f"{type} of {size:,} bytes: {reason}",
        tenant=tenant,
    )


def event_of(letter: DeadLetter) -> tuple[UUID, int] | None:
    """Return the subject and the number of the letter's event message; None for other dead letters."""
    if letter.kind != EVENT_MESSAGE:
        return None
    try:
        content = orjson.loads(letter.message)
        return UUID(content["subject"]), int(content["sequence"])
    except (ValueError, LookupError, TypeError):  # a message of a producer who called its task so
        return None
