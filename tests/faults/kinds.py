"""All kinds of faults."""

from tests.faults import broker_faults, catalogue_faults, database_faults, process_faults, wire_faults
from tests.faults.kind import KINDS

__all__ = ["KINDS", "MODULES"]

MODULES = (broker_faults, catalogue_faults, database_faults, process_faults, wire_faults)
"""Each adds its kinds when it is imported."""
