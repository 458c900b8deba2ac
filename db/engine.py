"""Engines, made in the process that uses them: a connection does not survive a fork."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Engine, create_engine

_CONNECT: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "willcall",
    # A statement seen once is worth preparing: the path has a constant handful of them.
    "prepare_threshold": 1,
    # Planning a batch's statement anew for its parameters takes as long as running it for one order.
    "options": "-c plan_cache_mode=force_generic_plan",
    # A peer that is gone without a word is noticed after about half a minute, not after two hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


def make_engine(url: str, *, pool_size: int = 5, is_tried_again: bool = False) -> Engine:
    """Return an engine for one process; a connection that died while idle is replaced silently.

    Who tries a failed transaction again anyway (`is_tried_again`) saves a round trip for each.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        pool_pre_ping=not is_tried_again,
        connect_args=dict(_CONNECT),
        # An error's text ends in logs and dead letters: no buyer's name may be in it.
        hide_parameters=True,
    )
