"""Unexpected errors: logged with their place, never with values."""

import logging

from intake.web.call_records import current_id
from worker.runtime.traces import trace_of

log = logging.getLogger(__name__)


class AnswerCut(Exception):
    """An answer that has begun must end early; its message says why. It is not a failure of the program."""


def tell_of(error: BaseException) -> None:
    """Log the error's type and the lines that led to it; its message might quote a buyer's name."""
    extra = {"error": type(error).__name__, "where": trace_of(error), "call_id": current_id()}
    log.error("a call failed unexpectedly", extra=extra)
