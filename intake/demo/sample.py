"""The sample requests, each with its expected outcome."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

TENANT: Final = "demo"


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected outcome of a request: an order with these fields, or a rejection for this reason.

    `same_order_as` is the key of an earlier request, for one that is sent again.
    """

    status: str
    total: str | None = None
    tickets: int = 0
    payment_status: str | None = None
    same_order_as: str | None = None
    code: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, what it shows, and its name for references."""

    about: str
    key: str
    request: Mapping[str, Any]
    expected: Expected


def catalogue_text() -> bytes:
    """Return the sample catalogue as YAML."""
    return (files("intake") / "demo" / "catalogue.yaml").read_bytes()


def samples(run: str) -> list[Sample]:
    """Return the sample requests, their idempotency keys made unique by the name of the run."""
    written = json.loads((files("intake") / "demo" / "requests.json").read_bytes())
    return [_sample(run, f"sample-{number}", one) for number, one in enumerate(written, 1)]


def _sample(run: str, name: str, written: Mapping[str, Any]) -> Sample:
    key = written.get("key", name)
    request = {"idempotency_key": f"{run}-{key}", **written["request"]}
    return Sample(written["about"], key, request, Expected(**written["expect"]))
