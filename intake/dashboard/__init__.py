"""The dashboard: Flower, which only shows, and shows nothing that is secret."""
