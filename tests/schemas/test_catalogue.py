"""The catalogue file: what can be sold, and what is no catalogue."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import MAX_CAPACITY, Catalogue, Event, PromoCode, TaxRule, TicketClass
from tests.schemas.catalogue_bodies import make_catalogue, make_class, make_event, make_seated, why_refused

MEGABYTE = pytest.param("x" * 1_000_000, id="a megabyte")


def test_the_example_of_the_documentation_is_a_catalogue() -> None:
    catalogue = Catalogue.model_validate(
        yaml.safe_load("""
tenant: demo
aliases: {zoho_backstage: ["19593237"], acme: ["t-1"], ticket_evolution: ["1", "2"]}
events:
  - id: "2000000116588"
    name: Sample Event
    starts_at: 2027-04-11T19:00:00+02:00
    ends_at: 2027-04-11T23:00:00+02:00
    timezone: Europe/Paris
    currency: USD
    tax: {name: VAT, rate: "0.19", is_included: false, rounding: line}
    ticket_classes:
      - {id: "3000000012232", name: Sample Ticket, price: "45.50", capacity: 1000}
      - {id: "3000000012233", name: Stalls, price: "80.00", section: A, row: "3", seats: ["1-20"]}
    promo_codes:
      - {code: SPRING, percent: "10"}
      - {code: FIVE, amount: "5.00", max_uses: 100}
