"""JSON as Python has it."""

from typing import Any

JsonObject = dict[str, Any]
"""A JSON object that was read, or is about to be written."""
