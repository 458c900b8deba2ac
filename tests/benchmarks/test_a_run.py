"""One measurement from end to end, as small as can be: real servers, real workers of both sides."""

from dataclasses import replace

from benchmarks.measurements import lone
from benchmarks.measurements.changes import KINDS, Changes
from benchmarks.measurements.large_order import LoneScans, Scans
from benchmarks.running.lab import REDIS, Lab
from benchmarks.sizes import QUICK


def test_a_tiny_run_measures_both_sides_and_ends_what_it_started() -> None:
    steps: list[str] = []
    with Lab(
        replace(QUICK, runs=1, lone_orders=3, our_processes=(1,), peer_workers=(1,)), steps.append
    ) as lab:
        folder = lab.folder
        (row,) = lone.run(lab, REDIS)
        (crew, _) = lab.crews(REDIS, "willcall", "textbook")
        # Enough for two transactions: what the first one holds is not counted.
        released = Changes(crew, KINDS[-1], 600)
        changed = released()
        scanned = [LoneScans(crew, 1, 20, 2)(), Scans(crew, 1, 20, 10)()]
        processes = [process for crew in lab.running for process in crew.processes]
    assert row.ours is not None
    assert row.baseline is not None
    assert 0 < row.ours.median < 5_000
    assert 0 < row.baseline.median < 5_000
    assert changed > 0
    assert released.created[0] > 0
    assert min(scanned) > 0
    assert len(processes) == 2
    assert all(process.poll() is not None for process in processes)
    assert not folder.exists()
