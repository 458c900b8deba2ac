"""PDFs are made once, by another process, and kept: who asks meanwhile waits a moment or asks again."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pypdfium2
import pytest
from sqlalchemy import Engine, text

from orders.upkeep.document_cleanup import forget_documents
from tests.factories import make_change, make_request, place, run, scalar
from tests.intakes import Intake, running_intake
from tests.makers import patient_get, running_maker
from tests.processes import PATIENCE_SECONDS, wait_until

Link = Callable[..., str]


@pytest.fixture
def lonely(home: Path, engine: Engine) -> Iterator[Intake]:
    """An intake beside which nobody makes documents."""
    with running_intake(home, documents_waiting=3) as intake:
        with intake.broker() as broker:
            broker.default_channel.client.delete("documents")  # what other tests have asked for
        yield intake


@pytest.fixture
def link(lonely: Intake) -> Link:
    """Return a factory of links to orders' PDFs."""

    def make(order_id: UUID, tenant: str = "demo") -> str:
        with lonely.client(tenant=tenant) as client:
            answer = client.get(f"/v1/orders/{order_id}/documents").raise_for_status()
        return str(answer.json()["order_pdf"])

    return make


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_SECONDS) as client:
        yield client


def _made(engine: Engine) -> int:
    return int(scalar(engine, "SELECT count(*) FROM documents WHERE content IS NOT NULL"))


def _age(engine: Engine, column: str, seconds: int) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE documents SET {column} = {column} - interval '{seconds} seconds'"))


def test_what_is_not_there_yet_is_202_until_somebody_makes_it(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    url = link(place(engine))

    answer = browser.get(url)

    assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")
    assert answer.json() == {
        "status": "pending",
        "detail": "The document is being made. Try again in 2 seconds.",
    }
    assert answer.headers["cache-control"] == "private, no-store"
    with running_maker(lonely.settings, tmp_path / "maker"):
        assert patient_get(browser, url).content.startswith(b"%PDF")


def test_a_person_gets_a_page_that_loads_itself_again(
    engine: Engine, link: Link, browser: httpx.Client
) -> None:
    answer = browser.get(link(place(engine)), headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert (answer.status_code, answer.headers["retry-after"]) == (202, "2")
    assert answer.headers["content-type"].startswith("text/html")
    assert '<meta http-equiv="refresh" content="2">' in answer.text
    assert "The document is being made. This page reloads automatically." in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_many_who_ask_at_once_get_one_that_was_made_once(
    lonely: Intake, engine: Engine, link: Link, tmp_path: Path
) -> None:
    url = link(place(engine, quantity=60))

    def ask(_: int) -> httpx.Response:
        with httpx.Client(timeout=PATIENCE_SECONDS) as client:
            return patient_get(client, url)

    with running_maker(lonely.settings, tmp_path / "maker"), ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(20)))
        again = ask(0)

    assert len({answer.content for answer in (*answers, again)}) == 1
    assert rows_of(engine) == [(1, True)]


def rows_of(engine: Engine) -> list[tuple[int, bool]]:
    """Return of each document how often it was begun, and whether it is there."""
    with engine.connect() as connection:
        query = text("SELECT tries, content IS NOT NULL FROM documents ORDER BY asked_at")
        return [tuple(row) for row in connection.execute(query)]


def test_the_entity_tag_is_that_of_what_is_shown(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    order_id = place(engine, quantity=2)
    url = link(order_id)
    with running_maker(lonely.settings, tmp_path / "maker"):
        first = patient_get(browser, url)
        known = {"if-none-match": first.headers["etag"]}
        same = browser.get(url, headers=known)
        head = browser.head(url)
        (outcome,) = run(engine, make_change("orders.cancel", order_id=str(order_id)))
        assert not outcome.errors
        changed = patient_get(browser, url, headers=known)

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]
    with pypdfium2.PdfDocument(first.content) as before, pypdfium2.PdfDocument(changed.content) as after:
        assert (len(before), len(after)) == (3, 1)
    assert _made(engine) == 1, "the one of before is gone"


