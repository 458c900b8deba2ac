"""Creating orders: their rows, their tickets and their prices."""
