"""Redis and Valkey: their messages and scripts, and taking messages in bulk."""
