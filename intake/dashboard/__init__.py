"""The dashboard: Flower, read-only and without secrets."""
