"""What is sent and stored: orders, the requests that come after them, and events with many orders."""
