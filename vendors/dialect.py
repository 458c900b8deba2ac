"""What a dialect is: how the words of another system become ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.background import Background
from schemas.dialects import DialectName
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.outcomes import Rejection

Renderer = Callable[[Order, Background], JsonObject]
"""Makes the words of an order, whichever words it was made in; `Background` is what is known around it."""


class NotTranslatable(Exception):
    """The words are not the dialect's; `rejections` name the dialect's own fields."""

    def __init__(self, rejections: Sequence[Rejection]) -> None:
        super().__init__("; ".join(rejection.message for rejection in rejections))
        self.rejections = tuple(rejections)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the requests of one system become ours; answers are made by the dialect's own functions.

    `split(payload)` returns the requests that the payload of one call holds, each in the dialect's words:
    what travels on the queue. `translate(kind, words)` returns the canonical body of one of them. Both
    raise `NotTranslatable`. Beside the dialect's own fields a request may have ours for an envelope:
    `idempotency_key`, which `translate` hands on, and what the path of the dialect's call says, under
    the vendor's name of it.
    """

    name: DialectName
    split: Callable[[Any], list[JsonObject]]
    translate: Callable[[str, Mapping[str, Any]], JsonObject]
