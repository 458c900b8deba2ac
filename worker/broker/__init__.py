"""The broker: connections, and taking messages in bulk. Publishing is in `willcall.publishing`."""
