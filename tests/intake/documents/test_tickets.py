"""A ticket's QR code and its pass: what the gate reads, and what a guest does."""

from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from xml.etree import ElementTree

import httpx
import pytest
from PIL import Image
from sqlalchemy import select, update

from db.tables import ticket_keys, tickets
from schemas.orders import Order
from tests.intake.documents.conftest import Change, MakeLinks, Place
from tests.intake.documents.scanning import found_on
from tests.intakes import Intake
from willcall.kinds import CANCEL, CHECK_IN
from willcall.ticket_codes import verify_ticket

LinksOfTicket = Callable[[Order], tuple[str, str, str]]


@pytest.fixture
def links_of_ticket(links: MakeLinks) -> LinksOfTicket:
    def make(order: Order) -> tuple[str, str, str]:
        made, id_ = links(order.id), order.tickets[0].id
        return made.ticket_image(id_), made.ticket_image(id_, "svg"), made.digital_pass(id_)

    return make


def test_the_png_is_the_code_that_the_gate_verifies(
    theatre: Intake, phone: httpx.Client, place: Place, links_of_ticket: LinksOfTicket
) -> None:
    order = place()
    png, _, _ = links_of_ticket(order)

    (found,) = found_on(Image.open(BytesIO(phone.get(png).content)))

    with theatre.engine.connect() as connection:
        query = select(ticket_keys.c.id, ticket_keys.c.public_key)
        keys = {row.id: bytes(row.public_key) for row in connection.execute(query)}
    assert verify_ticket(found.text, keys).ticket_id == order.tickets[0].id
    assert found.ec_level in {"M", "Q", "H"}


def test_the_svg_is_well_formed_and_draws_the_same_modules(
    phone: httpx.Client, place: Place, links_of_ticket: LinksOfTicket
) -> None:
    png, svg, _ = links_of_ticket(place())
    answer = phone.get(svg)

    root = ElementTree.fromstring(answer.content)
    image = Image.open(BytesIO(phone.get(png).content))

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (int(root.attrib["width"]), int(root.attrib["height"])) == image.size
    assert answer.headers["content-security-policy"] == "default-src 'none'"


class Page(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def page_of(answer: httpx.Response) -> Page:
    assert answer.status_code == 200
    return Page(answer.text)


def test_the_pass_has_the_facts_and_needs_nothing_from_outside(
    phone: httpx.Client, place: Place, links_of_ticket: LinksOfTicket
) -> None:
    attendees = [{"first_name": "Zoë", "last_name": "Ōe"}]
    line = {"ticket_class_id": "stalls", "quantity": 1, "attendees": attendees}
    order = place(line_items=[line])

    answer = phone.get(links_of_ticket(order)[2])
    page = page_of(answer)

    for fact in (
        "Concert",
        "Sunday, 11 April 2027",
        "19:00 – 23:00",
        "Central European Summer Time (Europe/Paris, UTC+02:00)",
        "Grande salle",
        "Stalls",
        "A",
        "3",
        order.tickets[0].seat,
        "Zoë Ōe",
        order.code,
        "valid",
    ):
        assert fact in page.texts
    assert "svg" in page.tags
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert not {"src", "href", "style", "onload", "onclick"} & set(page.attributes)
    assert page.attributes["name"] is not None
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in answer.text
    assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]


def test_the_qr_code_in_the_pass_is_black_on_white_in_the_dark_too(
    phone: httpx.Client, place: Place, links_of_ticket: LinksOfTicket
) -> None:
    answer = phone.get(links_of_ticket(place())[2])

    assert '<path fill="#fff"' in answer.text
    assert 'stroke="#000"' in answer.text


def test_markup_in_names_is_text(phone: httpx.Client, place: Place, links_of_ticket: LinksOfTicket) -> None:
    evil = "<script>alert(1)</script>\"'&"
    line = {"ticket_class_id": "lawn", "quantity": 1, "attendees": [{"first_name": evil}]}
    page = page_of(phone.get(links_of_ticket(place(line_items=[line]))[2]))

    assert "script" not in page.tags
    assert "b" not in page.tags
    assert evil in page.texts
    assert '<b>Lawn</b> & "more"' in page.texts


def test_a_used_ticket_says_when_and_a_void_one_has_no_page(
    phone: httpx.Client, place: Place, change: Change, links_of_ticket: LinksOfTicket
) -> None:
    order = place()
    png, svg, page = links_of_ticket(order)

    change(CHECK_IN, ticket_id=str(order.tickets[0].id))
    used = page_of(phone.get(page))
    change(CHECK_IN, ticket_id=str(order.tickets[0].id), undo=True)
    change(CANCEL, order_id=str(order.id))

    assert "used" in used.texts
    assert any(text.startswith("Used on ") and text.endswith(".") for text in used.texts)
    assert [phone.get(link).status_code for link in (png, svg, page)] == [404, 404, 404]


def test_a_ticket_without_a_code_says_when_it_gets_one(
    theatre: Intake, phone: httpx.Client, place: Place, links_of_ticket: LinksOfTicket
) -> None:
    order = place()
    with theatre.engine.begin() as connection:
        connection.execute(update(tickets).where(tickets.c.order_id == order.id).values(code=None))
    png, svg, page = links_of_ticket(order)

    waiting = page_of(phone.get(page))

    assert "waiting" in waiting.texts
    assert "Its code is issued when the order is paid." in waiting.texts
    assert "svg" not in waiting.tags
    assert [phone.get(link).status_code for link in (png, svg)] == [404, 404]
