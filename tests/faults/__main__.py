"""`python -m tests.faults`: see `--help`."""

from tests.faults.command import app

app(prog_name="python -m tests.faults")
