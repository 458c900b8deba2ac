"""What several intake processes share: the listening socket, counts and windows."""
