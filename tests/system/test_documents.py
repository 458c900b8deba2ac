"""PDFs are asked for and made over both brokers."""

from pathlib import Path

import httpx
import pypdfium2
from sqlalchemy import Engine

from tests.brokers import Broker
from tests.factories import place, scalar
from tests.intakes import running_intake
from tests.makers import patient_get, running_maker
from tests.processes import PATIENCE_SECONDS, wait_until
from willcall.queues import DOCUMENTS


def test_a_pdf_is_made_and_its_message_is_gone(broker: Broker, engine: Engine, tmp_path: Path) -> None:
    with running_intake(broker.home, broker_url=broker.url, publish_timeout_seconds=60) as intake:
        order_id = place(engine, quantity=2)
        with intake.client() as client:
            link = client.get(f"/v1/orders/{order_id}/documents").raise_for_status().json()["order_pdf"]
        with httpx.Client(timeout=PATIENCE_SECONDS) as phone:
            assert phone.get(link).status_code == 202
            wait_until(lambda: broker.depth(DOCUMENTS) == 1, what="a message")

            with running_maker(intake.settings, tmp_path / "maker"):
                answer = patient_get(phone, link)
                wait_until(lambda: broker.depth(DOCUMENTS) == 0, what="an empty queue")

    with pypdfium2.PdfDocument(answer.content) as document:
        assert len(document) == 3
    assert scalar(engine, "SELECT tries FROM documents") == 1
