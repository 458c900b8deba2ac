"""How long and how often each thing is measured: once for the page of results, once in passing."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of orders, seconds and runs; every figure is the median of `runs`."""

    runs: int
    drain_seconds: float
    """The approximate seconds of one drain: it has this many times the orders per second of the trial."""
    trial_seconds: float
    lone_orders: int
    """Lone orders in each run."""
    changed_orders: int
    """Orders of which each has one change in a run, and holds in a run.

    There are enough for Python's collector to run within it: then the time that it takes counts.
    """
    lone_scans: int
    """Lone check-ins in each run, in a large order and in small ones."""
    load_seconds: float
    """The seconds of a run under a part of the load: enough for Python's collector to run within it."""
    reconcile_seconds: float
    """The approximate seconds of a drain during a reconciliation, in which many pages are read."""
    filled_orders: int
    """Orders in the tables before the first run."""
    filled_seconds: float
    """The approximate seconds of a drain into them, so that it is more than the time after a checkpoint."""
    memory_orders: tuple[int, int]
    """Orders after which a worker's memory is read: early and late."""
    intake_seconds: float
    relay_seconds: float
    catalogue_classes: int
    catalogue_seats: int
    """Seats of further, seated classes."""
    waiting_orders: int
    """Orders of a tenant that wait while another tenant sends lone ones."""
    kills: int
    """Kills on each broker."""
    our_processes: tuple[int, ...]
    peer_workers: tuple[int, ...]


FULL: Final = Sizes(
    runs=3,
    drain_seconds=3.0,
    trial_seconds=1.5,
    lone_orders=50,
    changed_orders=20_000,
    lone_scans=20,
    load_seconds=10.0,
    reconcile_seconds=15.0,
    filled_orders=1_000_000,
    filled_seconds=10.0,
    memory_orders=(50_000, 500_000),
    intake_seconds=3.0,
    relay_seconds=8.0,
    catalogue_classes=10_000,
    catalogue_seats=100_000,
    waiting_orders=100_000,
    kills=50,
    our_processes=(1, 2),
    peer_workers=(2, 4),
)

QUICK: Final = Sizes(
    runs=3,
    drain_seconds=1.0,
    trial_seconds=0.3,
    lone_orders=24,
    changed_orders=20_000,
    lone_scans=5,
    load_seconds=4.0,
    reconcile_seconds=1.0,
    filled_orders=50_000,
    filled_seconds=1.0,
    memory_orders=(4_000, 12_000),
    intake_seconds=1.5,
    relay_seconds=1.5,
    catalogue_classes=1_000,
    catalogue_seats=10_000,
    waiting_orders=10_000,
    kills=2,
    our_processes=(2,),
    peer_workers=(2,),
)
