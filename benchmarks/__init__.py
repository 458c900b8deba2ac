"""The measurements, their baselines, and the page of results: `python -m benchmarks`."""
