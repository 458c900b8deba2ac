"""What a rule is: a condition on facts that one statement reads from one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import TextClause, text

OURS: Final = "'reconciliation.discrepancy_found'"
"""The type of the event messages that tell of findings: no other finding is made of them. SQL."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of damage. `is_broken` and `detail` are SQL over the columns of the facts.

    A rule about the outbox is not told by an event message: that would wait in the same outbox.
    """

    name: str
    is_broken: str
    detail: str
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """One statement a page, and the rules that it answers.

    `facts` selects `subject` (the id of the row in question), `tenant_id`, and what the rules compare. A
    statement has one snapshot and the path writes a change in one transaction: rows that somebody changes
    meanwhile are seen as they were before or after it, never between.
    """

    facts: str
    rules: Sequence[Rule]
    statement: TextClause = field(init=False)

    def __post_init__(self) -> None:
        found = ", ".join(
            f"('{rule.name}', CASE WHEN {rule.is_broken} THEN COALESCE({rule.detail}, '') END)"
            for rule in self.rules
        )
        # Sentences are made of what is broken only: of a million rows hardly one.
        broken = " OR ".join(f"({rule.is_broken})" for rule in self.rules)
        statement = f"""
            WITH facts AS MATERIALIZED ({self.facts}), broken AS (SELECT * FROM facts WHERE {broken})
            SELECT f.subject, f.tenant_id, found.rule, found.detail
            FROM broken f CROSS JOIN LATERAL (VALUES {found}) AS found (rule, detail)
            WHERE found.detail IS NOT NULL
        """  # noqa: S608 - made of our own rules
        object.__setattr__(self, "statement", text(statement))
