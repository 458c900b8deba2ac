"""Loading a catalogue file: it is compared as a whole, then written in pages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from orders.catalogue.loading.apply import apply
from orders.catalogue.loading.compare import Differences, compare
from orders.catalogue.loading.conflicts import CatalogueConflict
from orders.catalogue.loading.tenant import alias_conflicts, aliases_of, find_tenant, write_tenant
from orders.catalogue.loading.transactions import Overtaken, alone, short
from schemas.catalogue import Catalogue

_TRIES: Final = 5

Progress = Callable[[str, int, int], object]
"""Receives the current step, the number of processed objects of the file, and their total."""


@dataclass(slots=True)
class Loaded:
    """The numbers of new, changed and unchanged objects."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, *, created: int = 0, updated: int = 0) -> None:
        """Count committed objects."""
        self.created += created
        self.updated += updated


def check_catalogue(engine: Engine, catalogue: Catalogue, *, now: datetime) -> None:
    """Raise `CatalogueConflict` if the file contradicts existing sales; nothing is locked or written."""
    _differences(engine, catalogue, now, _silent)


def load_catalogue(
    engine: Engine, catalogue: Catalogue, *, now: datetime, report: Progress | None = None
) -> Loaded:
    """Write the catalogue; objects that are only in the database stay.

    It is not one transaction, so that sales continue. The file is checked as a whole before anything is
    written, and again, page by page, under the locks. If loading fails half way, complete pages stay, the
    error has a note that says so, and loading the file again continues. Raises `CatalogueConflict`.
    """
    loaded, total = Loaded(), _count(catalogue)
    try:
        with alone(engine, catalogue.tenant):
            _load(engine, catalogue, now, loaded, report or _silent)
    except BaseException as error:
        if loaded != Loaded():
            error.add_note(
                f"Already loaded: {loaded.created} new and {loaded.updated} changed of "
                f"{total} objects. Load the file again to continue."
            )
        raise
    loaded.unchanged = total - loaded.created - loaded.updated
    return loaded


def _load(engine: Engine, catalogue: Catalogue, now: datetime, loaded: Loaded, report: Progress) -> None:
    for _ in range(_TRIES):
        try:
            differences = _differences(engine, catalogue, now, report)
            with short(engine) as connection:
                tenant_id, created, updated = write_tenant(connection, catalogue, now)
            loaded.add(created=created, updated=updated)
            if differences is None:
                differences = compare(engine, str(tenant_id), catalogue, now, _steps(report, catalogue))
            _write(engine, differences, now, loaded, report)
        except Overtaken:
            continue
        return
    raise CatalogueConflict(
        ["purchase orders are creating ticket classes of the file at the same time. Load the file again"]
    )


def _differences(engine: Engine, catalogue: Catalogue, now: datetime, report: Progress) -> Differences | None:
    """Return the differences, or None if the tenant does not exist yet. Raises `CatalogueConflict`."""
    with short(engine) as connection:
        tenant_id = find_tenant(connection, catalogue.tenant)
        found = alias_conflicts(connection, catalogue, tenant_id)
    differences = None
    if tenant_id is not None:
        differences = compare(engine, str(tenant_id), catalogue, now, _steps(report, catalogue))
        found += differences.conflicts
    if found:
        raise CatalogueConflict(found)
    return differences


def _write(engine: Engine, differences: Differences, now: datetime, loaded: Loaded, report: Progress) -> None:
    total = len(differences.new_events) + len(differences.new_classes) + len(differences.new_promo_codes)
    total += sum(change.count for change in differences.changed)
    before = loaded.created + loaded.updated

    def count(*, created: int = 0, updated: int = 0) -> None:
        loaded.add(created=created, updated=updated)
        report("writing", loaded.created + loaded.updated - before, total)

    apply(engine, differences, now, count)


def _steps(report: Progress, catalogue: Catalogue) -> Callable[[int], object]:
    done, total = 0, _count_events(catalogue)

    def step(count: int) -> None:
        nonlocal done
        done += count
        report("comparing", done, total)

    return step


def _count(catalogue: Catalogue) -> int:
    return 1 + len(aliases_of(catalogue)) + _count_events(catalogue)


def _count_events(catalogue: Catalogue) -> int:
    return sum(1 + len(event.ticket_classes) + len(event.promo_codes) for event in catalogue.events)


def _silent(_what: str, _done: int, _total: int) -> None:
    """Report nothing."""
