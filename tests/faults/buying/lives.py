"""The lives of orders: what is asked for one after the other, and what each request makes of the order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final
from uuid import UUID

from tests.faults.checking import model
from tests.faults.checking.ledger import Effect
from tests.faults.system.catalogue import (
    BALCONY,
    HELD,
    PROMO_CODES,
    REPRICED,
    SCARCE,
    SEATED,
    STANDING,
    TAXED,
)
from willcall.kinds import CANCEL, CHECK_IN, CREATE, PAY, RELEASE, TAKE, UPDATE

PROCESSED: Final = frozenset({"processed"})

_NAMES: Final = ("Ada", "Béla", "Chloé", "Đorđe", "Emre", "Foteini", "Ġorġ")


@dataclass(frozen=True)
class Step:
    """One request of a life. What names the order is added where it is sent."""

    kind: str
    body: Mapping[str, Any]
    may_end_as: frozenset[str] = PROCESSED
    effect: Effect | None = None


Life = tuple[Step, ...]


def new_key(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def make_life(rng: Random) -> Life:
    """Return one of the lives, at random."""
    return rng.choice(_LIVES)(rng)


def order_body(rng: Random, *lines: tuple[str, int], **changes: Any) -> dict[str, Any]:
    """Return a canonical order of these lines, or of some."""
    lines = lines or _some_lines(rng)
    body = {
        "buyer": {
            "first_name": rng.choice(_NAMES),
            "last_name": f"Buyer {rng.randrange(10_000)}",
            "email": f"buyer-{rng.randrange(10**9)}@example.com",
        },
        "line_items": [{"ticket_class_id": name, "quantity": count} for name, count in lines],
        "shipping": _amount(rng, 900),
        "service_fee": _amount(rng, 500),
        "reference": f"PO-{rng.randrange(10**6)}",
    }
    return body | changes


def _some_lines(rng: Random) -> tuple[tuple[str, int], ...]:
    classes = rng.choice(((STANDING,), (BALCONY,), (STANDING, BALCONY), (TAXED,), (SEATED,)))
    return tuple((name, rng.randint(1, 4)) for name in classes)


def _amount(rng: Random, most: int) -> str:
    cents = rng.randrange(most)
    return f"{cents // 100}.{cents % 100:02d}"


def _create(body: Mapping[str, Any], may_end_as: frozenset[str] = PROCESSED) -> Step:
    return Step(CREATE, body, may_end_as, lambda _: model.created(body))


def _change(kind: str, body: Mapping[str, Any], change: Callable[[model.Expected], model.Expected]) -> Step:
    def effect(before: model.Expected | None) -> model.Expected:
        assert before is not None, "nothing is changed before it is there"
        return change(before)

    return Step(kind, body, effect=effect)


def _paid(rng: Random) -> Life:
    body = order_body(rng)
    whole = str(model.created(body).total)
    steps = [
        _create(body),
        _change(PAY, {"type": "cash", "amount": whole}, partial(model.paid, amount=whole)),
        _change(CHECK_IN, {"nonce": new_key(rng)}, model.checked_in),
    ]
    return tuple(steps[: rng.randint(2, 3)])


def _changed(rng: Random) -> Life:
    count = rng.randint(1, 3)
    body = order_body(rng, (BALCONY, count))
    line = {"line_number": 1, "ticket_class_id": BALCONY, "quantity": max(1, count + rng.choice((-1, 1, 2)))}
    patches: list[dict[str, Any]] = [
        {"shipping": _amount(rng, 900)},
        {"line_items": [line]},
        {"service_fee": _amount(rng, 500)},
    ]
    rng.shuffle(patches)
    changes = [
        _change(UPDATE, {"patch": patch}, partial(model.updated, patch=patch))
        for patch in patches[: rng.randint(1, 3)]
    ]
    return (_create(body), *changes)


def repriced(rng: Random) -> Life:
    """Return an order whose class has another price now and then, and a change of how many it has."""
    count = rng.randint(1, 3)
    line = {"line_number": 1, "ticket_class_id": REPRICED, "quantity": max(1, count + rng.choice((-1, 1)))}
    patch = {"line_items": [line]}
    change = _change(UPDATE, {"patch": patch}, partial(model.updated, patch=patch))
    return (_create(order_body(rng, (REPRICED, count))), change)


def promoted(rng: Random) -> Life:
    """Return an order with a promo code that only a few may use."""
    body = order_body(rng, (rng.choice((STANDING, BALCONY)), 1), promo_code=rng.choice(PROMO_CODES[:10]))
    return (_create(body, frozenset({"processed", "unknown_promo_code"})),)


def late_hold(rng: Random) -> Life:
    """Return a hold that is soon over, and that nobody uses."""
    until = datetime.now(UTC) + timedelta(seconds=rng.uniform(1, 3))
    body = {"ticket_class_id": HELD, "quantity": rng.randint(1, 3), "expires_at": until.isoformat()}
    # Who asks too late asks for a hold until a moment that is past.
    return (Step(TAKE, body, frozenset({"processed", "invalid"})),)


def _cancelled(rng: Random) -> Life:
    return (_create(order_body(rng)), _change(CANCEL, {"reason": "changed their mind"}, model.cancelled))


def _scarce(rng: Random) -> Life:
    body = order_body(rng, (SCARCE, rng.randint(1, 3)))
    return (_create(body, frozenset({"processed", "sold_out"})),)


def _wrong(rng: Random) -> Life:
    wrongs: tuple[tuple[dict[str, Any], str], ...] = (
        ({"line_items": [{"ticket_class_id": "no-such-class", "quantity": 1}]}, "unknown_ticket_class"),
        ({"discount": "100000.00"}, "negative_total"),
        ({"currency": "EUR"}, "currency_mismatch"),
        ({"promo_code": "NO-SUCH-CODE"}, "unknown_promo_code"),
        ({"shipping": "1.234"}, "too_many_decimals"),
        ({"buyer": {"first_name": "", "last_name": "", "email": "nobody"}}, "invalid"),
    )
    changes, code = rng.choice(wrongs)
    return (_create(order_body(rng) | changes, frozenset({code})),)


def _held(rng: Random) -> Life:
    count = rng.randint(1, 3)
    take = Step(TAKE, {"ticket_class_id": HELD, "quantity": count}, effect=lambda _: model.Expected())
    if rng.random() < 0.5:
        return (take, Step(RELEASE, {}))
    body = order_body(rng, (HELD, count))
    return (take, _create(body))


_LIVES: Final = (
    _paid,
    _paid,
    _changed,
    _changed,
    _cancelled,
    _scarce,
    _wrong,
    _held,
    repriced,
    promoted,
    late_hold,
)
