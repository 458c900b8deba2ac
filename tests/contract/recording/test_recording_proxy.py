"""The recorder passes calls and answers on as they came."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from intake.recording.exchanges import read_recording
from intake.recording.proxy import Recorder
from schemas.catalogue import Catalogue
from tests.contract.recording.test_recording import new_key, recording
from tests.intakes import Intake

CHANGING = {"date", "x-request-id", "content-length", "connection", "server"}


def calls_with(key: str) -> list[dict[str, Any]]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    text = headers | {"content-type": "text/plain"}
    orders = "/v1/orders"
    return [
        {"method": "HEAD", "url": "/healthz"},
        {"method": "GET", "url": f"{orders}?limit=1&email=a%40example.com", "headers": headers},
        {"method": "GET", "url": f"{orders}/%00", "headers": headers},
        {"method": "DELETE", "url": orders, "headers": headers},
        {"method": "OPTIONS", "url": orders, "headers": headers},
        {"method": "POST", "url": orders, "headers": headers, "content": b'{"a": "\xff"}'},
        {"method": "POST", "url": orders, "headers": text, "content": b"x"},
        {
            "method": "POST",
            "url": orders,
            "headers": headers,
            "content": iter([b'{"buyer"', b": "]),
        },  # chunked
        {"method": "GET", "url": "/nowhere", "headers": headers | {"accept-encoding": "gzip"}},
    ]


def told(http: httpx.Client, call: dict[str, Any]) -> tuple[Any, ...]:
    answer = http.request(**call)
    kept = sorted((name, value) for name, value in answer.headers.multi_items() if name not in CHANGING)
    return answer.status_code, kept, answer.content


def test_a_client_is_answered_as_without_the_recorder(
    intake: Intake, catalogue: Catalogue, tmp_path: Path
) -> None:
    path, key = tmp_path / "all.jsonl", new_key(intake).key

    with recording(intake, path) as http, httpx.Client(base_url=intake.url) as direct:
        for call, again in zip(calls_with(key), calls_with(key), strict=True):
            assert told(http, call) == told(direct, again), call

    exchanges = list(read_recording(path))
    assert len(exchanges) == len(calls_with(key))
    assert exchanges[5].body == '{"a": "\udcff"}', "bytes that are no text are kept all the same"
    assert exchanges[7].body == '{"buyer": '


def test_a_recording_is_a_file_of_its_own(intake: Intake, tmp_path: Path) -> None:
    path = tmp_path / "there.jsonl"
    path.write_text("mine")

    with pytest.raises(FileExistsError):
        Recorder(intake.url, path, 0)
    assert path.read_text() == "mine"


def test_an_intake_that_is_away_is_a_bad_gateway(tmp_path: Path) -> None:
    class Away:
        url = "http://127.0.0.1:9"

    with recording(Away(), tmp_path / "away.jsonl") as http:  # type: ignore[arg-type] # it needs only a URL
        assert http.get("/healthz").status_code == 502
