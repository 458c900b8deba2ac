"""Requests that could not be processed yet, or never will be."""
