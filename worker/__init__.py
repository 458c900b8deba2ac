"""The Celery process: batching, schedule and watchdogs; `broker` and `runtime` hold the rest."""
