"""What all dialects do with a call: authenticate it, read its body, and send it to the queue."""
