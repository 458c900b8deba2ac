"""How much the tests of deploys try: beside other tests little, with `make deploys` everything."""

import os
from typing import Final

import pytest

from tests.brokers import RABBITMQ, VALKEY

QUEUED: Final = int(os.environ.get("DEPLOYS_QUEUED", "3000"))
"""Requests that wait at once; `make deploys` has a million of them."""

IS_LONG: Final = "DEPLOYS_QUEUED" in os.environ

long_only: Final = pytest.mark.skipif(not IS_LONG, reason="of the long form: make deploys")


def on(usual: str) -> pytest.MarkDecorator:
    """Return the mark of a test that runs on this broker, and with `make deploys` on both."""
    brokers = [VALKEY, RABBITMQ] if IS_LONG else [usual]
    return pytest.mark.parametrize("broker", brokers, indirect=True)
