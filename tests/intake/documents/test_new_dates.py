"""An event with a new date: its documents show it, and the codes that were issued before stay good."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import httpx
import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import text

from orders.catalogue.load_tenants import public_keys
from orders.catalogue.loading import load_catalogue
from schemas.catalogue import Catalogue
from tests.factories import make_event, make_ticket_class
from tests.intake.documents.conftest import Place
from tests.intake.documents.scanning import found_on
from tests.intakes import Intake
from willcall.kinds import CHECK_IN
from willcall.ticket_codes import TicketClaims, verify_ticket

Schedule = Callable[[str, str], None]


@pytest.fixture
def schedule(theatre: Intake) -> Schedule:
    """Load an event of its own with these times; a second time it has a new date."""

    def load(starts_at: str, ends_at: str) -> None:
        classes = [make_ticket_class("gala", price="20.00")]
        event = make_event("gala", name="Gala", starts_at=starts_at, ends_at=ends_at, ticket_classes=classes)
        catalogue = Catalogue.model_validate({"tenant": "grand-theatre", "events": [event]})
        load_catalogue(theatre.engine, catalogue, now=datetime.now(UTC))

    return load


def _claims(theatre: Intake, code: str) -> TicketClaims:
    with theatre.engine.connect() as connection:
        return verify_ticket(code, public_keys(connection))


def test_documents_show_the_new_date_and_old_codes_are_let_in(
    theatre: Intake,
    schedule: Schedule,
    place: Place,
    change: Callable[..., None],
    links: Any,
    phone: httpx.Client,
) -> None:
    schedule("2027-04-11T19:00:00+02:00", "2027-04-11T23:00:00+02:00")
    order = place("gala")
    (ticket,) = order.tickets
    made = links(order.id)
    assert "Sunday, 11 April 2027" in phone.get(made.digital_pass(ticket.id)).text

    schedule("2028-02-03T20:30:00+01:00", "2028-02-03T22:00:00+01:00")

    digital_pass = phone.get(made.digital_pass(ticket.id)).text
    document = pypdfium2.PdfDocument(phone.get(made.order_pdf(order.id)).content)
    pdf = " ".join("".join(page.get_textpage().get_text_range() for page in document).split())
    for shown in (digital_pass, pdf):
        assert "Thursday, 3 February 2028" in shown
        assert "20:30 – 22:00" in shown
        assert "11 April 2027" not in shown
    (scanned,) = found_on(Image.open(BytesIO(phone.get(made.ticket_image(ticket.id)).content)))
    assert scanned.text == ticket.code
    assert _claims(theatre, scanned.text).valid_until == datetime(2027, 4, 11, 21, tzinfo=UTC)
    change(CHECK_IN, code=scanned.text, event_id="gala")
    with theatre.engine.connect() as connection:
        query = text("SELECT status FROM tickets WHERE id = :id")
        assert connection.scalar(query, {"id": ticket.id}) == "checked_in"


def test_what_is_signed_after_the_change_has_the_new_times(
    theatre: Intake, schedule: Schedule, place: Place
) -> None:
    schedule("2027-04-11T19:00:00+02:00", "2027-04-11T23:00:00+02:00")
    place("gala")
    schedule("2028-02-03T20:30:00+01:00", "2028-02-03T22:00:00+01:00")

    code = place("gala").tickets[0].code

    assert code is not None
    claims = _claims(theatre, code)
    assert claims.valid_from == datetime(2028, 2, 3, 19, 30, tzinfo=UTC)
    assert claims.valid_until == datetime(2028, 2, 3, 21, tzinfo=UTC)
