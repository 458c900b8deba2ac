"""Catalogues, events and ticket classes as their files have them, and why one is refused."""

from typing import Any

import pytest
from pydantic import ValidationError


def make_class(**changes: Any) -> dict[str, Any]:
    return {"id": "standing", "name": "Standing", "price": "45.50", "capacity": 100} | changes


def make_seated(*seats: str, **changes: Any) -> dict[str, Any]:
    return {"id": "stalls", "name": "Stalls", "price": "80.00", "seats": list(seats)} | changes


def make_event(**changes: Any) -> dict[str, Any]:
    return {
        "id": "concert",
        "name": "Concert",
        "starts_at": "2027-04-11T19:00:00+02:00",
        "ends_at": "2027-04-11T23:00:00+02:00",
        "timezone": "Europe/Paris",
        "currency": "USD",
        "ticket_classes": [make_class()],
    } | changes


def make_catalogue(*events: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"tenant": "demo", "events": list(events) or [make_event()]} | changes


def why_refused(model: Any, words: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(words)
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in caught.value.errors())
