"""The picture of an order's PDF in docs/documents.md is made from a PDF that the intake serves."""

import os

import httpx
import pypdfium2
from PIL import Image

from schemas.orders import Order
from tests.intake.documents.conftest import MakeLinks, Place
from tests.intake.documents.scanning import codes_on
from tests.processes import ROOT

_FILE = ROOT / "docs" / "images" / "order-pdf.png"
"""It is written where `WILLCALL_SCREENSHOTS` is set."""

_SIZE = (596, 665)
_BUYER = {
    "first_name": "Zoë",
    "last_name": "Łukaszewicz",
    "email": "zoe@example.com",
    "phone": "+33 1 23 45 67 89",
}
_ADDRESS = {"line_1": "12 rue de la Paix", "postal_code": "75002", "city": "Paris", "country": "France"}


def _placed(place: Place) -> Order:
    attendees = [{"first_name": "محمد", "last_name": "عبد الله"}, {"first_name": "Zoë"}]
    lines = [{"ticket_class_id": "parterre", "quantity": 2, "attendees": attendees}]
    amounts = {"shipping": "5.00", "service_fee": "2.50", "discount": "3.00"}
    return place(
        line_items=lines,
        buyer=_BUYER,
        billing_address=_ADDRESS,
        payments=[{"type": "cash"}],
        reference="PO-1",
        **amounts,
    )


def _part(page: pypdfium2.PdfPage, width: int, height: int) -> Image.Image:
    """Return the upper part of a page, as wide as asked for."""
    picture: Image.Image = page.render(scale=width / page.get_width()).to_pil()
    return picture.convert("RGB").crop((0, 0, width, height))


def test_the_picture_has_the_summary_and_a_ticket(
    place: Place, phone: httpx.Client, links: MakeLinks
) -> None:
    order = _placed(place)
    served = phone.get(links(order.id).order_pdf(order.id)).raise_for_status()
    with pypdfium2.PdfDocument(served.content) as document:
        texts = [" ".join(page.get_textpage().get_text_range().split()) for page in document]
        width, height = _SIZE
        summary, ticket = (_part(document[number], width, height) for number in (0, 1))
    picture = Image.new("RGB", (2 * width + 1, height), (208, 208, 214))
    picture.paste(summary, (0, 0))
    picture.paste(ticket, (width + 1, 0))

    assert all("Central European Summer Time (Europe/Paris, UTC+02:00)" in text for text in texts)
    assert codes_on(picture) == [order.tickets[0].code]
    if os.environ.get("WILLCALL_SCREENSHOTS"):
        picture.quantize(128).save(_FILE, optimize=True)
