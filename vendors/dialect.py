"""Dialects: how requests of another system are translated to canonical ones, and orders rendered for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.background import Background
from schemas.dialects import DialectName
from schemas.json import JsonObject
from schemas.orders import Order
from schemas.outcomes import Rejection

Renderer = Callable[[Order, Background], JsonObject]
"""Renders an order, whichever dialect it was created in, with its `Background`."""


class NotTranslatable(Exception):
    """The body is not valid in the dialect; `rejections` name the dialect's own fields."""

    def __init__(self, rejections: Sequence[Rejection]) -> None:
        super().__init__("; ".join(rejection.message for rejection in rejections))
        self.rejections = tuple(rejections)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The translation of one system's requests; the dialect's own functions render answers.

    `split(payload)` returns the requests in the payload of one call, each as a body in the dialect, as it is
    published on the queue. `translate(kind, body)` returns the canonical body of one of them. Both
    raise `NotTranslatable`. A body may have two kinds of fields besides the dialect's own:
    `idempotency_key`, which `translate` copies, and the parameters of the call's path, under the vendor's
    names.
    """

    name: DialectName
    split: Callable[[Any], list[JsonObject]]
    translate: Callable[[str, Mapping[str, Any]], JsonObject]
