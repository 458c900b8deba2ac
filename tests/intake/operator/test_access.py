"""Who may look at the operator's page, and who may not."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from intake.auth.keys import revoke_key
from intake.auth.scopes import SCOPES
from intake.operator.pages import PAGES
from tests.intake.operator.conftest import log_in, token_of
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until

_PATHS = [f"/operator{path}" for path, _ in PAGES]


@pytest.mark.parametrize("path", _PATHS)
def test_every_page_answers_an_operator(operator: httpx.Client, path: str) -> None:
    page = operator.get(path)

    assert page.status_code == 200
    assert "Log out" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", [*_PATHS, f"/operator/orders/{UUID(int=1)}", f"/operator/sales/{UUID(int=1)}"]
)
@pytest.mark.parametrize("cookie", [None, "x", f"{'0' * 32}.9999999999.{'A' * 43}"])
def test_without_a_session_there_is_only_the_login(intake: Intake, path: str, cookie: str | None) -> None:
    headers = {} if cookie is None else {"cookie": f"willcall_operator={cookie}"}
    answer = httpx.get(intake.url + path, headers=headers, timeout=PATIENCE_SECONDS)

    assert (answer.status_code, answer.headers["location"]) == (303, "/operator/login")


@pytest.mark.parametrize("scope", [scope for scope in SCOPES if scope != "admin"])
def test_a_key_that_is_no_admins_cannot_log_in(intake: Intake, scope: str) -> None:
    with log_in(intake, "demo", scope) as client:
        page = client.get("/operator")

    assert page.url.path == "/operator/login"
    assert not client.cookies


@pytest.mark.parametrize("key", ["", "wc_" + "A" * 43, "x" * 10_000, "wc_é"])
def test_what_is_no_key_cannot_log_in_and_is_not_shown(intake: Intake, key: str) -> None:
    answer = httpx.post(f"{intake.url}/operator/login", data={"key": key}, timeout=PATIENCE_SECONDS)

    assert answer.status_code == 403
    assert not key or key not in answer.text
    assert "set-cookie" not in answer.headers


def test_the_cookie_is_signed_and_holds_no_key(intake: Intake) -> None:
    key = intake.new_key("admin")
    answer = httpx.post(f"{intake.url}/operator/login", data={"key": key}, timeout=PATIENCE_SECONDS)
    cookie = answer.headers["set-cookie"]

    assert key not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/operator"} <= set(cookie.split("; "))
    value = cookie.split("=", 1)[1].split(";")[0]
    for forged in (_changed(value, 0), _changed(value, 35), _changed(value, -1), value[:-1]):
        headers = {"cookie": f"willcall_operator={forged}"}
        assert httpx.get(f"{intake.url}/operator", headers=headers).status_code == 303, forged


def _changed(value: str, index: int) -> str:
    index %= len(value)
    return value[:index] + ("0" if value[index] != "0" else "1") + value[index + 1 :]


def test_a_revoked_key_ends_its_sessions(intake: Intake, operator: httpx.Client) -> None:
    key_id = UUID(hex=next(iter(operator.cookies.jar)).value[:32])  # type: ignore[index]
    with intake.engine.begin() as connection:
        assert revoke_key(connection, key_id, datetime.now(UTC))

    def is_out() -> bool:
        return operator.get("/operator").url.path == "/operator/login"

    wait_until(is_out, what="the session to end")


def test_logging_out_takes_the_cookie_away(operator: httpx.Client) -> None:
    page = operator.get("/operator")

    operator.post("/operator/logout", data={"token": token_of(page)})

    assert not operator.cookies
    assert operator.get("/operator").url.path == "/operator/login"


@pytest.mark.parametrize("path", ["dead-letters/replay", "dead-letters/discard", "logout"])
@pytest.mark.parametrize(
    ("data", "headers"),
    [
        ({}, {}),
        ({"token": "x"}, {}),
        (None, {"sec-fetch-site": "cross-site"}),
        (None, {"sec-fetch-site": "same-site"}),
    ],
)
def test_a_form_of_another_site_changes_nothing(
    intake: Intake,
    operator: httpx.Client,
    dead_letter: Callable[..., UUID],
    path: str,
    data: dict[str, str] | None,
    headers: dict[str, str],
) -> None:
    id_ = dead_letter()
    token = token_of(operator.get("/operator"))

    answer = operator.post(
        f"/operator/{path}",
        data={"id": str(id_), **({"token": token} if data is None else data)},
        headers=headers,
    )

    assert answer.status_code == 403
    assert "did not come from this page" in answer.text
    assert operator.get(f"/operator/dead-letters/{id_}").status_code == 200


def test_a_token_of_another_session_is_refused(intake: Intake, operator: httpx.Client) -> None:
    with log_in(intake) as other:
        token = token_of(other.get("/operator"))

    assert operator.post("/operator/logout", data={"token": token}).status_code == 403


def test_an_error_is_a_page(operator: httpx.Client) -> None:
    answer = operator.get(f"/operator/orders/{UUID(int=1)}")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_pages_load_nothing_from_elsewhere(operator: httpx.Client) -> None:
    page = operator.get("/operator").text

    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/operator", "data:,", "#")), address
    for name in ("style.css", "htmx.js"):
        assert operator.get(f"/operator/static/{name}").status_code == 200
    assert operator.get("/operator/static/..%2f__init__.py").status_code == 404
