"""Monitoring of the intake: readiness and metrics."""
