"""The settings of a publisher, in addition to the broker's URL."""

import os
from dataclasses import dataclass
from typing import Protocol


class BrokerSettings(Protocol):
    """The settings that connections to the broker use; a program's own settings may have more."""

    @property
    def publish_timeout_seconds(self) -> float:
        """How long a publisher waits for the broker: to connect, to write, to confirm."""

    @property
    def visibility_timeout_seconds(self) -> int:
        """Redis only: after how many seconds a dead worker's messages are released."""

    @property
    def global_keyprefix(self) -> str:
        """Redis only: a prefix for all keys of the broker."""

    @property
    def broker_master_name(self) -> str:
        """Sentinel only: the name of the primary."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The settings of a program that only sends, with the defaults of Willcall's own processes."""

    publish_timeout_seconds: float = 5.0
    visibility_timeout_seconds: int = 60
    global_keyprefix: str = ""
    broker_master_name: str = "mymaster"

    @classmethod
    def from_environment(cls) -> "ClientSettings":
        """Return the settings that the environment names, as those of Willcall's own processes.

        `WILLCALL_PUBLISH_TIMEOUT_SECONDS`, `WILLCALL_GLOBAL_KEYPREFIX` and `WILLCALL_BROKER_MASTER_NAME`.
        """
        return cls(
            publish_timeout_seconds=float(os.environ.get("WILLCALL_PUBLISH_TIMEOUT_SECONDS", "5")),
            global_keyprefix=os.environ.get("WILLCALL_GLOBAL_KEYPREFIX", ""),
            broker_master_name=os.environ.get("WILLCALL_BROKER_MASTER_NAME", "mymaster"),
        )
