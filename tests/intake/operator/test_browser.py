"""The operator's page in a browser: what a person sees and does, also on a phone and by keyboard."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from intake.operator.pages import PAGES
from tests.intakes import Intake, Worker
from tests.processes import PATIENCE_SECONDS, ROOT

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_IMAGES = ROOT / "docs" / "images"
"""Screenshots are taken where `WILLCALL_SCREENSHOTS` is set."""

pytestmark = [
    pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.xdist_group("browser"),
]

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}

Order = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, intake: Intake) -> Iterator[BrowserContext]:
    """Return a desk's browser that is logged in."""
    context = browser.new_context(base_url=intake.url, viewport=DESK)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    page.goto("/operator")
    page.get_by_label("API key").fill(intake.new_key("admin"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Now")).to_be_visible(timeout=PATIENCE_SECONDS * 1000)
    page.close()
    yield context
    context.close()


@pytest.fixture
def sold(intake: Intake, worker: Worker, order: Order) -> dict[str, Any]:
    """Return an order, made while others were made and refused."""
    with intake.client() as client:
        for quantity in (1, 2, 4, 3):
            body = order(line_items=[{"ticket_class_id": "standing", "quantity": quantity}])
            answer = client.post("/v1/orders", json=body, headers={"prefer": "wait=30"})
        refused = order(line_items=[{"ticket_class_id": "stalls", "quantity": 900}])
        client.post("/v1/orders", json=refused, headers={"prefer": "wait=30"})
    return dict(answer.json())


def _class_id(intake: Intake) -> UUID:
    with intake.engine.connect() as connection:
        return UUID(
            str(
                connection.exec_driver_sql(
                    "SELECT c.id FROM ticket_classes c JOIN tenants t ON t.id = c.tenant_id"
                    " WHERE t.name = 'demo' AND c.external_id = 'standing'"
                ).scalar_one()
            )
        )


def _take(page: Page, name: str) -> None:
    if os.environ.get("WILLCALL_SCREENSHOTS"):
        page.screenshot(path=_IMAGES / f"operator-{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_on_any_page_and_none_is_wider_than_the_screen(
    intake: Intake,
    context: BrowserContext,
    sold: dict[str, Any],
    dead_letter: Callable[..., UUID],
    scheme: Any,
    size: Any,
) -> None:
    letter = dead_letter(details="Traceback …")
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    paths = [f"/operator{path}" for path, _ in PAGES]
    paths += [f"/operator/orders/{sold['id']}", f"/operator/dead-letters/{letter}"]
    paths += [
        f"/operator/sales/{_class_id(intake)}",
        "/operator/orders?q=sam@example.com",
        "/operator/no-page",
    ]
    for path in paths:
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_login_is_usable_by_everybody(browser: Browser, intake: Intake) -> None:
    context = browser.new_context(base_url=intake.url, viewport=PHONE)
    page = context.new_page()
    page.goto("/operator/login")
    page.get_by_label("API key").fill("wc_wrong")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text(
        "This key cannot log in", timeout=PATIENCE_SECONDS * 1000
    )
    assert Axe().run(page).violations_count == 0
    context.close()


def test_a_new_operator_finds_why_an_order_was_refused(context: BrowserContext, sold: dict[str, Any]) -> None:
    page = context.new_page()
    page.goto("/operator")
    _take(page, "now")
    page.get_by_role("link", name="sold_out").first.click()

    expect(page.get_by_role("region", name="Requests")).to_contain_text("sold_out")


def test_a_dead_letter_is_replayed_by_keyboard(
    intake: Intake, context: BrowserContext, dead_letter: Callable[..., UUID], order: Order
) -> None:
    request = {"tenant": "demo", "request_id": str(uuid4()), **order()}
    id_ = dead_letter(message=orjson.dumps(request), request_id=UUID(request["request_id"]))
    page = context.new_page()
    page.goto("/operator/dead-letters")
    _take(page, "dead-letters")
    row = page.get_by_role("row").filter(has=page.locator(f'a[href$="{id_}"]'))
    row.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Replay the chosen").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("1 replayed")
    assert request["request_id"] in [one["request_id"] for one in intake.take_requests()]


def test_what_is_left_of_a_class_is_live_and_keeps_the_focus(
    intake: Intake, context: BrowserContext, sold: dict[str, Any], order: Order
) -> None:
    page = context.new_page()
    page.goto("/operator/sales")
    page.get_by_role("link", name="Standing").click()
    page.get_by_role("link", name="15m").click()
    _take(page, "sales")
    left = page.locator(".figure").filter(has_text="Left").locator("strong")
    before = left.inner_text()
    page.locator("#window-15m").focus()

    with intake.client() as client:
        client.post("/v1/orders", json=order(), headers={"prefer": "wait=30"})

    expect(left).not_to_have_text(before, timeout=PATIENCE_SECONDS * 1000)
    assert page.evaluate("document.activeElement.id") == "window-15m"


def test_an_order_is_found_by_its_buyer(context: BrowserContext, sold: dict[str, Any]) -> None:
    page = context.new_page()
    page.goto("/operator/orders")
    page.get_by_role("searchbox").fill(sold["code"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name=sold["code"]).click()

    expect(page.get_by_role("heading", name=f"Order {sold['code']}")).to_be_visible()
    _take(page, "order")
