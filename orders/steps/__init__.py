"""The six steps of a batch, which `orders.process` calls in order."""
