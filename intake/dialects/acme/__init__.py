"""ACME Ticketing's paths: `/v1/b2c/orders`."""
