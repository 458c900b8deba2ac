"""The paths of other ticketing systems: their clients find here what they know from there."""
