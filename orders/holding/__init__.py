"""Inventory that is set aside: take, extend, release."""
