"""JSON as Python objects."""

from typing import Any

JsonObject = dict[str, Any]
"""A JSON object, decoded or to be encoded."""
