"""A link opens what it was made for until it expires, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from fastapi import FastAPI, Request
from pydantic import ValidationError

from intake.documents.links import links_of
from intake.keys import Caller
from intake.parts import Parts, parts_of
from schemas.requests import CANCEL
from worker.settings import Settings


@pytest.fixture
def four(place, links) -> list[str]:
    """Return links to an order's PDF, and to its ticket in three forms."""
    order = place()
    made, ticket = links(order.id), order.tickets[0].id
    return [
        made.order_pdf(order.id),
        made.ticket_image(ticket),
        made.ticket_image(ticket, "svg"),
        made.digital_pass(ticket),
    ]


def test_links_work_without_a_key_and_are_kept_by_nobody(phone, four) -> None:
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


def test_without_its_signature_a_link_leads_to_nothing(phone, four) -> None:
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
            assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such thing")


def test_a_signature_is_good_for_its_own_path_only(phone, four) -> None:
    queries = [link.partition("?")[2] for link in four]
    for number, link in enumerate(four):
        for other in (query for place, query in enumerate(queries) if place != number):
            assert phone.get(f"{link.partition('?')[0]}?{other}").status_code == 404


def test_an_expired_link_leads_to_nothing(phone, place, links) -> None:
    order = place()

    assert phone.get(links(order.id, timedelta(seconds=-1)).order_pdf(order.id)).status_code == 404


def test_another_secret_signs_nothing_here(phone, place, links) -> None:
    order = place()
    forged = replace(links(order.id), secret=b"another tenant's")

    assert phone.get(forged.order_pdf(order.id)).status_code == 404


def test_what_does_not_exist_cannot_be_told_from_what_was_not_signed(phone, place, links) -> None:
    made = links(place().id)

    for link in (made.order_pdf(uuid4()), made.ticket_image(uuid4()), made.digital_pass(uuid4())):
        assert phone.get(link).status_code == 404
        assert phone.get(link.replace("-", "x")).status_code == 404


def request_to(parts: Parts) -> Request:
    app = FastAPI()
    app.state.parts = parts
    headers = [(b"host", b"tickets.test:8000")]
    return Request({"type": "http", "app": app, "scheme": "http", "path": "/v1/orders", "headers": headers})


def test_links_lead_to_where_the_caller_called_unless_the_settings_say_where(theatre) -> None:
    caller = Caller(uuid4(), uuid4(), "demo", frozenset(), link_secret=b"secret")
    parts, id_ = parts_of(theatre.server.app), uuid4()

    link = links_of(request_to(parts), caller).order_pdf(id_)
    by_settings = links_of(request_to(replace(parts, public_url="https://example.com/box/")), caller)

    assert link.startswith(f"http://tickets.test:8000/documents/orders/{id_}.pdf?expires=")
    expires = int(parse_qs(urlsplit(link).query)["expires"][0])
    assert abs(expires - datetime.now(UTC).timestamp() - 604_800) < 60
    assert by_settings.order_pdf(id_).startswith(f"https://example.com/box/documents/orders/{id_}.pdf?")


def test_a_secret_is_not_shown_by_accident(place, links) -> None:
    made = links(place().id)

    assert repr(made.secret) not in repr(made)


def test_a_key_gets_fresh_links_to_its_own_orders(theatre, phone, place, change) -> None:
    order = place(quantity=2)
    change(CANCEL, order_id=str(order.id), lines=[{"line_number": 1, "quantity": 1}])

    with theatre.client("orders.read", tenant="grand-theatre") as client:
        words = client.get(f"/v1/orders/{order.id}/documents").raise_for_status().json()
    with theatre.client("orders.read", tenant="other") as client:
        foreign = client.get(f"/v1/orders/{order.id}/documents")

    void, valid = sorted(words["tickets"], key=lambda ticket: ticket["png"] is not None)
    assert (void["png"], void["svg"]) == (None, None)
    for link in (words["order_pdf"], valid["png"], valid["svg"], valid["digital_pass"], void["digital_pass"]):
        assert phone.get(link).status_code == 200
    assert phone.get(f"{theatre.url}/v1/orders/{order.id}/documents").status_code == 401
    assert foreign.status_code == 404


def test_the_address_in_links_is_one_of_the_web() -> None:
    assert Settings(public_url="https://tickets.example.com").public_url == "https://tickets.example.com"
    with pytest.raises(ValidationError, match="must be a URL like https://"):
        Settings(public_url="tickets.example.com")
