"""Celery tasks: each opens one transaction, makes one call, and sends messages after the commit."""
