"""Reconciliation: compare related rows. It reports discrepancies and never repairs them.

The rules are in one file per subject (`money`, `tickets`, `messages`, `outbox`, `requests`, `inventory`,
`jobs`).
Tables are read page by page (`walks`), and findings are stored and published once (`findings`).
`docs/reconciliation.md` explains each rule, and what to do.
"""

from orders.upkeep.reconciliation.findings import Discrepancy
from orders.upkeep.reconciliation.run import RULES, Progress, reconcile, reconcile_gently

__all__ = ["RULES", "Discrepancy", "Progress", "reconcile", "reconcile_gently"]
