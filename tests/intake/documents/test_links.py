"""A link opens what it was made for until it expires, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from pydantic import ValidationError

from db.tenant_secrets import renew_secrets
from orders.reading.order_reading import find_tenant
from tests.intake.documents.conftest import Change, MakeLinks, Place
from tests.intakes import Intake, serving
from tests.rabbitmq import free_port
from willcall.kinds import CANCEL
from worker.runtime.settings import Settings


@pytest.fixture
def four(place: Place, links: MakeLinks) -> list[str]:
    """Return links to an order's PDF, and to its ticket in three forms."""
    order = place()
    made, ticket = links(order.id), order.tickets[0].id
    return [
        made.order_pdf(order.id),
        made.ticket_image(ticket),
        made.ticket_image(ticket, "svg"),
        made.digital_pass(ticket),
    ]


def test_links_work_without_a_key_and_are_kept_by_nobody(phone: httpx.Client, four: list[str]) -> None:
    answers = [phone.get(link) for link in four]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["content-type"].partition(";")[0] for answer in answers] == [
        "application/pdf",
        "image/png",
        "image/svg+xml",
        "text/html",
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


def test_without_its_signature_a_link_leads_to_nothing(phone: httpx.Client, four: list[str]) -> None:
    for link in four:
        path, _, query = link.partition("?")
        expires, signature = query.split("&")
        for wrong in (
            path,
            f"{path}?{expires}",
            f"{path}?{signature}",
            f"{link}x",
            f"{link[:-2]}é",
            f"{path}?expires=9999999999&{signature}",
            f"{path}?expires=-1&{signature}",
            f"{path}?expires=９９９&{signature}",
        ):
            answer = phone.get(wrong)
            assert (answer.status_code, answer.json()["detail"]) == (404, "not found")


def test_a_signature_is_good_for_its_own_path_only(phone: httpx.Client, four: list[str]) -> None:
    queries = [link.partition("?")[2] for link in four]
    for number, link in enumerate(four):
        for other in (query for place, query in enumerate(queries) if place != number):
            assert phone.get(f"{link.partition('?')[0]}?{other}").status_code == 404


def test_an_expired_link_leads_to_nothing(phone: httpx.Client, place: Place, links: MakeLinks) -> None:
    order = place()

    assert phone.get(links(order.id, timedelta(seconds=-1)).order_pdf(order.id)).status_code == 404


def test_another_secret_signs_nothing_here(phone: httpx.Client, place: Place, links: MakeLinks) -> None:
    order = place()
    forged = replace(links(order.id), secret=b"another tenant's")

    assert phone.get(forged.order_pdf(order.id)).status_code == 404


def test_what_does_not_exist_cannot_be_told_from_what_was_not_signed(
    phone: httpx.Client, place: Place, links: MakeLinks
) -> None:
    made = links(place().id)

    for link in (made.order_pdf(uuid4()), made.ticket_image(uuid4()), made.digital_pass(uuid4())):
        assert phone.get(link).status_code == 404
        assert phone.get(link.replace("-", "x")).status_code == 404


HOSTS = {
    "host": "evil.example.com",
    "x-forwarded-host": "evil.example.com",
    "x-forwarded-proto": "gopher",
    "forwarded": "host=evil.example.com;proto=gopher",
}


def test_links_lead_to_where_the_intake_listens_whatever_the_caller_says(
    theatre: Intake, place: Place
) -> None:
    order = place()
    with theatre.client("orders.read", tenant="grand-theatre") as client:
        answer = client.get(f"/v1/orders/{order.id}/documents", headers=HOSTS).raise_for_status()

    assert "evil" not in answer.text + str(answer.headers)
    link = answer.json()["order_pdf"]
    assert link.startswith(f"{theatre.url}/documents/orders/{order.id}.pdf?expires=")
    expires = int(parse_qs(urlsplit(link).query)["expires"][0])
    assert abs(expires - datetime.now(UTC).timestamp() - 604_800) < 60


def test_links_lead_to_where_the_settings_say(theatre: Intake, place: Place) -> None:
    changes = {"public_url": "https://example.com/box/", "intake_port": free_port()}
    settings, order = theatre.settings.model_copy(update=changes), place()
    with serving(settings), theatre.client("orders.read", tenant="grand-theatre") as client:
        url = f"http://127.0.0.1:{settings.intake_port}/v1/orders/{order.id}/documents"
        link = client.get(url, headers=HOSTS).raise_for_status().json()["order_pdf"]

    assert link.startswith(f"https://example.com/box/documents/orders/{order.id}.pdf?")


def test_a_secret_is_not_shown_by_accident(place: Place, links: MakeLinks) -> None:
    made = links(place().id)

    assert repr(made.secret) not in repr(made)


def test_links_to_a_ticket_that_was_voided_lead_to_nothing(
    phone: httpx.Client, place: Place, change: Change, four: list[str]
) -> None:
    pdf, *of_ticket = four
    order_id = urlsplit(pdf).path.removeprefix("/documents/orders/").removesuffix(".pdf")
    assert [phone.get(link).status_code for link in of_ticket] == [200] * 3

    change(CANCEL, order_id=order_id)

    assert [phone.get(link).status_code for link in of_ticket] == [404] * 3
    assert phone.get(pdf).status_code == 200  # the order is still the buyer's, without its tickets


def test_links_of_before_a_rotation_lead_to_nothing(
    theatre: Intake, phone: httpx.Client, place: Place, four: list[str], links: MakeLinks
) -> None:
    with theatre.engine.begin() as connection:
        tenant_id = find_tenant(connection, "grand-theatre")
        assert tenant_id is not None
        renew_secrets(connection, tenant_id, now=datetime.now(UTC))

    assert [phone.get(link).status_code for link in four] == [404] * 4
    order_id = place().id
    assert phone.get(links(order_id).order_pdf(order_id)).status_code == 200


def test_a_key_gets_fresh_links_to_its_own_orders(
    theatre: Intake, phone: httpx.Client, place: Place, change: Change
) -> None:
    order = place(quantity=2)
    change(CANCEL, order_id=str(order.id), lines=[{"line_number": 1, "quantity": 1}])

    with theatre.client("orders.read", tenant="grand-theatre") as client:
        words = client.get(f"/v1/orders/{order.id}/documents").raise_for_status().json()
    with theatre.client("orders.read", tenant="other") as client:
        foreign = client.get(f"/v1/orders/{order.id}/documents")

    void, valid = sorted(words["tickets"], key=lambda ticket: ticket["png"] is not None)
    assert (void["png"], void["svg"], void["digital_pass"]) == (None, None, None)
    for link in (words["order_pdf"], valid["png"], valid["svg"], valid["digital_pass"]):
        assert phone.get(link).status_code == 200
    assert phone.get(f"{theatre.url}/v1/orders/{order.id}/documents").status_code == 401
    assert foreign.status_code == 404


def test_the_address_in_links_is_one_of_the_web() -> None:
    assert Settings(public_url="https://tickets.example.com").public_url == "https://tickets.example.com"
    with pytest.raises(ValidationError, match="must be a URL like https://"):
        Settings(public_url="tickets.example.com")
