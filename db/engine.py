"""Engines, made in the process that uses them: a connection does not survive a fork."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Engine, create_engine

from db.quiet_errors import keep_errors_quiet

_CONNECT: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "willcall",
    # A statement seen once is worth preparing: the path has a constant handful of them.
    "prepare_threshold": 1,
    # Planning a batch's statement anew for its parameters takes as long as running it for one order.
    # Compiling it (jit) takes longer, and PostgreSQL before 18 does it wherever `_BY_KEY` cannot be had.
    "options": "-c plan_cache_mode=force_generic_plan -c jit=off",
    # A peer that is gone without a word is noticed after about half a minute, not after two hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


# A plan that was made while a table was small would read the whole table when it has grown, for each of a
# batch's five hundred rows, until the next statistics: by then an on-sale is over.
_BY_KEY: Final = " -c enable_seqscan=off"


def make_engine(
    url: str, *, pool_size: int = 5, is_tried_again: bool = False, is_by_key: bool = False
) -> Engine:
    """Return an engine for one process; a connection that died while idle is replaced silently.

    Callers that try a failed transaction again anyway (`is_tried_again`) save a round trip for each. Where
    everything is looked up by key (`is_by_key`), no plan reads a whole table.
    """
    options = _CONNECT["options"] + (_BY_KEY if is_by_key else "")
    engine = create_engine(
        url,
        pool_size=pool_size,
        pool_pre_ping=not is_tried_again,
        connect_args={**_CONNECT, "options": options},
        hide_parameters=True,
    )
    keep_errors_quiet(engine)
    return engine
