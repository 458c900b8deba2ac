"""The paths of other ticketing systems, for their existing clients."""
