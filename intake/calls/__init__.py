"""What the routes do with a call, in every dialect: who makes it, its body, and sending it to the queue."""
