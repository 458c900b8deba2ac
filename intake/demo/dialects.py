"""The samples of the dialects: each goes through the queue in one, and its order is shown in another."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

from schemas.json import JsonObject
from vendors.registry import DIALECTS

Send = Callable[[str, JsonObject], UUID]
"""Sends one request in a dialect through the queue and returns its id."""

Wait = Callable[[UUID], JsonObject]
"""Returns the outcome of a request."""

Show = Callable[[UUID, str], bytes]
"""Returns an order in a dialect, as JSON."""

TOTALS: Final[Mapping[str, tuple[str, ...]]] = {
    "zoho_backstage": ("cost", "total"),
    "ticket_evolution": ("total",),
    "acme": ("totalAmount",),
    "eventbookings": ("result", "orders", "summary", "total", "amount"),
}
"""The path of the total in each dialect."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sample of a dialect, its outcome, and what its order costs in its own format and in another's."""

    about: str
    dialect: str
    shown_in: str
    expected: Decimal
    outcome: JsonObject
    total: Decimal | None = None
    total_elsewhere: Decimal | None = None
    elsewhere: bytes = b"null"
    """The order in the other dialect, as JSON."""

    @property
    def is_as_expected(self) -> bool:
        """Say whether both have the expected total."""
        return self.total == self.total_elsewhere == self.expected


def speak(run: str, send: Send, wait: Wait, show: Show) -> Iterator[Spoken]:
    """Send the samples; `run` makes their idempotency keys unique."""
    for sample in json.loads((files("intake") / "demo" / "dialects.json").read_bytes()):
        dialect, shown_in = sample["dialect"], sample["shown_in"]
        [request] = DIALECTS[dialect].split(sample["payload"])
        outcome = wait(send(dialect, {"idempotency_key": f"{run}-{dialect}", **request}))
        facts = (sample["about"], dialect, shown_in, Decimal(sample["total"]), outcome)
        if outcome["order_id"] is None:
            yield Spoken(*facts)
            continue
        elsewhere = show(outcome["order_id"], shown_in)
        yield Spoken(
            *facts,
            _at(show(outcome["order_id"], dialect), TOTALS[dialect]),
            _at(elsewhere, TOTALS[shown_in]),
            elsewhere,
        )


def _at(order: bytes, path: Sequence[str]) -> Decimal:
    value: Any = json.loads(order, parse_float=Decimal)
    for name in path:
        value = value[name]
    return Decimal(str(value))
