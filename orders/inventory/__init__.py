"""The inventory: free tickets and seats, and how a batch takes and returns them."""
