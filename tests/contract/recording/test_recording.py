"""A client's calls are recorded without secrets, and made again as a contract test."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from intake.auth.keys import NewKey, create_key
from intake.auth.scopes import SCOPES
from intake.recording.exchanges import Exchange, NotARecording, read_recording
from intake.recording.proxy import Recorder
from intake.recording.replaying import replay
from schemas.catalogue import Catalogue
from tests.contract.acme.client import Acme
from tests.contract.acme.client import order_of as acme_order
from tests.contract.eventbookings.client import connect
from tests.contract.messages import recorded
from tests.contract.ticket_evolution.client import Broker, sale
from tests.contract.zoho_backstage.client import create, placed, sample, show
from tests.intakes import Intake
from tests.makers import patient_get
from tests.processes import PATIENCE_SECONDS

RECORDINGS = Path(__file__).parents[2] / "messages" / "recordings"
ORDER = {
    "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
    "line_items": [{"ticket_class_id": "3000000012232", "quantity": 2}],
}


@contextmanager
def recording(intake: Intake, path: Path) -> Iterator[httpx.Client]:
    """Return a client whose calls are recorded."""
    recorder = Recorder(intake.url, path, 0)
    thread = threading.Thread(target=recorder.serve_forever)
    thread.start()
    try:
        with httpx.Client(base_url=recorder.url, timeout=PATIENCE_SECONDS) as http:
            yield http
    finally:
        recorder.shutdown()
        thread.join()
        recorder.close()


def new_key(intake: Intake, tenant: str = "box-office") -> NewKey:
    with intake.engine.begin() as connection:
        return create_key(connection, tenant, SCOPES[:-1], datetime.now(UTC))


def again(
    intake: Intake, exchanges: list[Exchange], tenant: str = "box-office"
) -> dict[str, tuple[str, ...]]:
    """Return what is otherwise when the calls are made again."""
    replayed = list(replay(exchanges, intake.url, new_key(intake, tenant)))
    assert len(replayed) == len(exchanges)
    return {one.name: one.differences for one in replayed if one.differences}


def canonical_calls(http: httpx.Client, intake: Intake) -> None:
    made = new_key(intake)
    headers = {
        "authorization": f"Bearer {made.key}",
        "prefer": "wait=30",
        "idempotency-key": f"shop {uuid4()}",
    }
    order = http.post("/v1/orders", json=ORDER, headers=headers).raise_for_status().json()
    assert http.post("/v1/orders", json=ORDER, headers=headers).headers["idempotency-replayed"] == "true"
    path = f"/v1/orders/{order['id']}"
    del headers["idempotency-key"]
    patch = {"buyer": {"phone": "1"}}
    http.patch(path, json=patch, headers=headers | {"if-match": '"1"'}).raise_for_status()
    assert http.patch(path, json=patch, headers=headers | {"if-match": '"1"'}).status_code == 412
    cancelled = {"ticket_ids": [order["tickets"][1]["id"]]}
    http.post(f"{path}/cancel", json=cancelled, headers=headers).raise_for_status()
    waiting = http.post("/v1/orders", json=ORDER, headers=headers | {"prefer": "wait=0"})
    assert waiting.status_code == 202
    assert http.get(waiting.json()["status_url"], headers=headers).status_code == 200
    assert http.get(path).status_code == 401
    assert http.post(
        "/v1/orders", content=b"{", headers=headers | {"content-type": "application/json"}
    ).is_error


def acme_calls(http: httpx.Client, intake: Intake) -> None:
    acme = Acme(http, new_key(intake).key)
    id_ = acme.create(recorded("acme/create_order.json"), x_acme_request_uuid=str(uuid4()))
    order = acme.get(id_)
    acme_order(acme.call("PUT", f"/{id_}", order | {"contactFirstName": "Eve"}))
    acme.delete(id_)


def zoho_calls(http: httpx.Client, intake: Intake) -> None:
    key = new_key(intake).key
    order = placed(create(http, key, sample()))
    show(http, key, order["id"])
    assert create(http, key, sample(tickets=[])).status_code == 422


def ticket_evolution_calls(http: httpx.Client, intake: Intake) -> None:
    made = new_key(intake, "brokerage")
    broker = Broker(intake, http, made.id.hex, made.secret, made.key)
    (order,) = broker.made(sale())
    assert broker.get(f"/v9/orders/{order['id']}").status_code == 200
    assert broker.get("/v9/orders/999999999").status_code == 404


def eventbookings_calls(http: httpx.Client, intake: Intake) -> None:
    made = new_key(intake)
    client = connect(http, intake, made.key)
    order = client.order(client.place(("3000000012232", 1))["id"])
    assert order["order_pdf_link"].startswith(str(http.base_url).rstrip("/")), (
        "links lead through the recorder"
    )
    assert patient_get(http, order["order_pdf_link"]).status_code == 200
    grant = {"grant_type": "client_credentials"}
    assert http.post("/connect/token", data=grant, auth=(str(made.id), made.key)).status_code == 200


CLIENTS: dict[str, Callable[[httpx.Client, Intake], None]] = {
    "canonical": canonical_calls,
    "acme": acme_calls,
    "zoho_backstage": zoho_calls,
    "ticket_evolution": ticket_evolution_calls,
    "eventbookings": eventbookings_calls,
}


def tenant_of(name: str) -> str:
    return "brokerage" if name == "ticket_evolution" else "box-office"


@pytest.fixture
def record(
    intake: Intake, catalogue: Catalogue, brokerage: None, worker: object, maker: object, tmp_path: Path
) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        path = tmp_path / f"{name}.jsonl"
        with recording(intake, path) as http:
            CLIENTS[name](http, intake)
        return path

    return make


@pytest.mark.parametrize("name", CLIENTS)
def test_a_recording_can_be_made_again_and_is_answered_alike(
    record: Callable[[str], Path], intake: Intake, name: str
) -> None:
    exchanges = list(read_recording(record(name)))

    assert again(intake, exchanges, tenant_of(name)) == {}
    assert again(intake, exchanges, tenant_of(name)) == {}, "and once more"


@pytest.mark.skipif("RECORD_CLIENTS" not in os.environ, reason="the recordings are to stay as they are")
@pytest.mark.parametrize("name", CLIENTS)
def test_the_recordings_are_made_anew(record: Callable[[str], Path], name: str) -> None:
    shutil.copyfile(record(name), RECORDINGS / tenant_of(name) / f"{name}.jsonl")


@pytest.mark.parametrize("name", CLIENTS)
def test_no_secret_is_written_down(
    record: Callable[[str], Path], intake: Intake, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made: list[NewKey] = []
    really_create = create_key

    def note(*arguments: Any, **options: Any) -> NewKey:
        made.append(really_create(*arguments, **options))
        return made[-1]

    monkeypatch.setattr("tests.contract.recording.test_recording.create_key", note)
    path = record(name)

    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert made
    for key in made:
        assert key.key not in text
        assert key.secret not in text
    with intake.engine.connect() as connection:
        codes = connection.exec_driver_sql("SELECT code FROM tickets WHERE code IS NOT NULL").scalars().all()
    assert codes
    assert not [code for code in codes if code in text]
    assert '"access_token\\": \\"' not in text.replace('\\"access_token\\":\\"…', "")
    assert "signature=" not in text.replace("signature=…", "")
    assert "x-signature" not in text or '"x-signature": ""' in text


def test_an_answer_that_is_otherwise_is_named(record: Callable[[str], Path], intake: Intake) -> None:
    exchanges = list(read_recording(record("canonical")))
    first = exchanges[0]
    words = json.loads(first.answer or "")
    words["totals"]["total"] = "1.00"
    words["line_items"].append({})
    words["gone"] = 1
    del words["currency"]
    other = replace(first, answer=json.dumps(words))
    third = replace(exchanges[2], status=201)

    found = again(intake, [other, exchanges[1], third])

    assert set(found["call 1, POST /v1/orders"]) == {
        "currency is new",
        "gone is missing",
        "line_items had 2 items, has 1",
        "totals.total was '1.00', is '108.29'",
    }
    assert list(found.values())[1] == ("the status was 201, is 200",)


def test_what_needs_a_secret_is_said_and_not_sent(record: Callable[[str], Path], intake: Intake) -> None:
    pdf = [one for one in read_recording(record("eventbookings")) if one.path.startswith("/documents/")]

    (found,) = again(intake, pdf[:1]).values()

    assert found == ("it needs a secret, which no recording holds",)


@pytest.mark.parametrize("line", ["", "{}", "[]", "no", '{"method": "GET"}'])
def test_another_file_is_no_recording(tmp_path: Path, line: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text(line + "\n")

    with pytest.raises(NotARecording, match="line 1"):
        list(read_recording(path))
