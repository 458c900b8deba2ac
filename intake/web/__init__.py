"""What all routes share: problems, responses, strict JSON, conditions, and the log of calls."""
