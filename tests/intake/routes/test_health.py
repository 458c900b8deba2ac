"""Those who run the intake can ask how it is, without a key."""

import httpx

from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS


def test_it_says_that_it_is_alive(intake: Intake) -> None:
    answer = httpx.get(f"{intake.url}/healthz", timeout=PATIENCE_SECONDS)

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_it_is_ready_when_the_servers_behind_it_answer(intake: Intake) -> None:
    answer = httpx.get(f"{intake.url}/readyz", timeout=PATIENCE_SECONDS)

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_it_counts_what_it_took(intake: Intake, client: httpx.Client) -> None:
    client.post("/v1/orders", json=[{}, {}])

    answer = httpx.get(f"{intake.url}/metrics", timeout=PATIENCE_SECONDS)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    counts = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert float(counts['willcall_intake_requests_total{result="accepted"}']) >= 2
    assert float(counts["willcall_intake_groups_total"]) >= 1
