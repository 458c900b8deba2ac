"""EventBookings' paths: reading orders, and `/connect/token`."""
