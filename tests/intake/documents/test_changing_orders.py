"""An order may change faster than its PDF is made or read: it is delivered all the same."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pypdfium2
import pytest
from sqlalchemy import Engine, text

from tests.factories import make_change, place, run
from tests.intake.documents.test_keeping import browser, link, lonely, rows_of
from tests.intakes import Intake
from tests.makers import patient_get, running_maker
from tests.processes import wait_until

__all__ = ["browser", "link", "lonely"]

Link = Callable[..., str]

_LARGE = 32 * 1024 * 1024
"""More than what the sockets of one connection hold."""


def _change(engine: Engine, order_id: UUID, kind: str = "orders.cancel", **body: Any) -> None:
    (outcome,) = run(engine, make_change(kind, order_id=str(order_id), **body))
    assert not outcome.errors


@contextmanager
def _changing(engine: Engine, order_id: UUID) -> Iterator[list[int]]:
    """Give the order another reference several times a second, while the block runs; tells which so far."""
    is_over, numbers = threading.Event(), list[int]()

    def change() -> None:
        for number in count(1):
            _change(engine, order_id, "orders.update", patch={"reference": f"PO-{number}"})
            numbers.append(number)
            if is_over.wait(0.2):
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        wait_until(lambda: bool(numbers), what="a first change")
        yield numbers
    finally:
        is_over.set()
        thread.join()


def _text(content: bytes) -> str:
    with pypdfium2.PdfDocument(content) as document:
        return str(document[0].get_textpage().get_text_range())


@pytest.mark.parametrize("tickets", [1, 300])
def test_an_order_that_changes_all_the_time_has_a_pdf(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path, tickets: int
) -> None:
    order_id = place(engine, quantity=tickets)
    url = link(order_id)

    with running_maker(lonely.settings, tmp_path / "maker"), _changing(engine, order_id) as numbers:
        for _ in range(2):
            before = numbers[-1]
            answer = patient_get(browser, url)
            shown = re.search(r"PO-(\d+)", _text(answer.content))
            assert shown is not None
            # One of a moment ago, where making it takes longer than a call waits.
            assert int(shown[1]) >= (before if tickets == 1 else 1)
            assert answer.headers["etag"]


def test_who_has_changed_an_order_sees_that_though_one_of_before_is_under_way(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    order_id = place(engine, quantity=1_000)
    url = link(order_id)
    with running_maker(lonely.settings, tmp_path / "maker"):
        assert browser.get(url).status_code == 202
        wait_until(lambda: rows_of(engine) == [(1, False)], what="a document under way")
        _change(engine, order_id)
        answer = patient_get(browser, url)

    with pypdfium2.PdfDocument(answer.content) as document:
        assert len(document) == 1, "its tickets are void"


@contextmanager
def _half_read(engine: Engine, browser: httpx.Client, url: str) -> Iterator[Iterator[bytes]]:
    """Begin to read a document that is larger than what is under way at any moment."""
    with engine.begin() as connection:
        query = "UPDATE documents SET content = convert_to(repeat('x', :size), 'UTF8')"
        connection.execute(text(query), {"size": _LARGE})
    with browser.stream("GET", url) as answer:
        assert answer.headers["content-length"] == str(_LARGE)
        parts = answer.iter_bytes(65_536)
        assert len(next(parts)) == 65_536
        yield parts


def test_who_reads_slowly_reads_on_while_another_version_waits(
    lonely: Intake, engine: Engine, link: Link, browser: httpx.Client, tmp_path: Path
) -> None:
    order_id = place(engine)
    url = link(order_id)
    with running_maker(lonely.settings, tmp_path / "maker"):
        patient_get(browser, url)

    with _half_read(engine, browser, url) as parts:
        _change(engine, order_id)
        assert httpx.get(url).status_code == 202
        assert sum(map(len, parts)) == _LARGE - 65_536


def test_a_download_that_is_cut_is_no_failure_of_ours(
    lonely: Intake,
    engine: Engine,
    link: Link,
    browser: httpx.Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    order_id = place(engine)
    url = link(order_id)
    with running_maker(lonely.settings, tmp_path / "maker"), httpx.Client(timeout=60) as other:
        patient_get(browser, url)
        with _half_read(engine, browser, url) as parts:
            _change(engine, order_id)
            assert patient_get(other, url).content.startswith(b"%PDF")
            with pytest.raises(httpx.RemoteProtocolError):
                list(parts)

    said = "a document was replaced while it was sent"
    wait_until(lambda: said in caplog.messages, what="a line of the log")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
