"""The dashboard remembers what it has seen, and what it looks like."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import Engine

from tests.brokers import VALKEY, Broker
from tests.factories import load, scalar
from tests.processes import PATIENCE_SECONDS, ROOT, wait_until
from tests.system.observing.test_dashboard import LOGIN, running_dashboard, send_orders
from willcall.queues import ORDERS

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.parametrize("broker", [VALKEY], indirect=True)


def test_what_it_has_seen_is_there_after_a_restart(broker: Broker, engine: Engine, tmp_path: Path) -> None:
    load(engine)
    (tmp_path / "home").mkdir()
    home = {"WILLCALL_HOME": tmp_path / "home", "FLOWER_PERSISTENT": None}
    worker = broker.worker(ORDERS)
    with running_dashboard(broker, **home) as dashboard:
        wait_until(lambda: len(dashboard.workers()) == 1, what="the worker is seen")
        [name] = dashboard.workers()
        send_orders(broker)
        wait_until(lambda: bool(dashboard.tasks()), what="a batch is seen")
        before = dashboard.tasks()
    assert worker.end() == 0

    with running_dashboard(broker, **home) as dashboard:
        assert dashboard.workers() == [name]
        assert [task["uuid"] for task in dashboard.tasks()] == [task["uuid"] for task in before]


@pytest.mark.parametrize("damage", [b"", b"no state", b"\0" * 4096])
def test_a_damaged_state_keeps_it_from_nothing(
    broker: Broker, engine: Engine, tmp_path: Path, damage: bytes
) -> None:
    folder = tmp_path / "home" / "flower"
    folder.mkdir(parents=True)
    for suffix in ("", ".db", ".dat", ".dir"):
        (folder / f"state{suffix}").write_bytes(damage)
    with running_dashboard(broker, WILLCALL_HOME=tmp_path / "home", FLOWER_PERSISTENT=None) as dashboard:
        assert dashboard.get("/workers?json=1").status_code == 200


@pytest.mark.skipif(_CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.xdist_group("browser")
def test_its_pages_show_workers_and_batches(broker: Broker, engine: Engine) -> None:
    load(engine)
    broker.worker(ORDERS)
    with running_dashboard(broker) as dashboard, sync_playwright() as playwright:
        wait_until(lambda: len(dashboard.workers()) == 1, what="the worker is seen")
        send_orders(broker)
        wait_until(lambda: scalar(engine, "SELECT count(*) FROM orders") > 0, what="an order")
        wait_until(lambda: bool(dashboard.tasks()), what="a batch is seen")
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            base_url=str(dashboard.client.base_url),
            viewport={"width": 1280, "height": 700},
            http_credentials={"username": LOGIN[0], "password": LOGIN[1]},
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        for path, name, seen in (
            ("/workers", "workers", "worker@"),
            ("/tasks", "tasks", "orders.create"),
            (f"/task/{dashboard.tasks()[0]['uuid']}", "task", "orders.create"),
        ):
            page.goto(path)
            expect(page.locator("body")).to_contain_text(seen)
            if os.environ.get("WILLCALL_SCREENSHOTS"):
                page.screenshot(path=ROOT / "docs" / "images" / f"flower-{name}.png")
        browser.close()