""")
    )

    (event,) = catalogue.events
    assert event.starts_at == datetime(2027, 4, 11, 17, 0, tzinfo=UTC)
    assert event.tax == TaxRule(name="VAT", rate=Decimal("0.19"), is_included=False, rounding="line")
    assert [item.total_capacity() for item in event.ticket_classes] == [1000, 20]
    assert [str(event.promo_codes[0].percent), str(event.promo_codes[1].amount)] == ["10", "5.00"]
    assert catalogue.aliases == {
        "zoho_backstage": ("19593237",),
        "acme": ("t-1",),
        "ticket_evolution": ("1", "2"),
    }


def test_a_catalogue_is_the_same_in_json() -> None:
    catalogue = Catalogue.model_validate(make_catalogue())

    assert Catalogue.model_validate_json(catalogue.model_dump_json()) == catalogue


class TestSeats:
    @pytest.mark.parametrize(
        ("seats", "labels"),
        [
            (["1-3"], ["1", "2", "3"]),
            (["1-3", "5"], ["1", "2", "3", "5"]),
            (["5", "1-2"], ["5", "1", "2"]),
            (["7-7"], ["7"]),
            (["9-11"], ["9", "10", "11"]),
            (["A1", "A2"], ["A1", "A2"]),
            (["A1-A3"], ["A1-A3"]),
            (["Box 1-3"], ["Box 1-3"]),
            (["1-"], ["1-"]),
            (["12345-12346"], ["12345-12346"]),
        ],
    )
    def test_a_range_is_its_seats_one_by_one_and_anything_else_is_one_seat(
        self, seats: list[str], labels: list[str]
    ) -> None:
        assert TicketClass.model_validate(make_seated(*seats)).seat_labels() == labels

    @settings(deadline=None, max_examples=200)
    @given(st.integers(0, 9_999), st.integers(0, 500))
    def test_a_range_has_each_of_its_numbers_once_in_order(self, first: int, more: int) -> None:
        last = min(first + more, 9_999)

        ticket_class = TicketClass.model_validate(make_seated(f"{first}-{last}"))

        assert ticket_class.seat_labels() == [str(number) for number in range(first, last + 1)]
        assert ticket_class.total_capacity() == last - first + 1

    @pytest.mark.parametrize("seats", [["1", "1"], ["1-3", "2"], ["1-3", "3-5"], ["A", "B", "A"]])
    def test_a_seat_named_twice_is_refused(self, seats: list[str]) -> None:
        assert "a seat is named twice" in why_refused(TicketClass, make_seated(*seats))

    def test_a_range_that_runs_backwards_is_refused(self) -> None:
        assert "the seats 9-1 run backwards" in why_refused(TicketClass, make_seated("9-1"))

    @pytest.mark.parametrize("seats", ["1-20", 5, [1, 2], [None], {"1": 1}])
    def test_seats_are_a_list_of_strings(self, seats: Any) -> None:
        assert why_refused(TicketClass, make_seated() | {"seats": seats}).startswith("seats")


class TestCapacity:
    @pytest.mark.parametrize("capacity", [0, 1, MAX_CAPACITY])
    def test_a_class_without_seats_has_the_capacity_it_says(self, capacity: int) -> None:
        assert TicketClass.model_validate(make_class(capacity=capacity)).total_capacity() == capacity

    @pytest.mark.parametrize("capacity", [-1, MAX_CAPACITY + 1, 10**30, 1.5, "100", True])
    def test_no_other_capacity_is_taken(self, capacity: Any) -> None:
        assert why_refused(TicketClass, make_class(capacity=capacity)).startswith("capacity")

    def test_a_class_has_a_capacity_or_seats(self) -> None:
        assert "a ticket class needs a capacity or seats" in why_refused(TicketClass, make_seated())

    def test_a_class_with_seats_has_their_number_as_its_capacity(self) -> None:
        assert TicketClass.model_validate(make_seated("1-20")).total_capacity() == 20
        assert TicketClass.model_validate(make_seated("1-20", capacity=20)).total_capacity() == 20

    @pytest.mark.parametrize("capacity", [0, 19, 21])
    def test_a_capacity_that_is_not_the_number_of_seats_is_refused(self, capacity: int) -> None:
        why = why_refused(TicketClass, make_seated("1-20", capacity=capacity))

        assert f"the capacity is {capacity}, but 20 seats are named" in why


class TestNames:
    def test_an_event_is_named_once(self) -> None:
        words = make_catalogue(make_event(), make_event(ticket_classes=[]))

        assert "the event concert is listed twice" in why_refused(Catalogue, words)

    def test_a_ticket_class_is_named_once_in_its_event(self) -> None:
        words = make_catalogue(make_event(ticket_classes=[make_class(), make_class()]))

        assert "the ticket class standing is listed twice" in why_refused(Catalogue, words)

    def test_a_ticket_class_is_named_once_in_its_tenant(self) -> None:
        words = make_catalogue(make_event(), make_event(id="play"))

        assert "the ticket class standing is listed twice" in why_refused(Catalogue, words)

    def test_a_promo_code_is_named_once_in_its_event(self) -> None:
        promo = {"code": "SPRING", "percent": "10"}

        assert "the promo code SPRING is listed twice" in why_refused(
            Event, make_event(promo_codes=[promo] * 2)
        )

    def test_two_events_may_have_the_same_promo_code(self) -> None:
        promo = {"code": "SPRING", "percent": "10"}
        play = make_event(id="play", ticket_classes=[make_seated("1")], promo_codes=[promo])

        assert (
            len(Catalogue.model_validate(make_catalogue(make_event(promo_codes=[promo]), play)).events) == 2
        )

    @pytest.mark.parametrize("name", ["", 5, None, "\x00", "\ud800", MEGABYTE])
    def test_an_id_is_a_short_string(self, name: Any) -> None:
        assert why_refused(TicketClass, make_class(id=name)).startswith("id:")
        assert why_refused(Event, make_event(id=name)).startswith("id:")
        assert why_refused(Catalogue, make_catalogue(tenant=name)).startswith("tenant:")

    def test_only_known_dialects_have_aliases(self) -> None:
        assert "aliases.fax" in why_refused(Catalogue, make_catalogue(aliases={"fax": ["1"]}))

    @pytest.mark.parametrize(
        ("model", "words", "field"),
        [
            (Catalogue, make_catalogue(version=2), "version"),
            (Event, make_event(venue="Hall"), "venue"),
            (TicketClass, make_class(seat="1"), "seat"),
            (PromoCode, {"code": "SPRING", "percent": "10", "until": "May"}, "until"),
            (TaxRule, {"name": "VAT", "rate": "0.19", "included": True}, "included"),
        ],
    )
    def test_an_unknown_field_is_refused_by_name(self, model: Any, words: Any, field: str) -> None:
        assert why_refused(model, words).startswith(f"{field}:")


class TestTimes:
    def test_an_event_may_end_when_it_starts_but_not_before(self) -> None:
        Event.model_validate(make_event(ends_at="2027-04-11T19:00:00+02:00"))

        assert "the event's end is before its start" in why_refused(
            Event, make_event(ends_at="2027-04-11T18:59:59+02:00")
        )

    def test_times_are_compared_as_moments_and_not_as_clocks(self) -> None:
        # 20:00 in Kiritimati is long before 19:00 in Paris.
        assert "the event's end is before its start" in why_refused(
            Event, make_event(ends_at="2027-04-11T20:00:00+14:00")
        )

    @pytest.mark.parametrize("moment", ["2027-04-11T19:00:00", datetime(2027, 4, 11, 19), "soon", "", None])  # noqa: DTZ001
    def test_a_moment_without_an_offset_is_refused(self, moment: Any) -> None:
        assert why_refused(Event, make_event(starts_at=moment)).startswith("starts_at:")

    @pytest.mark.parametrize("name", ["Europe/Paris", "UTC", "America/New_York", "Asia/Kuwait"])
    def test_a_time_zone_is_one_of_the_iana_database(self, name: str) -> None:
        assert Event.model_validate(make_event(timezone=name)).timezone == name

    @pytest.mark.parametrize(
        "name", ["CEST", "+02:00", "Europe/Atlantis", "europe/paris", "", "../../etc/passwd"]
    )
    def test_another_time_zone_is_refused_by_name(self, name: str) -> None:
        assert f"{name} is not a time zone of the IANA database" in why_refused(
            Event, make_event(timezone=name)
        )