def test_a_large_one_is_sent_in_parts_whole(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    url = link(place(engine, quantity=300))

    with running_maker(lonely.settings, tmp_path / "maker"):
        answer = patient_get(browser, url)

    assert len(answer.content) > 3 * 256 * 1024
    assert answer.content == bytes(scalar(engine, "SELECT content FROM documents"))
    with pypdfium2.PdfDocument(answer.content) as document:
        assert len(document) == 301


def test_a_maker_that_is_killed_in_the_middle_leaves_nothing_under_way(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    url = link(place(engine, quantity=1000))
    with running_maker(lonely.settings, tmp_path / "killed") as maker:
        assert browser.get(url).status_code == 202
        wait_until(lambda: rows_of(engine) == [(1, False)], what="a document under way")
        maker.end(signal.SIGKILL)

    assert rows_of(engine) == [(1, False)]
    with running_maker(lonely.settings, tmp_path / "next"):
        assert patient_get(browser, url).status_code == 200
    assert rows_of(engine) == [(2, True)]


def test_one_that_ends_its_process_each_time_is_given_up(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    bad, good = link(place(engine)), link(place(engine))
    assert browser.get(bad).status_code == 202
    with engine.begin() as connection:
        connection.execute(text("UPDATE documents SET tries = 3"))

    with running_maker(lonely.settings, tmp_path / "maker") as maker:
        wait_until(lambda: browser.get(bad).status_code != 202, what="an answer")
        answer = browser.get(bad)
        assert patient_get(browser, good).status_code == 200

    assert answer.status_code == 500
    assert answer.json()["detail"] == "the document could not be made; the operators' log says why"
    assert "a document ended its process" in maker.output()
    _age(engine, "made_at", 61)
    assert browser.get(bad).status_code == 202, "it is tried again after a while"


def test_one_that_cannot_be_made_says_so_and_stops_no_other(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    order_id = place(engine)
    bad, good = link(order_id), link(place(engine))
    with engine.begin() as connection:
        spoil = text("UPDATE orders SET billing_address = '[1]' WHERE id = :id")
        connection.execute(spoil, {"id": order_id})

    with running_maker(lonely.settings, tmp_path / "maker") as maker:
        answer = patient_get(browser, bad)
        assert patient_get(browser, good).status_code == 200

    assert answer.status_code == 500
    assert "a document cannot be made" in maker.output()
    assert str(order_id) in maker.output()


def test_a_tenant_has_so_many_waiting_and_no_more(engine: Engine, link: Link, browser: httpx.Client) -> None:
    urls = [link(place(engine)) for _ in range(4)]
    (others,) = run(engine, make_request(tenant="other"))
    assert others.order_id is not None

    statuses = [browser.get(url).status_code for url in urls]
    refused = browser.get(urls[3])
    page = browser.get(urls[3], headers={"accept": "text/html"})

    assert statuses == [202, 202, 202, 429]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"].startswith("3 documents of this tenant already wait to be made.")
    assert page.status_code == 429
    assert "http-equiv" in page.text
    for answer in (refused, page):
        assert int(answer.headers["retry-after"]) > 0
    assert browser.get(link(others.order_id, "other")).status_code == 202


def test_after_a_minute_without_makers_callers_are_told(
    engine: Engine, link: Link, browser: httpx.Client
) -> None:
    url = link(place(engine))
    assert browser.get(url).status_code == 202

    _age(engine, "asked_at", 61)
    answer = browser.get(url)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "15")
    assert answer.json()["detail"].startswith("No process makes documents at the moment.")


def test_what_waits_is_made_also_when_every_message_was_lost(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    url = link(place(engine))
    assert browser.get(url).status_code == 202
    with lonely.broker() as broker:
        wait_until(lambda: broker.default_channel.client.llen("documents") == 1, what="a message")
        broker.default_channel.client.delete("documents")

    with running_maker(lonely.settings, tmp_path / "maker"):
        assert patient_get(browser, url).status_code == 200


def test_documents_go_by_age_and_size(engine: Engine) -> None:
    now = datetime.now(UTC)

    def add(tenant: int, age_seconds: int, size: int | None) -> UUID:
        query = text("""
            INSERT INTO documents (order_id, tenant_id, tickets, asked_at, made_at, version, content)
            VALUES (gen_random_uuid(), CAST(:tenant AS uuid), 1, :at, :at, :version,
                convert_to(repeat('x', :size), 'UTF8'))
            RETURNING order_id
        """)
        values = {
            "tenant": str(UUID(int=tenant)),
            "at": now - timedelta(seconds=age_seconds),
            "size": size,
            "version": None if size is None else "1",
        }
        with engine.begin() as connection:
            found: UUID = connection.execute(query, values).scalar_one()
        return found

    fresh, second = add(1, 10, 20), add(1, 20, 5)
    add(1, 30, 1)  # more than the tenant's quarter
    of_another = add(2, 40, 25)
    failed = add(2, 50, None)
    add(2, 70, None)  # failed a while ago
    of_third, of_fourth = add(3, 60, 25), add(4, 65, 24)
    add(5, 80, 2)  # more than all may have
    add(6, 1001, 0)  # too old

    with engine.begin() as connection:
        gone = forget_documents(connection, now=now, keep_for=timedelta(seconds=1000), max_bytes=100)

    with engine.connect() as connection:
        left = set(connection.scalars(text("SELECT order_id FROM documents")))
    assert left == {fresh, second, of_another, failed, of_third, of_fourth}
    assert gone == 4


def test_no_document_is_wider_open_than_its_link(
    lonely: Intake, engine: Engine, browser: httpx.Client
) -> None:
    order_id = place(engine)

    for query in ("", "?signature=x", "?expires=9999999999&signature=x"):
        assert browser.get(f"{lonely.url}/documents/orders/{order_id}.pdf{query}").status_code == 404
    assert scalar(engine, "SELECT count(*) FROM documents") == 0
