"""A tenant for the vendors' own clients."""

from tests.contract.ticket_evolution.client import broker, brokerage

__all__ = ["broker", "brokerage"]
