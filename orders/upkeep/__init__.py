"""Upkeep: expiry, deletion of old documents, ticks of the schedule, and reconciliation."""
