"""The samples of a registry, by name and labels."""

from prometheus_client import CollectorRegistry


def samples_of(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    """Return the value of each sample, by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in registry.collect()
        for sample in family.samples
    }
