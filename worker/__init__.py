"""The Celery process: settings, queues, publishing, batching, schedule, logs and metrics."""
