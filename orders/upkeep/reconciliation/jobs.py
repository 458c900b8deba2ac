"""Findings about scheduled jobs, by their ticks. They concern the system, and no tenant gets an event."""

from typing import Final

from orders.upkeep.reconciliation.rules import Look, Rule

_LATE: Final = """
    SELECT job.subject, CAST(NULL AS uuid) AS tenant_id, job.name, job.late_before,
        max(ticks.claimed_at) AS began_at
    FROM unnest(
        CAST(:job_subjects AS uuid[]), CAST(:job_names AS text[]), CAST(:late_before AS timestamptz[]))
        AS job (subject, name, late_before)
    JOIN ticks ON ticks.task = job.name
    GROUP BY job.subject, job.name, job.late_before
"""

LATE: Final = Look(
    _LATE,
    (
        Rule(
            "scheduled_job_not_run",
            "began_at < late_before",
            "name || ' began last at ' || began_at",
            is_published=False,
        ),
    ),
)
