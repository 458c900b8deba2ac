"""Reading orders, holds and requests."""
