"""What a signature is of: the vendor's clients take different parts of the URL away before they sign it."""

import json
from itertools import product

import pytest

from tests.contract.ticket_evolution.client import Broker, sale, signature

_STARTS = [f"{scheme}127.0.0.1{port}" for scheme, port in product(("", "http://"), ("", ":{port}"))]
"""The clients in Ruby and JavaScript take scheme and port away; that in PHP takes only `https://` away."""


def _status(broker: Broker, method: str, path: str, content: str, start: str) -> int:
    start = start.format(port=broker.http.base_url.port)
    signed = signature(broker.secret, f"{method} {start}{path}?{content}")
    headers = {"x-token": broker.token, "x-signature": signed, "content-type": "application/json"}
    if method == "GET":
        return broker.http.get(f"{path}?{content}", headers=headers).status_code
    return broker.http.post(path, content=content, headers={**headers, "prefer": "wait=0"}).status_code


@pytest.mark.parametrize("start", _STARTS)
def test_a_signature_may_have_the_scheme_and_the_port(broker: Broker, start: str) -> None:
    assert _status(broker, "GET", "/v9/orders", "page=1&per_page=1", start) == 200
    assert _status(broker, "POST", "/v9/orders", json.dumps({"orders": [sale()]}), start) == 202
    broker.intake.take_requests()


@pytest.mark.parametrize(
    "start",
    ["https://127.0.0.1", "http://127.0.0.1:1", "http://example.com", "http:127.0.0.1", "//127.0.0.1"],
)
def test_no_other_scheme_host_or_port_will_do(broker: Broker, start: str) -> None:
    assert _status(broker, "GET", "/v9/orders", "page=1", start) == 401
    assert _status(broker, "POST", "/v9/orders", json.dumps({"orders": [sale()]}), start) == 401
