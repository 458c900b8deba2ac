"""Rules: conditions on facts that one statement reads from one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import TextClause, text

OURS: Final = "'reconciliation.discrepancy_found'"
"""The type of the event messages of findings, as SQL: rules ignore them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of discrepancy. `is_broken` and `detail` are SQL over the columns of the facts.

    Findings about the outbox are not published: the event messages would wait in the same outbox.
    """

    name: str
    is_broken: str
    detail: str
    is_published: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """A statement that is run for each page, and the rules that it checks.

    `facts` selects `subject` (the id of the row), `tenant_id`, and the columns that the rules compare. A
    statement has one snapshot and each change is one transaction: rows that change meanwhile are seen as
    before or after the change, never in between.
    """

    facts: str
    rules: Sequence[Rule]
    statement: TextClause = field(init=False)

    def __post_init__(self) -> None:
        found = ", ".join(
            f"('{rule.name}', CASE WHEN {rule.is_broken} THEN COALESCE({rule.detail}, '') END)"
            for rule in self.rules
        )
        # Details are computed only for broken rows: of a million rows hardly one.
        broken = " OR ".join(f"({rule.is_broken})" for rule in self.rules)
        statement = f"""
            WITH facts AS MATERIALIZED ({self.facts}), broken AS (SELECT * FROM facts WHERE {broken})
            SELECT f.subject, f.tenant_id, found.rule, found.detail
            FROM broken f CROSS JOIN LATERAL (VALUES {found}) AS found (rule, detail)
            WHERE found.detail IS NOT NULL
        """  # noqa: S608 - made of our own rules
        object.__setattr__(self, "statement", text(statement))
