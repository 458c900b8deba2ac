"""Who looks what is here is greeted, and finds the contract; all of it comes from this server."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.found += [value for name in ("href", "src") if (value := given.get(name)) is not None]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "script" and "src" not in given:
            self.inline.append(tag)


def _links(page: str) -> list[str]:
    parser = _Links()
    parser.feed(page)
    assert parser.inline == []
    return [link for link in parser.found if not link.startswith("data:")]


def _get(intake: Intake, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{intake.url}{path}", headers=headers, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_all_that_a_page_needs_and_leads_to_is_here(intake: Intake, path: str) -> None:
    page = _get(intake, path, **BROWSER)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    links = _links(page.text)
    assert links
    for link in links:
        assert re.fullmatch(r"[a-z.-]+(/[a-z.-]+)?", link), "it stays on this server, wherever that is"
        assert _get(intake, f"/{link}").status_code == 200, link


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_loads_nothing_from_elsewhere_and_is_framed_by_nobody(intake: Intake, path: str) -> None:
    headers = _get(intake, path, **BROWSER).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))

    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    sources = {source for name, value in policy.items() if name != "default-src" for source in value.split()}
    assert all(one.startswith("'") or one == "data:" for one in sources), sources
    assert "unsafe" not in policy.get("script-src", "")
    assert headers["x-content-type-options"] == "nosniff"


def test_programs_are_greeted_in_json(intake: Intake) -> None:
    for accept in ("*/*", "application/json", ""):
        answer = _get(intake, "/", accept=accept)
        words = answer.json()
        assert (words["name"], answer.headers["vary"]) == ("Willcall", "accept")
        for link in words["links"].values():
            assert _get(intake, f"/{link}").status_code == 200


def test_nobodys_data_are_on_the_pages(intake: Intake) -> None:
    key = {"authorization": f"Bearer {intake.new_key('admin')}"}
    for path in ("/", "/docs"):
        assert _get(intake, path, **BROWSER).content == _get(intake, path, **BROWSER, **key).content


def test_the_scripts_are_what_they_are_called(intake: Intake) -> None:
    script, style = _get(intake, "/docs/swagger-ui-bundle.js"), _get(intake, "/docs/swagger-ui.css")

    assert script.headers["content-type"].startswith("text/javascript")
    assert style.headers["content-type"].startswith("text/css")
    assert "SwaggerUIBundle" in script.text
    assert "openapi.json" in _get(intake, "/docs/show.js").text


@pytest.mark.parametrize(
    "name", ["redoc.standalone.js", "favicon.png", "..%2fcore.py", "%2e%2e/core.py", "%00", "x", ""]
)
def test_nothing_else_is_served_from_there(intake: Intake, name: str) -> None:
    assert _get(intake, f"/docs/{name}").status_code == 404


def test_the_pages_can_be_headed_and_not_posted_to(intake: Intake) -> None:
    for path in ("/", "/docs", "/docs/show.js", "/docs/swagger-ui.css"):
        headed = httpx.head(f"{intake.url}{path}", timeout=PATIENCE_SECONDS)
        assert (headed.status_code, headed.content) == (200, b"")
        assert httpx.post(f"{intake.url}{path}", timeout=PATIENCE_SECONDS).status_code == 405
