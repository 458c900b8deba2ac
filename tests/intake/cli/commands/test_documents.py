"""`willcall orders pdf`."""

from pathlib import Path

import pypdfium2
from sqlalchemy import Engine

from tests.factories import load, make_request, run
from tests.intake.cli.conftest import Willcall


def test_an_order_is_written_as_a_pdf(willcall: Willcall, engine: Engine, tmp_path: Path) -> None:
    load(engine)
    order_id = run(engine, make_request(quantity=2))[0].order_id

    ran = willcall("orders", "pdf", order_id, "-o", tmp_path / "order.pdf")

    assert ran.code == 0
    with pypdfium2.PdfDocument(tmp_path / "order.pdf") as document:
        assert len(document) == 3


def test_what_cannot_be_written_is_said(willcall: Willcall, engine: Engine, tmp_path: Path) -> None:
    load(engine)
    order_id = run(engine, make_request())[0].order_id

    unknown = willcall("orders", "pdf", "X7K2P9QM")
    nowhere = willcall("orders", "pdf", order_id, "-o", tmp_path / "missing" / "order.pdf")

    assert (unknown.code, nowhere.code) == (1, 1)
    assert "there is no order X7K2P9QM" in unknown.err
    assert "cannot be written: No such file or directory" in nowhere.err
