"""The lines of the log that tell of calls; those for programs are written many at once.

What `logging` does for one line takes as long as a tenth of a call.
"""

import asyncio
import logging
import time
from typing import Any, Final

import orjson

from intake.call_records import CallRecord
from worker.logs import json_writer

log = logging.getLogger("intake.calls")

_GATHER_SECONDS: Final = 0.1
_MOST_GATHERED: Final = 200


class CallLines:
    """Writes a line for each call, within a tenth of a second; for one event loop."""

    def __init__(self) -> None:
        self._write = json_writer()
        self._waiting: list[bytes] = []
        self._clock = (0, "")

    def add(self, method: str, route: str, record: CallRecord, seconds: float) -> None:
        """Write what is known of the call."""
        if not log.isEnabledFor(logging.INFO):
            return
        facts: dict[str, Any] = {
            "call_id": record.id,
            "method": method,
            "route": route,
            "status": record.status or None,  # None: nobody was there to be answered
            "ms": round(seconds * 1000, 2),
            "bytes": record.size,
        }
        if record.caller is not None:
            facts["tenant"] = record.caller.tenant
            facts["key_id"] = str(record.caller.key_id)
        if record.request_id is not None:
            facts["request_id"] = record.request_id
        if self._write is None:
            said = {name: facts.pop(name) for name in ("method", "route", "status")}
            log.info("%s %s %s", *said.values(), extra=facts)
        else:
            self._gather(facts)

    def _gather(self, facts: dict[str, Any]) -> None:
        self._waiting.append(
            orjson.dumps(
                {"time": self._now(), "level": "INFO", "logger": log.name, "message": "call", **facts},
                option=orjson.OPT_APPEND_NEWLINE,
            )
        )
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(_GATHER_SECONDS, self.flush)
        elif len(self._waiting) >= _MOST_GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        waiting, self._waiting = self._waiting, []
        if waiting and self._write is not None:
            self._write(b"".join(waiting).decode())

    def _now(self) -> str:
        second = int(time.time())
        if second != self._clock[0]:
            self._clock = second, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        return self._clock[1]
