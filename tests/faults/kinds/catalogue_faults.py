"""Catalogues that change while orders are sold and changed."""

from collections.abc import Iterator
from random import Random

from tests.faults.kinds.kind import kind, seen
from tests.faults.system.catalogue import REPRICED
from tests.faults.system.stage import Stage


@kind("a price in the catalogue changes", lasts=(0, 0.5))
def _price(stage: Stage, rng: Random) -> Iterator[str]:
    price = f"{rng.randint(10, 99)}.{rng.randint(0, 99):02d}"
    stage.change_price(REPRICED, price)
    query = f"SELECT price FROM ticket_classes WHERE external_id = '{REPRICED}'"
    yield seen(
        lambda: str(stage.primary.ask(query, "willcall")[0][0]).startswith(price),
        f"a ticket of class {REPRICED} costs {price}",
    )
