"""What draws documents: fast, and the same on every page."""

import secrets
import time
from dataclasses import replace
from functools import partial

import pypdfium2
import pytest
from qrcodegen import QrCode, QrSegment

from intake.documents.drawing.facts import EventText, OrderText, TicketText
from intake.documents.drawing.pdf import pdf_of
from intake.documents.drawing.qr import QUIET_ZONE, rows_of
from intake.documents.recent import Recent
from tests.intake.documents.scanning import codes_on
from tests.steps import million_steps

EVENT = EventText(
    "Concert", "Sunday, 11 April 2027", "19:00 – 23:00", "Central European Summer Time", "Hall", "1 Main St"
)


def _order(count: int, attendee: str = "Sam Peter") -> OrderText:
    tickets = tuple(
        TicketText(
            id=f"0199c0de-0000-7000-8000-{number:012d}",
            event=EVENT,
            ticket_class="Stalls",
            place=(("Seat", str(number)),),
            attendee=f"{attendee} {number}",
            state="valid",
            remark="",
            code=secrets.token_urlsafe(125),
            reference="X7K2P9QM",
        )
        for number in range(1, count + 1)
    )
    return OrderText(
        code="X7K2P9QM",
        issuer="Grand Théâtre",
        issuer_lines=("box@example.com",),
        status="Placed, paid",
        is_over=False,
        remark="",
        buyer=("Sam Peter",),
        particulars=(),
        events=(EVENT,),
        lines=(),
        charges=(),
        total=("Total", "$1.00"),
        settlement=(),
        tickets=tickets,
        voided=0,
    )


@pytest.mark.parametrize("length", [1, 16, 60, 167, 500])
def test_a_qr_code_is_that_of_the_reference_with_one_of_the_eight_masks(length: int) -> None:
    # Characters of the mode for bytes only: writers differ in where they change
    # to the alphanumeric mode, which has a hyphen.
    code = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz_") for _ in range(length))

    rows = rows_of(code)

    segments = [QrSegment.make_bytes(code.encode())]
    references = [
        QrCode.encode_segments(segments, QrCode.Ecc.MEDIUM, mask=one, boostecl=False) for one in range(8)
    ]
    assert rows in [_rows(reference) for reference in references]


def _rows(reference: QrCode) -> list[bytes]:
    """Return its modules with the quiet zone."""
    sides = range(-QUIET_ZONE, reference.get_size() + QUIET_ZONE)
    return [bytes(reference.get_module(x, y) for x in sides) for y in sides]


@pytest.mark.parametrize("attendee", ["Sam Peter", "สมชาย", "أحمد", "花子", "मीरा"])
def test_each_page_of_many_looks_as_it_does_alone(attendee: str) -> None:
    order = _order(3, attendee)

    with pypdfium2.PdfDocument(pdf_of(order)) as together:
        found = [page.render(scale=2).to_pil() for page in list(together)[1:]]

    for number, ticket in enumerate(order.tickets):
        alone = replace(order, tickets=(ticket,))
        with pypdfium2.PdfDocument(pdf_of(alone)) as document:
            expected = document[1].render(scale=2).to_pil()
        # All but the line at the bottom, which counts them.
        box = (0, 0, expected.width, round(expected.height * 0.9))
        assert found[number].crop(box).tobytes() == expected.crop(box).tobytes()
        assert codes_on(found[number]) == [ticket.code]


def test_a_page_takes_a_few_milliseconds_of_the_processor() -> None:
    pdf_of(_order(1))  # fonts are read once
    count, order = 200, _order(200)
    began = time.thread_time()
    pdf_of(order)
    taken = time.thread_time() - began

    # A million steps take about 50 ms where a page takes 5.
    assert taken < count * million_steps() * 0.25


def test_what_was_drawn_a_moment_ago_is_kept_within_bounds() -> None:
    recent = Recent(1_000)
    made: list[int] = []

    def make(name: int) -> bytes:
        made.append(name)
        return bytes(100)

    for name in range(50):
        recent.get((str(name),), partial(make, name))
        recent.get(("0",), lambda: make(0))
        assert recent.bytes <= 1_000

    assert made == list(range(50)), "what is asked for again and again is made once"
    recent.get(("1",), lambda: make(1))
    assert made[-1] == 1, "what nobody has asked for since is gone"
    recent.get(("large",), lambda: bytes(1_001))
    assert recent.bytes <= 1_000
