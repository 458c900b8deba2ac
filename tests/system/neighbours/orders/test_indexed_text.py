"""What is searched for is short enough for its index, whatever it is made of: no order splits its batch."""

import random
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.factories import codes, load, make_change, make_request, place, rows, run
from willcall.kinds import UPDATE

# Letters of four bytes in UTF-8, in no order: nothing of them can be compressed away.
_LETTERS = [chr(code) for code in range(0x20000, 0x2A000)]


def _long(length: int) -> str:
    return "".join(random.Random(length).choices(_LETTERS, k=length))


def _words(**names: Any) -> dict[str, Any]:
    return {"acme": names}


@pytest.mark.parametrize("name", ["visitorId", "tempVisitorId"])
@pytest.mark.parametrize("value", [_long(201), _long(8_000), ["x" * 200], {"a": "x" * 8_000}, [1] * 200])
@pytest.mark.parametrize("is_update", [False, True])
def test_an_extra_that_is_too_long_for_its_index_is_refused(
    engine: Engine, name: str, value: Any, is_update: bool
) -> None:
    load(engine)
    order_id = str(place(engine))
    extras = _words(**{name: value})
    bad = (
        make_change(UPDATE, order_id=order_id, patch={"extras": extras})
        if is_update
        else make_request(extras=extras)
    )

    outcomes = run(engine, make_request(), bad, make_request())

    assert [codes(outcome) for outcome in outcomes] == [[], ["invalid"], []]
    assert outcomes[1].errors[0].field == "extras"
    assert f"acme.{name} has at most 200 characters" in outcomes[1].errors[0].message


def test_every_text_that_is_indexed_may_be_as_long_as_its_schema_says(engine: Engine) -> None:
    load(engine)
    name, key = _long(200), _long(200)
    buyer = {
        "first_name": name,
        "last_name": _long(200)[::-1],
        "email": "x" * 60 + "@" + ".".join(["x" * 60] * 3) + ".com",
        "phone": name,
    }

    outcomes = run(
        engine,
        make_request(
            idempotency_key=key,
            buyer=buyer,
            extras=_words(visitorId=name, tempVisitorId=name[::-1]),
            reference=name,
            created_by_ip_address="2001:db8::1",
            check_fraud=True,
        ),
        make_request(idempotency_key=_long(200)[::-1], promo_code=_long(64), event_id=_long(64)),
    )

    assert [codes(outcome) for outcome in outcomes] == [[], ["unknown_event"]]
    assert rows(engine, "SELECT length(buyer_phone) FROM orders") == [(200,)]
