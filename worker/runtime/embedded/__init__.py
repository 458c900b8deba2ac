"""The embedded PostgreSQL and Valkey from Python packages, for trying Willcall out and for its tests."""

from worker.runtime.embedded.errors import EmbeddedServerFailed, EmbeddedUnavailable
from worker.runtime.embedded.places import broker_url, database_url, is_of_home
from worker.runtime.embedded.servers import running

__all__ = [
    "EmbeddedServerFailed",
    "EmbeddedUnavailable",
    "broker_url",
    "database_url",
    "is_of_home",
    "running",
]
