"""Celery tasks: each opens one transaction, makes one call, and tells of it after the commit."""
