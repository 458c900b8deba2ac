from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from orders.catalogue.loading import CatalogueConflict, Loaded, load_catalogue
from schemas.catalogue import Catalogue
from tests.factories import (
    NOW,
    load,
    make_catalogue,
    make_change,
    make_event,
    make_request,
    make_seated_class,
    make_ticket_class,
    rows,
    run,
    scalar,
)
from willcall.kinds import TAKE


def _load(engine: Engine, *events: dict[str, Any], **changes: Any) -> Loaded:
    catalogue = make_catalogue(*events)
    return load_catalogue(engine, catalogue.model_copy(update=changes), now=NOW)


def test_loading_twice_changes_nothing(engine: Engine) -> None:
    event = make_event(
        tax={"name": "VAT", "rate": "0.19"},
        ticket_classes=[make_ticket_class(), make_seated_class()],
        promo_codes=[{"code": "SPRING", "percent": "10"}],
    )
    first = _load(engine, event)
    before = rows(engine, "SELECT xmin::text, * FROM ticket_classes")
    second = _load(engine, event)
    assert (first.created, first.updated) == (5, 0)
    assert (second.created, second.updated, second.unchanged) == (0, 0, 5)
    assert [row[1:] for row in rows(engine, "SELECT xmin::text, * FROM ticket_classes")] == [
        row[1:] for row in before
    ]
    assert rows(engine, "SELECT count(*) FROM ticket_keys") == [(1,)]


def test_a_new_price_is_an_update(engine: Engine) -> None:
    _load(engine, make_event())
    loaded = _load(engine, make_event(ticket_classes=[make_ticket_class(price="50.00")]))
    assert loaded.updated == 1
    assert rows(engine, "SELECT price::text FROM ticket_classes") == [("50.00",)]


def test_a_capacity_below_what_is_sold_is_refused(engine: Engine) -> None:
    _load(engine, make_event())
    run(engine, make_request(quantity=7))
    with pytest.raises(CatalogueConflict, match="7 are sold or held"):
        _load(engine, make_event(ticket_classes=[make_ticket_class(capacity=6)]))
    assert rows(engine, "SELECT capacity FROM ticket_classes") == [(1_000,)]
    _load(engine, make_event(ticket_classes=[make_ticket_class(capacity=7)]))


def test_free_seats_may_go_and_sold_ones_stay(engine: Engine) -> None:
    _load(engine, make_event(ticket_classes=[make_seated_class(seats="1-4")]))
    run(engine, make_request(ticket_class="stalls", quantity=2))
    with pytest.raises(CatalogueConflict, match="seat 1 of ticket class stalls"):
        _load(engine, make_event(ticket_classes=[make_seated_class(seats="2-9")]))
    _load(engine, make_event(ticket_classes=[make_seated_class(seats="1-3")]))
    assert rows(engine, "SELECT label, is_taken FROM seats WHERE position IS NOT NULL ORDER BY position") == [
        ("1", True),
        ("2", True),
        ("3", False),
    ]


def test_the_currency_of_a_sold_event_stays(engine: Engine) -> None:
    _load(engine, make_event())
    run(engine, make_request())
    with pytest.raises(CatalogueConflict, match="currency"):
        _load(engine, make_event(currency="EUR"))


def test_the_currency_of_a_held_event_stays_until_the_hold_is_over(engine: Engine) -> None:
    _load(engine, make_event())
    over = (NOW + timedelta(minutes=5)).isoformat()
    run(engine, make_change(TAKE, ticket_class_id="standing", quantity=2, expires_at=over))
    euros = make_catalogue(make_event(currency="EUR"))

    with pytest.raises(CatalogueConflict, match="currency"):
        load_catalogue(engine, euros, now=NOW)
    load_catalogue(engine, euros, now=NOW + timedelta(minutes=6))

    assert rows(engine, "SELECT currency FROM events") == [("EUR",)]
    assert rows(engine, "SELECT held FROM ticket_classes") == [(0,)]


def test_a_ticket_class_belongs_to_one_event(engine: Engine) -> None:
    _load(engine, make_event())
    with pytest.raises(CatalogueConflict, match="belongs to event concert and cannot move"):
        _load(engine, make_event("second"))


def test_an_alias_is_one_tenant_s(engine: Engine) -> None:
    words = {"tenant": "a", "aliases": {"acme": ["t-1"]}, "events": []}
    load_catalogue(engine, Catalogue.model_validate(words), now=NOW)
    with pytest.raises(CatalogueConflict, match="t-1"):
        load_catalogue(engine, Catalogue.model_validate(words | {"tenant": "b"}), now=NOW)
    assert rows(engine, "SELECT name FROM tenants") == [("a",)]


def test_what_the_file_leaves_out_stays(engine: Engine) -> None:
    load(engine, make_event(), make_event("second", ticket_classes=[make_ticket_class("b")]))
    load(engine, make_event())
    assert rows(engine, "SELECT count(*) FROM events") == [(2,)]


def test_a_promo_code_s_limit_is_not_below_its_uses(engine: Engine) -> None:
    def event(max_uses: int) -> dict[str, Any]:
        return make_event(promo_codes=[{"code": "FIVE", "amount": "5.00", "max_uses": max_uses}])

    _load(engine, event(5))
    run(engine, make_request(promo_code="FIVE"), make_request(promo_code="FIVE"))
    with pytest.raises(CatalogueConflict, match="used 2 times"):
        _load(engine, event(1))


def test_all_conflicts_are_told_before_anything_is_written(engine: Engine) -> None:
    five = {"code": "FIVE", "amount": "5.00"}
    second = make_event("second", ticket_classes=[make_ticket_class("b")])
    load(engine, make_event(promo_codes=[five]), second)
    run(engine, *(make_request(promo_code="FIVE") for _ in range(2)))

    with pytest.raises(CatalogueConflict) as refused:
        _load(
            engine,
            make_event("new", ticket_classes=[make_ticket_class("c"), make_ticket_class("b")]),
            make_event(
                currency="EUR",
                ticket_classes=[make_ticket_class(capacity=1)],
                promo_codes=[five | {"max_uses": 1}],
            ),
        )

    assert [sentence.split(":")[0] for sentence in refused.value.conflicts] == [
        "event concert is sold in USD",
        "ticket class b belongs to event second and cannot move",
        "ticket class standing cannot have a capacity of 1",
        "promo code FIVE was used 2 times",
    ]
    assert scalar(engine, "SELECT count(*) FROM events") == 2
