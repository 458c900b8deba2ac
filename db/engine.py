"""Engines, created in the process that uses them, as a connection does not survive a fork."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Engine, NullPool, create_engine, make_url

from db.counted_pool import CountedPool
from db.pooler import keep_settings
from db.primary import has_several_hosts, keep_to_the_primary
from db.quiet_errors import keep_errors_quiet

_CONNECT: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "willcall",
    # Prepare statements at their second use: the hot path has a small, constant number of them.
    "prepare_threshold": 1,
    # Detect a peer that was lost without a closed connection after half a minute, not after two hours.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

# If another server can take over, give up a lost one sooner: libpq's shortest timeout for a connection, and
# some five seconds for a peer that was lost without a closed connection.
_SEVERAL_HOSTS: Final[Mapping[str, Any]] = {
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "tcp_user_timeout": 5_000,  # milliseconds
}


# Planning a batch's statement for its parameters takes as long as running it for one order. Compiling it
# (jit) takes longer, and PostgreSQL before 18 does it where `enable_seqscan = off` cannot be followed.
_PLANS: Final[Mapping[str, str]] = {"plan_cache_mode": "force_generic_plan", "jit": "off"}

# The server keeps the locks of a lost client until it detects the loss, by default after two hours. These
# have no effect on Unix sockets.
_PEER: Final[Mapping[str, str]] = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
}

_SETTINGS: Final[Mapping[str, str]] = {**_PLANS, **_PEER}

# A plan that was made while a table was small would scan the whole grown table for each of a batch's five
# hundred rows, until the next statistics: by then an on-sale is over.
_BY_KEY: Final[Mapping[str, str]] = {"enable_seqscan": "off"}


def make_engine(
    url: str,
    *,
    pool_size: int = 5,
    max_overflow: int = 10,
    is_tried_again: bool = False,
    is_by_key: bool = False,
    statement_seconds: float = 0,
    lock_seconds: float = 0,
    idle_seconds: float = 0,
    is_pooled: bool = True,
    is_replaced: bool = False,
) -> Engine:
    """Return an engine for one process; a connection that was lost while idle is replaced silently.

    The server cancels a statement after `statement_seconds`, a wait for a lock after `lock_seconds`, and ends
    a session that idles in a transaction for `idle_seconds`; 0 means no limit. Without `is_pooled`
    connections are closed after each use.

    With `is_tried_again`, for callers that retry failed transactions, connections are not pinged before use,
    which saves a round trip. With `is_by_key` no plan scans a whole table. With `is_replaced`, and for a URL
    with several hosts, a lost server is given up sooner.
    """
    settings = {**_SETTINGS, **(_BY_KEY if is_by_key else {})}
    if statement_seconds:
        settings["statement_timeout"] = str(round(statement_seconds * 1_000))
    if lock_seconds:
        settings["lock_timeout"] = str(round(lock_seconds * 1_000))
    if idle_seconds:
        settings["idle_in_transaction_session_timeout"] = str(round(idle_seconds * 1_000))
    pool: dict[str, Any] = {"poolclass": NullPool}
    if is_pooled:
        pool = {
            "poolclass": CountedPool,
            "pool_size": pool_size,
            "max_overflow": max_overflow,
            "pool_pre_ping": not is_tried_again,
            "pool_use_lifo": True,
        }
    made = make_url(url)
    several = _SEVERAL_HOSTS if is_replaced or has_several_hosts(made) else {}
    engine = create_engine(
        made,
        **pool,
        connect_args={**_CONNECT, **several},
        hide_parameters=True,
    )
    keep_errors_quiet(engine)
    keep_to_the_primary(engine)
    keep_settings(engine, settings)
    return engine
