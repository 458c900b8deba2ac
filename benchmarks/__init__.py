"""What is measured, the baselines beside it, and the page of results: `python -m benchmarks`."""
