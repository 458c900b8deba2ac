"""A task ends after the connection was lost by which its message had come."""

import logging
from pathlib import Path

import pytest
from kombu import Connection

from worker.broker.redis.channel import use_safe_channels
from worker.runtime import embedded


@pytest.mark.parametrize("left", ["nothing", "no client"])
def test_an_acknowledgement_on_a_closed_channel_is_an_error_of_the_connection(home: Path, left: str) -> None:
    use_safe_channels()
    with Connection(embedded.broker_url(home)) as connection:
        simple = connection.SimpleQueue("late-acknowledgements")
        simple.put({"still": "here"})
        message = simple.get(timeout=60)
        # What kombu leaves of a channel, in whatever order a connection's end and its channels' came.
        transport = message.channel.connection
        client = transport.client
        if left == "nothing":
            message.channel.connection = None
        else:
            transport.client = None
        message.channel._disconnect_pools()

        # As Celery does, for which every other error is the end of the worker.
        message.ack_log_error(logging.getLogger(__name__), connection.connection_errors)

        message.channel.connection = transport
        transport.client = client
        message.reject()
