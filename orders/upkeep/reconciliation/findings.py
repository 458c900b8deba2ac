"""Findings: stored as rows of `discrepancies`, published once, and deleted when they are gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from db.ids import new_ids
from orders.outbox import add_messages
from orders.rows import MessageRow

# By the database's clock: runs of several hosts may overlap. Ordered, so that two of them do not deadlock. A
# finding is identified by its rule and its row; another detail does not make it a new one.
_REMEMBER: Final = text("""
    INSERT INTO discrepancies (rule, subject, tenant_id, detail, found_at, last_seen_at)
    SELECT rule, subject, tenant_id, detail, statement_timestamp(), statement_timestamp()
    FROM unnest(
        CAST(:rules AS text[]), CAST(:subjects AS uuid[]),
        CAST(:tenant_ids AS uuid[]), CAST(:details AS text[]))
        AS found (rule, subject, tenant_id, detail)
    ORDER BY rule, subject
    ON CONFLICT (rule, subject) DO UPDATE SET detail = excluded.detail,
        last_seen_at = greatest(discrepancies.last_seen_at, excluded.last_seen_at)
    RETURNING rule, subject, (xmax = 0) AS is_new
""")

_NOW: Final = text("SELECT statement_timestamp()")

# Findings that another run saw after this one began are that run's to delete.
_FORGET: Final = text("DELETE FROM discrepancies WHERE last_seen_at < :began")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A discrepancy that a rule found: `subject` is the id of the row.

    `tenant_id` is None for a discrepancy of the system, which no event message publishes.
    `is_new` states that no earlier run has found it.
    """

    rule: str
    subject: UUID
    tenant_id: UUID | None
    detail: str
    is_new: bool


def began(connection: Connection) -> datetime:
    """Return the start of a run, by the database's clock."""
    moment: datetime = connection.execute(_NOW).scalar_one()
    return moment


def remember(
    connection: Connection,
    found: Sequence[tuple[str, UUID, UUID | None, str]],
    published: frozenset[str],
    now: datetime,
) -> list[Discrepancy]:
    """Store findings (rule, subject, tenant, detail), and publish new ones.

    `published` are the rules whose findings are published as event messages.
    """
    unique = {(rule, subject): (tenant_id, detail) for rule, subject, tenant_id, detail in found}
    if not unique:
        return []
    rows = connection.execute(
        _REMEMBER,
        {
            "rules": array(rule for rule, _ in unique),
            "subjects": array(subject for _, subject in unique),
            "tenant_ids": array(tenant_id for tenant_id, _ in unique.values()),
            "details": array(detail for _, detail in unique.values()),
        },
    )
    remembered = [
        Discrepancy(row.rule, row.subject, *unique[row.rule, row.subject], is_new=row.is_new) for row in rows
    ]
    add_messages(
        connection, _messages([one for one in remembered if one.is_new and one.rule in published], now)
    )
    return remembered


def forget(connection: Connection, since: datetime) -> None:
    """Delete findings that no run has seen since this moment."""
    connection.execute(_FORGET, {"began": since})


def _messages(discrepancies: Sequence[Discrepancy], now: datetime) -> list[MessageRow]:
    """Return one event message per finding, each with its own id as subject."""
    return [
        MessageRow(
            str(id_),
            1,
            str(one.tenant_id),
            "reconciliation.discrepancy_found",
            orjson.dumps({"rule": one.rule, "subject": one.subject, "detail": one.detail}).decode(),
            now,
        )
        for id_, one in zip(new_ids(len(discrepancies)), discrepancies, strict=True)
    ]
