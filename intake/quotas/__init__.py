"""How much one key and one tenant may ask for: requests a second, and requests that wait in the queue."""
