"""Orders, holds and requests as they are read back."""
