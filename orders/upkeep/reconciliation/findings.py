"""What was found: remembered as rows of `discrepancies`, told once, and forgotten when it is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from db.ids import new_ids
from orders.outbox import add_events
from orders.rows import EventRow

# By the database's clock: runs of several hosts may cross. In one order, so that two of them do not deadlock.
# A finding is its rule and its row: with another detail it is the same one.
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

# What another run saw after this one began is that run's to forget.
_FORGET: Final = text("DELETE FROM discrepancies WHERE last_seen_at < :began")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A difference that a rule found: `subject` is the id of the row in question.

    `tenant_id` is None where it is the system's and no tenant's; that is never told by an event message.
    `is_new` says that no run before has found it.
    """

    rule: str
    subject: UUID
    tenant_id: UUID | None
    detail: str
    is_new: bool


def began(connection: Connection) -> datetime:
    """Return the moment at which a run begins, by the database's clock."""
    moment: datetime = connection.execute(_NOW).scalar_one()
    return moment


def remember(
    connection: Connection,
    found: Sequence[tuple[str, UUID, UUID | None, str]],
    told: frozenset[str],
    now: datetime,
) -> list[Discrepancy]:
    """Write what was found (rule, subject, tenant, detail), and tell of what is new.

    `told` are the rules that are told by event messages.
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
    add_events(connection, _messages([one for one in remembered if one.is_new and one.rule in told], now))
    return remembered


def forget(connection: Connection, since: datetime) -> None:
    """Forget what no run has seen since this moment."""
    connection.execute(_FORGET, {"began": since})


def _messages(discrepancies: Sequence[Discrepancy], now: datetime) -> list[EventRow]:
    """Return one event message each, under an id of its own."""
    return [
        EventRow(
            str(id_),
            1,
            str(one.tenant_id),
            "reconciliation.discrepancy_found",
            orjson.dumps({"rule": one.rule, "subject": one.subject, "detail": one.detail}).decode(),
            now,
        )
        for id_, one in zip(new_ids(len(discrepancies)), discrepancies, strict=True)
    ]
