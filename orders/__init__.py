"""Orders: their prices, tickets, rows and event messages. No Celery, no HTTP."""
