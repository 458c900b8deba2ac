"""The PDF of an order says what the order says, in the event's time zone and the order's currency."""

from collections.abc import Callable

import httpx
import pypdfium2
import pytest

from schemas.orders import Order
from tests.intake.documents.conftest import Change, MakeLinks, Place
from tests.intake.documents.scanning import codes_on
from willcall.kinds import CANCEL, CHECK_IN

Pages = Callable[[Order], list[str]]
Opened = Callable[[Order], pypdfium2.PdfDocument]


@pytest.fixture
def opened(phone: httpx.Client, links: MakeLinks) -> Opened:
    def get(order: Order) -> pypdfium2.PdfDocument:
        answer = phone.get(links(order.id).order_pdf(order.id))
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'inline; filename="order-{order.code}.pdf"'
        return pypdfium2.PdfDocument(answer.content)

    return get


@pytest.fixture
def pages(opened: Opened) -> Pages:
    """Return the text of each page of an order's PDF."""

    def get(order: Order) -> list[str]:
        with opened(order) as document:
            return [" ".join(page.get_textpage().get_text_range().split()) for page in document]

    return get


def test_the_summary_is_followed_by_each_ticket_on_a_page(place: Place, pages: Pages) -> None:
    order = place("stalls", 3)

    summary, *tickets = pages(order)

    assert order.code in summary
    assert "3 tickets follow, one a page." in summary
    assert len(tickets) == 3
    for number, (page, ticket) in enumerate(zip(tickets, order.tickets, strict=True), start=1):
        assert f"Order {order.code} · ticket {number} of 3 · {ticket.id}" in page
        assert f"SECTION A ROW 3 SEAT {ticket.seat}" in page
        assert "Concert Sunday, 11 April 2027 19:00 – 23:00" in page
        assert "Central European Summer Time (Europe/Paris, UTC+02:00)" in page
        assert "Grande salle" in page


def test_the_summary_has_all_totals(place: Place, pages: Pages) -> None:
    order = place(
        quantity=2,
        shipping="5.00",
        service_fee="2.50",
        additional_expense="1.25",
        discount="3.00",
        payments=[{"type": "cash", "amount": "90.00"}],
        reference="PO-1",
    )

    summary = pages(order)[0]

    assert "Grand Théâtre box@example.com" in summary
    assert "Placed, paid in part" in summary
    assert "Standing 2 $45.50 $91.00" in summary
    for words in (
        "Subtotal $91.00",
        f"of which Tax (VAT), included ${order.totals.included_tax}",
        "Shipping $5.00",
        "Service fee $2.50",
        "Additional expense $1.25",
        f"Tax (VAT), added ${order.totals.tax}",
        "Discount -$3.00",
        f"Total ${order.totals.total}",
        "Paid $90.00",
        f"Balance ${order.totals.balance}",
        "Reference PO-1",
        "Currency USD",
    ):
        assert words in summary


def test_an_event_in_tokyo_is_told_in_its_own_time_and_money(place: Place, pages: Pages) -> None:
    order = place("lawn", 2, currency="JPY", event_id="hanami")

    summary, ticket, _ = pages(order)

    assert "Subtotal ¥9,000" in summary
    assert "花見 Sunday, 11 April 2027 08:00 – 10:30 Japan Standard Time (Asia/Tokyo, UTC+09:00)" in ticket


def test_a_scanner_reads_the_very_code_of_the_ticket(place: Place, opened: Opened) -> None:
    order = place("stalls", 2)

    with opened(order) as document:
        read = [codes_on(page.render(scale=2).to_pil()) for page in document]

    assert read == [[], *([ticket.code] for ticket in order.tickets)]


def test_a_cancelled_order_says_so_and_has_no_tickets(place: Place, change: Change, pages: Pages) -> None:
    order = place(quantity=2)
    change(CANCEL, order_id=str(order.id), reason="cannot come")

    (summary,) = pages(order)

    assert "Cancelled, " in summary
    assert "cannot come" in summary
    assert "2 tickets are void." in summary


def test_a_used_ticket_says_when(place: Place, change: Change, pages: Pages) -> None:
    order = place()
    change(CHECK_IN, ticket_id=str(order.tickets[0].id))

    assert "Used on " in pages(order)[1]
