"""Limits of a key and of a tenant: requests per second, and requests waiting in the queue."""
