"""Decisions: what an order costs, who gets the tickets, what is written and told. No Celery, no HTTP."""
