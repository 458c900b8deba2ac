"""What a new order is made of, who gets the tickets, and what it costs."""
