"""Changing existing orders: update, cancel, pay, check in, expire."""
