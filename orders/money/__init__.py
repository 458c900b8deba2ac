"""Prices and payments of orders. Pure."""
