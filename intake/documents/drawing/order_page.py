"""The summary of an order: who, when, where, what, and what it costs."""

from typing import Final

from intake.documents.drawing.facts import EventText, Labelled, LineText, OrderText
from intake.documents.drawing.sheet import BLACK, GREY, MARGIN, RED, Colour, Sheet

MAX_TICKETS: Final = 1_000
"""The most tickets in a PDF: a page takes about 5 ms of the processor."""

_GAP: Final = 6.0
_NAME_WIDTH: Final = 92.0
_COLUMNS: Final = ((94.0, 14.0), (110.0, 31.0), (143.0, 31.0))
"""Quantity, price and amount: where they begin and how wide they are, in millimetres."""
_ROW_HEIGHT: Final = 28.0  # of the longest name and detail


def draw_order(sheet: Sheet, order: OrderText) -> None:
    """Draw the summary on a new page, and on more where it is long."""
    sheet.add_page()
    _draw_head(sheet, order)
    _draw_parties(sheet, order)
    for event in order.events:
        _draw_event(sheet, event)
    _draw_lines(sheet, order.lines)
    _draw_totals(sheet, order)
    _draw_remarks(sheet, order)


def _draw_head(sheet: Sheet, order: OrderText) -> None:
    half = sheet.epw / 2
    left = sheet.put(order.issuer, x=MARGIN, y=MARGIN, width=half, size=13, is_bold=True, max_lines=2)
    for line in order.issuer_lines:
        left = sheet.put(line, x=MARGIN, y=left, width=half, size=8, colour=GREY)
    x, width = MARGIN + half, half
    sheet.put("ORDER", x=x, y=MARGIN, width=width, size=8, colour=GREY, align="R")
    right = sheet.put(order.code, x=x, y=sheet.y, width=width, size=22, is_bold=True, align="R")
    colour = RED if order.is_over else BLACK
    right = sheet.put(
        order.status, x=x, y=right, width=width, size=11, is_bold=True, colour=colour, align="R"
    )
    right = sheet.put(order.remark, x=x, y=right, width=width, size=8, colour=RED, align="R", max_lines=4)
    sheet.rule(max(left, right) + 3)
    sheet.set_y(max(left, right) + _GAP)


def _draw_parties(sheet: Sheet, order: OrderText) -> None:
    half, top = sheet.epw / 2, sheet.y
    left = sheet.put("BUYER", x=MARGIN, y=top, width=half, size=8, colour=GREY)
    for number, line in enumerate(order.buyer):
        size, lines = (11, 2) if number == 0 else (9, 1)
        left = sheet.put(
            line, x=MARGIN, y=left, width=half - 4, size=size, is_bold=not number, max_lines=lines
        )
    right = top
    for label, text in order.particulars:
        sheet.put(label, x=MARGIN + half, y=right, width=28, size=9, colour=GREY)
        right = sheet.put(text, x=MARGIN + half + 28, y=right, width=half - 28, size=9, max_lines=2)
    sheet.set_y(max(left, right) + _GAP)


def _draw_event(sheet: Sheet, event: EventText) -> None:
    y = sheet.place_for(34)
    y = sheet.put(event.name, x=MARGIN, y=y, width=sheet.epw, size=14, is_bold=True, max_lines=3)
    y = sheet.put(f"{event.day}, {event.hours}", x=MARGIN, y=y, width=sheet.epw, size=10)
    y = sheet.put(event.zone, x=MARGIN, y=y, width=sheet.epw, size=8, colour=GREY)
    y = sheet.put(event.venue, x=MARGIN, y=y, width=sheet.epw, size=9, max_lines=2)
    y = sheet.put(event.address, x=MARGIN, y=y, width=sheet.epw, size=8, colour=GREY, max_lines=2)
    sheet.set_y(y + 4)


def _draw_lines(sheet: Sheet, lines: tuple[LineText, ...]) -> None:
    sheet.place_for(_ROW_HEIGHT + 8)  # the heading stands above a line, never alone
    _draw_heading(sheet)
    for line in lines:
        if sheet.place_for(_ROW_HEIGHT) == MARGIN:
            _draw_heading(sheet)
        _draw_row(sheet, (line.name, line.quantity, line.unit_price, line.amount), size=10, colour=BLACK)
        y = sheet.put(line.detail, x=MARGIN, y=sheet.y, width=_NAME_WIDTH, size=8, colour=GREY, max_lines=3)
        sheet.rule(y + 1)
        sheet.set_y(y + 2)


def _draw_heading(sheet: Sheet) -> None:
    _draw_row(sheet, ("Ticket", "Quantity", "Price", "Amount"), size=8, colour=GREY)
    sheet.rule(sheet.y + 1)
    sheet.set_y(sheet.y + 2)


def _draw_row(sheet: Sheet, texts: tuple[str, str, str, str], *, size: float, colour: Colour) -> None:
    name, *numbers = texts
    top = sheet.y
    bottom = sheet.put(name, x=MARGIN, y=top, width=_NAME_WIDTH, size=size, colour=colour, max_lines=3)
    for text, (x, width) in zip(numbers, _COLUMNS, strict=True):
        sheet.put(text, x=MARGIN + x, y=top, width=width, size=size, colour=colour, align="R")
    sheet.set_y(bottom)


def _draw_totals(sheet: Sheet, order: OrderText) -> None:
    sheet.set_y(sheet.place_for(5.2 * (len(order.charges) + len(order.settlement)) + 14) + 2)
    for pair in order.charges:
        _draw_sum(sheet, pair)
    sheet.rule(sheet.y + 1, x=MARGIN + sheet.epw / 2, width=sheet.epw / 2)
    sheet.set_y(sheet.y + 2)
    _draw_sum(sheet, order.total, size=13, is_bold=True)
    for pair in order.settlement:
        _draw_sum(sheet, pair)


def _draw_sum(sheet: Sheet, pair: Labelled, *, size: float = 10, is_bold: bool = False) -> None:
    label, amount = pair
    half, top = sheet.epw / 2, sheet.y
    colour = BLACK if is_bold else GREY
    sheet.put(label, x=MARGIN + half, y=top, width=half - 38, size=size, is_bold=is_bold, colour=colour)
    sheet.set_y(
        sheet.put(amount, x=MARGIN + sheet.epw - 38, y=top, width=38, size=size, is_bold=is_bold, align="R")
    )


def _draw_remarks(sheet: Sheet, order: OrderText) -> None:
    count = len(order.tickets)
    remarks = []
    if count > MAX_TICKETS:
        remarks.append(f"The first {MAX_TICKETS} of {count} tickets follow; each has a link of its own.")
    elif count:
        remarks.append("The ticket follows." if count == 1 else f"{count} tickets follow, one a page.")
    if order.voided:
        remarks.append("1 ticket is void." if order.voided == 1 else f"{order.voided} tickets are void.")
    y = sheet.place_for(12) + _GAP
    sheet.put(" ".join(remarks), x=MARGIN, y=y, width=sheet.epw, size=9, colour=GREY)
