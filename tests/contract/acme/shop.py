"""Orders that hypothesis makes, and a shop that takes them: in our words and in ACME's."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from db.ids import new_id
from intake.dialects.acme.calls import in_acme
from intake.web.strict_json import parse_json
from orders.process import process
from orders.reading.background import with_background
from orders.reading.order_reading import find_tenant, get_order
from orders.reading.recorded_changes import changes_since
from orders.render import to_json
from schemas.background import Background
from schemas.orders import Order
from schemas.originals import PastChange
from schemas.requests import Request
from tests.intakes import Intake
from vendors.acme import catalogue_fields, related_of_items, without_computed
from vendors.registry import translate
from willcall.kinds import CANCEL, CREATE, PAY, UPDATE

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_EMAIL = st.sampled_from(["ada@example.com", "grace@example.com"])
_MOMENT = st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_CENTS = st.integers(0, 500).map(lambda cents: format(Decimal(cents) / 100, ".2f"))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_ATTENDEE = optional(first_name=_TEXT, last_name=_TEXT, email=_EMAIL)
_LINE = st.builds(
    lambda line, attendees: {**line, "attendees": attendees[: line["quantity"]]},
    st.fixed_dictionaries(
        {
            "ticket_class_id": st.sampled_from(["3000000012232", "10", "audio-guide"]),
            "quantity": st.integers(1, 4),
        },
        optional={"unit_price": st.integers(500, 9_999).map(lambda cents: f"{Decimal(cents) / 100:.2f}")},
    ),
    st.lists(_ATTENDEE, max_size=4),
)
ORDERS = st.builds(
    lambda needed, more: needed | more,
    st.fixed_dictionaries(
        {
            "buyer": st.builds(
                lambda needed, more: needed | more,
                st.fixed_dictionaries({"first_name": _TEXT, "last_name": _TEXT, "email": _EMAIL}),
                optional(phone=_TEXT, company=_TEXT),
            ),
            "line_items": st.lists(_LINE, min_size=1, max_size=4),
        }
    ),
    optional(
        shipping=_CENTS,
        discount=_CENTS,
        billing_address=st.fixed_dictionaries({"city": _TEXT}, optional={"postal_code": _TEXT}),
        external_notes=st.lists(_TEXT, max_size=3),
        internal_notes=st.lists(_TEXT, max_size=1),
        payment_due_at=_MOMENT.map(datetime.isoformat),
        reference=_TEXT,
        extras=st.just(
            {
                "acme": {
                    "visitorId": "v",
                    "saleChannel": "reseller",
                    "items": [{"itemId": "1", "discountId": 3}],
                }
            }
        ),
    ),
)
CHANGES = st.sampled_from(["none", "cancel one", "pay"])


class Shop:
    """Requests of the samples' tenant, each processed at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._now = datetime.now(UTC)
        tenant_id = find_tenant(connection, "box-office")
        assert tenant_id is not None
        self._tenant_id = tenant_id

    @property
    def connection(self) -> Connection:
        return self._connection

    def model(self, id_: UUID) -> Order:
        return Order.model_validate_json(to_json(get_order(self._connection, id_, self._tenant_id)))

    def background(self, id_: UUID) -> Background:
        words = get_order(self._connection, id_, self._tenant_id)
        assert words is not None
        return with_background(self._connection, self._tenant_id, [words], with_originals=True)[1]

    def changes(self, id_: UUID) -> list[PastChange]:
        """Return all changes of the order, the oldest first."""
        query = text(
            "SELECT request_id FROM order_changes WHERE order_id = :id ORDER BY change_number LIMIT 1"
        )
        first = self._connection.scalar(query, {"id": id_})
        return changes_since(self._connection, id_, first) if first else []

    def ask(self, kind: str, body: Mapping[str, Any]) -> UUID:
        self._now += timedelta(seconds=1)
        request = Request(kind, new_id(), "box-office", True, body)
        (outcome,) = process(self._connection, [request], now=self._now)
        assert outcome.order_id is not None, outcome.errors
        return outcome.order_id

    def ask_in_acme(self, kind: str, words: dict[str, Any]) -> UUID:
        body, mistakes = translate("acme", kind, words)
        assert not mistakes, mistakes
        return self.ask(kind, orjson.loads(orjson.dumps(body)))

    def put(self, id_: UUID, words: dict[str, Any]) -> None:
        """Send back an order that was read, as a PUT does."""
        names = catalogue_fields(self.background(id_))
        said = without_computed(words, self.theirs(id_), related_of_items(self.model(id_)), names)
        assert self.ask_in_acme(UPDATE, {**said, "id": str(id_)}) == id_

    def ours(self, id_: UUID) -> dict[str, Any]:
        words: dict[str, Any] = json.loads(to_json(get_order(self._connection, id_, self._tenant_id)))
        return words

    def theirs(self, id_: UUID) -> dict[str, Any]:
        """Return the order as a client of ACME reads it, and sends it back."""
        words = get_order(self._connection, id_, self._tenant_id)
        assert words is not None
        (order,) = in_acme(self._connection, self._tenant_id, [words])
        read: dict[str, Any] = parse_json(to_json(order), is_exact=True)
        return read


@pytest.fixture
def in_shop(intake: Intake, catalogue: object) -> Callable[[Callable[[Shop], None]], None]:
    def run(what: Callable[[Shop], None]) -> None:
        with intake.engine.connect() as connection:
            what(Shop(connection))
            connection.rollback()

    return run


def without(words: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in words.items() if name not in names}


def made(shop: Shop, order: dict[str, Any], change: str) -> UUID:
    id_ = shop.ask(CREATE, order)
    if change == "cancel one" and sum(line["quantity"] for line in order["line_items"]) > 1:
        shop.ask(CANCEL, {"order_id": str(id_), "lines": [{"line_number": 1, "quantity": 1}]})
    if change == "pay" and shop.ours(id_)["totals"]["balance"] != "0.00":
        shop.ask(PAY, {"order_id": str(id_), "type": "cash"})
    return id_


EXAMPLES = settings(
    max_examples=30,
    deadline=None,
    # A failing example is small, and making it smaller takes minutes with a database.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
