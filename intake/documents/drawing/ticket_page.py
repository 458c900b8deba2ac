"""A ticket on a page of its own: what a guest looks for, and what the gate scans."""

from typing import Final

from intake.documents.drawing.facts import TicketText
from intake.documents.drawing.qr import rows_of
from intake.documents.drawing.sheet import GREY, MARGIN, RED, Sheet

_QR_SIZE: Final = 78.0  # millimetres: more than one for each module


def draw_ticket(sheet: Sheet, ticket: TicketText, *, issuer: str, position: str) -> None:
    """Draw the ticket on one new page; `position` says which of how many it is."""
    sheet.add_page()
    event, wide = ticket.event, sheet.epw
    y = sheet.put(issuer, x=MARGIN, y=MARGIN, width=wide, size=10, colour=GREY)
    y = sheet.put(event.name, x=MARGIN, y=y + 2, width=wide, size=26, is_bold=True, max_lines=4)
    y = sheet.put(event.day, x=MARGIN, y=y + 3, width=wide, size=15, max_lines=2)
    y = sheet.put(event.hours, x=MARGIN, y=y, width=wide, size=15)
    y = sheet.put(event.zone, x=MARGIN, y=y, width=wide, size=9, colour=GREY)
    y = sheet.put(event.venue, x=MARGIN, y=y + 3, width=wide, size=13, max_lines=2)
    y = sheet.put(event.address, x=MARGIN, y=y, width=wide, size=9, colour=GREY, max_lines=3)
    sheet.rule(y + 5)
    _draw_code(sheet, ticket, y + 10)
    _draw_particulars(sheet, ticket, y + 10)
    sheet.put(
        f"Order {ticket.reference} · {position} · {ticket.id}",
        x=MARGIN,
        y=sheet.h - MARGIN - 6,
        width=wide,
        size=8,
        colour=GREY,
    )


def _draw_code(sheet: Sheet, ticket: TicketText, y: float) -> None:
    x = MARGIN + sheet.epw - _QR_SIZE
    if ticket.code:
        sheet.draw_modules(rows_of(ticket.code), x=x, y=y, size=_QR_SIZE)
        y += _QR_SIZE
    if ticket.remark:
        colour = RED if ticket.state != "valid" else GREY
        sheet.put(
            ticket.remark,
            x=x,
            y=y,
            width=_QR_SIZE,
            size=11,
            is_bold=True,
            colour=colour,
            align="C",
            max_lines=3,
        )


def _draw_particulars(sheet: Sheet, ticket: TicketText, y: float) -> None:
    width = sheet.epw - _QR_SIZE - 6
    particulars = (
        ("Ticket", ticket.ticket_class),
        *ticket.place,
        ("Attendee", ticket.attendee),
        ("Order", ticket.reference),
    )
    for label, text in particulars:
        if text:
            y = sheet.put(label.upper(), x=MARGIN, y=y, width=width, size=8, colour=GREY)
            y = sheet.put(text, x=MARGIN, y=y, width=width, size=16, is_bold=True, max_lines=3) + 3
