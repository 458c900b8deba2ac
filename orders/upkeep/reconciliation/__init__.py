"""Reconciliation: what the rows say of each other. It reports and never repairs.

Rules stand in one file a subject (`money`, `tickets`, `messages`, `outbox`, `requests`, `inventory`, `jobs`).
Tables are read page by page (`walks`), and what is found is remembered and told once (`findings`).
`docs/reconciliation.md` says what each rule means, and what to do.
"""

from orders.upkeep.reconciliation.findings import Discrepancy
from orders.upkeep.reconciliation.run import RULES, Progress, reconcile, reconcile_gently

__all__ = ["RULES", "Discrepancy", "Progress", "reconcile", "reconcile_gently"]
