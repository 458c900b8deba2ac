"""What those who run the intake see: readiness and metrics."""
