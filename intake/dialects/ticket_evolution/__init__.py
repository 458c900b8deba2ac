"""Ticket Evolution's paths: `/v9/orders`."""
