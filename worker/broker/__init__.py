"""The broker: connections, publishing, and taking messages in bulk."""
