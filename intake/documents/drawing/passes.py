"""A ticket as a page for a phone: one file, no script, nothing loaded from anywhere."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from intake.documents.drawing.facts import TicketText
from intake.documents.drawing.qr import svg_of

_FILES: Final = files("intake.documents.drawing")
_PAGE: Final = Template(_FILES.joinpath("pass.html").read_text(encoding="utf-8"))
_STYLE: Final = _FILES.joinpath("pass.css").read_text(encoding="utf-8")

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's own style and nothing else: what slipped through the escaping could still not run."""


def pass_of(ticket: TicketText) -> str:
    """Return the page of a ticket as HTML."""
    event = ticket.event
    is_waiting = ticket.state == "valid" and not ticket.code
    particulars = (
        ("Ticket", ticket.ticket_class),
        *ticket.place,
        ("Attendee", ticket.attendee),
        ("Order", ticket.reference),
    )
    return _PAGE.substitute(
        title=escape(f"{event.name}: ticket"),
        style=_STYLE,
        event=escape(event.name),
        day=escape(event.day),
        hours=escape(event.hours),
        zone=escape(event.zone),
        venue=_paragraph(event.venue) + _paragraph(event.address, "small"),
        state="waiting" if is_waiting else ticket.state,
        qr=f'<div class="code">{_qr(ticket.code)}</div>' if ticket.code else "",
        remark=_paragraph(ticket.remark),
        particulars="\n".join(
            f'<dt>{escape(label)}</dt><dd dir="auto">{escape(text)}</dd>'
            for label, text in particulars
            if text
        ),
        id=escape(ticket.id),
    )


def _qr(code: str) -> str:
    drawing = svg_of(code, is_inline=True)
    return drawing.replace("<svg ", '<svg role="img" aria-label="QR code of the ticket" ', 1)


def _paragraph(text: str, style: str = "") -> str:
    return f'<p dir="auto" class="{style}">{escape(text)}</p>' if text else ""
