"""What nobody expected: logged by where it happened, never with the values that were at hand."""

import logging
import traceback
from typing import Final

log = logging.getLogger(__name__)

_FRAMES: Final = 12


def tell_of(error: BaseException) -> None:
    """Log the error's type and the lines that led to it; its message might quote a buyer's name."""
    frames = traceback.format_tb(error.__traceback__)[-_FRAMES:]
    log.error("a call failed unexpectedly", extra={"error": type(error).__name__, "where": "".join(frames)})
