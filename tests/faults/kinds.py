"""All kinds of faults."""

from tests.faults import (
    broker_faults,
    catalogue_faults,
    clock_faults,
    cluster_faults,
    database_faults,
    message_faults,
    operator_faults,
    process_faults,
    storage_faults,
    upkeep_faults,
    wire_faults,
)
from tests.faults.kind import KINDS

__all__ = ["KINDS", "MODULES"]

MODULES = (
    broker_faults,
    catalogue_faults,
    clock_faults,
    cluster_faults,
    database_faults,
    message_faults,
    operator_faults,
    process_faults,
    storage_faults,
    upkeep_faults,
    wire_faults,
)
"""Each adds its kinds when it is imported."""
