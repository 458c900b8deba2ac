"""What time does by itself, and what reconciliation finds."""
