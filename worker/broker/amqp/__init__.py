"""RabbitMQ: its messages, sockets and heartbeats, and taking messages in bulk."""
