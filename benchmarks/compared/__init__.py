"""What is compared: Willcall, the textbook on three task queues, and the floor; other ways to answer."""
