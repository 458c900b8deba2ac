"""What is free, which seats, and how a batch takes and returns them."""
