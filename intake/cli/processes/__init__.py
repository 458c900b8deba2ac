"""The processes that commands start and watch: servers, workers, intakes."""
