"""Screenshots of the operator's page after a sale."""

import shutil
from pathlib import Path
from typing import Final

from playwright.sync_api import expect, sync_playwright

from tests.faults.system.stage import Stage
from tests.onsale.sale import admin_key
from tests.processes import PATIENCE_SECONDS

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")


def take_shots(stage: Stage, folder: Path) -> None:
    """Write `onsale-now.png` and `onsale-class.png`; Chromium must be installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(base_url=stage.urls()[0], viewport={"width": 1100, "height": 820})
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.goto("/operator/login")
        page.get_by_label("API key").fill(admin_key(stage))
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Now")).to_be_visible()
        page.screenshot(path=folder / "onsale-now.png")
        page.goto("/operator/sales")
        page.get_by_role("link", name="Floor").click()
        page.get_by_role("link", name="15m").click()
        page.screenshot(path=folder / "onsale-class.png")
        browser.close()
