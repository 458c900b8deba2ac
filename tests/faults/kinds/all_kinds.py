"""All kinds of faults: each of these modules adds its own when it is imported."""

from importlib import import_module
from typing import Final

from tests.faults.kinds.kind import KINDS

__all__ = ["KINDS"]

_MODULES: Final = (
    "broker_faults",
    "catalogue_faults",
    "clock_faults",
    "cluster_faults",
    "database_faults",
    "message_faults",
    "operator_faults",
    "process_faults",
    "storage_faults",
    "upkeep_faults",
    "wire_faults",
)

for _module in _MODULES:
    import_module(f"tests.faults.kinds.{_module}")
