"""No secret passes into a recording, wherever a client puts it."""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.recording.discretion import HIDDEN, Discretion

NAMES = (
    "client_secret", "access_token", "refresh_token", "password", "signature", "X-Signature", "api_key",
    "apiKey", "ticket_group_signature", "Authorization", "credentials", "sessionId",
)  # fmt: skip
SECRETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=8, max_size=60).map(
    lambda text: f"q{text}"
)


@given(SECRETS, st.sampled_from(NAMES))
def test_a_secret_is_hidden_by_the_name_of_its_field(secret: str, name: str) -> None:
    discretion = Discretion()
    texts = (
        json.dumps({"a": {name: secret, "b": 1}}),
        json.dumps({name: secret}, indent=2),
        f"a=1&{urlencode({name: secret})}&b=2",
        f"{name}={secret}",
        json.dumps({"link": f"http://127.0.0.1:8000/documents/x.pdf?expires=1&{name}={secret}"}),
        f"/documents/x.pdf?expires=1&{name}={secret}",
    )
    for text in texts:
        hidden = discretion.hide(text)
        assert secret not in hidden
        assert HIDDEN in hidden


@given(SECRETS, st.sampled_from(["Bearer", "Zoho-oauthtoken", "Basic"]))
def test_what_a_call_came_with_is_hidden_wherever_it_turns_up(secret: str, scheme: str) -> None:
    discretion = Discretion()
    sent = b64encode(f"client:{secret}".encode()).decode() if scheme == "Basic" else secret

    kept = discretion.credentials(
        {"authorization": f"{scheme} {sent}", "x-acme-api-key": secret, "accept": "*/*"}
    )

    assert kept == {"authorization": scheme, "x-acme-api-key": ""}
    assert secret not in discretion.hide(f'{{"message": "the key {secret} is unknown", "x": "{sent}"}}')


@pytest.mark.parametrize(
    "text",
    [
        '{"token_type": "Bearer", "expires_in": 3600}',
        '{"is_token": true, "signature": null}',
        '{"buyer": {"first_name": "Ada"}, "code": "sold_out", "total": "45.50"}',
        "grant_type=client_credentials&scope=event.list_order+order.read",
        '{"id": "01a2197a-653b-733c-9aa1-83b5e1b822c4"}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Discretion().hide(text) == text


def test_codes_of_tickets_and_keys_are_hidden_under_any_name() -> None:
    code, key = "A" * 167, "wc_" + "k" * 43

    assert Discretion().hide(f'{{"value": "{code}", "note": "{key}"}}') == '{"value": "…", "note": "…"}'
