"""The paths of the intake but those of the dialects."""
