"""How fast this machine is, for bounds that hold on any."""

import time


def million_steps() -> float:
    """Return the processor seconds that a million steps take on this machine: the most of three."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        sum(number & 3 for number in range(1_000_000))
        times.append(time.thread_time() - began)
    return max(times)
