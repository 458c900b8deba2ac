"""API keys: who calls, what a key may do, and when it was last used."""
