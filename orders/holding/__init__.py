"""Holds of inventory: take, extend, release."""
