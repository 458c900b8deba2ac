"""What an order costs, and what was paid. Pure."""
