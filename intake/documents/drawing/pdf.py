"""An order as a PDF: its summary, then each ticket on a page of its own."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from intake.documents.drawing.facts import OrderText
from intake.documents.drawing.order_page import MAX_TICKETS, draw_order
from intake.documents.drawing.sheet import Sheet
from intake.documents.drawing.ticket_page import draw_ticket


def pdf_of(order: OrderText, zones: Iterable[str] = ()) -> bytes:
    """Return the order's PDF; `zones` are its events' time zones."""
    with TemporaryDirectory(prefix="willcall-fonts-") as directory:
        title = f"Order {order.code}"
        sheet = Sheet(order.letters(), zones, title, directory=Path(directory))
        draw_order(sheet, order)
        count = len(order.tickets)
        for number, ticket in enumerate(order.tickets[:MAX_TICKETS], start=1):
            draw_ticket(sheet, ticket, issuer=order.issuer, position=f"ticket {number} of {count}")
        return sheet.finished()
