"""How much the tests of deploys try: beside other tests little, with `make deploys` everything."""

import os
from typing import Final

import pytest

from tests.brokers import RABBITMQ, VALKEY

QUEUED: Final = int(os.environ.get("DEPLOYS_QUEUED", "3000"))
"""Requests that wait at once; `make deploys` has a million of them."""

_ARE_BOTH: Final = "DEPLOYS_QUEUED" in os.environ


def on(usual: str) -> pytest.MarkDecorator:
    """Return the mark of a test that runs on this broker, and with `make deploys` on both."""
    brokers = [VALKEY, RABBITMQ] if _ARE_BOTH else [usual]
    return pytest.mark.parametrize("broker", brokers, indirect=True)
