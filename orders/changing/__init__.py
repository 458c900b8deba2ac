"""What is done to an existing order: update, cancel, pay, check in, expire."""
