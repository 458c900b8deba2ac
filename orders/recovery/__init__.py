"""Requests that wait, were given up, or are replayed."""
