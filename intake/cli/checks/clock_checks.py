"""The checks of `willcall doctor` on clocks: this machine's, the database's and the broker's."""

from datetime import UTC, datetime, timedelta
from typing import Final

import redis
from kombu import Connection as BrokerConnection
from sqlalchemy import Connection

from willcall.queues import is_amqp
from worker.broker.safety import Finding

_MOST_SECONDS: Final = 2.0
"""Links, signatures and holds expire by these clocks; a beat repeats a tick if one is set back."""


def check_database_clock(connection: Connection) -> Finding:
    """Compare this machine's clock with the database's."""
    before = datetime.now(UTC)
    theirs = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return compare("database clock", before, theirs, datetime.now(UTC))


def check_broker_clock(connection: BrokerConnection) -> Finding:
    """Compare this machine's clock with the broker's, if the broker reports its time."""
    name = "broker clock"
    if is_amqp(connection.as_uri()):
        return Finding(name, True, "not checked: RabbitMQ does not report its time")
    before = datetime.now(UTC)
    try:
        seconds, microseconds = connection.default_channel.client.time()
    except redis.ResponseError:
        return Finding(name, True, "not checked: the server does not report its time to this user")
    theirs = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
    return compare(name, before, theirs, datetime.now(UTC))


def compare(check: str, before: datetime, theirs: datetime, after: datetime) -> Finding:
    """Compare a clock with ours, which was read before and after it."""
    early, late = (before - theirs).total_seconds(), (theirs - after).total_seconds()
    apart = max(early, late, 0.0)
    if apart <= _MOST_SECONDS:
        return Finding(check, True, f"it is within {max(apart, 0.1):.1f} s of this machine's")
    direction = "behind" if early > late else "ahead of"
    sentence = f"it is {apart:.1f} s {direction} this machine's"
    return Finding(
        check, False, f"{sentence}: run `timedatectl set-ntp true` on the machine whose clock is wrong"
    )
