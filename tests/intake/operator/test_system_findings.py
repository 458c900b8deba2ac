"""A discrepancy of the system has no tenant: operators of all tenants see it, and nobody else."""

from datetime import timedelta

from sqlalchemy import Engine, text

from intake.operator.records import list_discrepancies
from intake.operator.view import View
from orders.upkeep.reconciliation import reconcile
from orders.upkeep.ticks import claim_tick
from tests.factories import NOW, load, scalar


def test_a_finding_without_a_tenant_is_shown_to_those_who_see_all(engine: Engine) -> None:
    load(engine)
    tenant_id = scalar(engine, "SELECT id FROM tenants")
    with engine.begin() as connection:
        claim_tick(connection, "holds.sweep", 1, now=NOW)
        reconcile(connection, now=NOW + timedelta(hours=1), job_intervals={"holds.sweep": 5})
        everybody = list_discrepancies(connection, View(None, None))
        one = list_discrepancies(connection, View(tenant_id, "demo"))
        connection.execute(text("DELETE FROM discrepancies"))

    assert [(row.rule, row.tenant) for row in everybody] == [("scheduled_job_not_run", None)]
    assert one == []
