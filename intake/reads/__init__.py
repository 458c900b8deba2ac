"""Reading from the database for callers: pools, shares of them, and the standby."""
