"""Recording what a client sends and is answered, and making the same calls again as a contract test."""
