"""What measurements run on: servers, databases, hosts, and the crews of worker processes."""
