"""Reading the catalogue's facts of tenants, events and ticket classes, for rendering orders.

The rows are read each time, and the objects built from them are cached by the whole row. So nothing is stale,
and large details objects are not validated again for each order. No column shows that a class has changed:
each sale updates its row, and so changes `xmin`.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple, get_args
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from db.bulk import array
from schemas.background import EventFacts, TicketClassFacts
from schemas.dialects import DialectName
from schemas.presentation import EventDetails, Organisation, TicketClassDetails

_KEPT: Final = 2_048
"""Maximum cached objects of each kind."""

_TENANTS: Final = text("""
    SELECT t.id, t.name, t.organisation::text, (
        SELECT json_agg(json_build_array(a.dialect, a.alias) ORDER BY a.dialect, a.alias)::text
        FROM tenant_aliases a WHERE a.tenant_id = t.id) AS aliases
    FROM tenants t WHERE t.id = ANY(CAST(:ids AS uuid[]))
""")

# Amounts as text: 45.5 and 45.50 are equal, but are rendered differently.
_CLASSES: Final = text("""
    SELECT c.tenant_id, c.id, c.external_id, c.name, c.section, c.row, c.price::text, c.office,
        c.details::text, e.id, e.external_id, e.name, e.starts_at, e.ends_at, e.timezone, e.currency,
        e.tax_name, e.tax_rate::text, e.tax_is_included, e.details::text
    FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:names AS text[])) AS named (tenant_id, name)
    JOIN ticket_classes c ON c.tenant_id = named.tenant_id AND c.external_id = named.name
    JOIN events e ON e.id = c.event_id
""")


class TenantRow(NamedTuple):
    """A stored tenant, with its organisation and its aliases in the dialects as JSON."""

    id: UUID
    name: str
    organisation_json: str | None
    aliases_json: str | None

    def organisation(self) -> Organisation:
        """Return its organisation."""
        return _organisation(self.organisation_json)

    def aliases(self) -> Mapping[DialectName, tuple[str, ...]]:
        """Return its aliases in the dialects."""
        return _aliases(self.aliases_json)


class ClassRow(NamedTuple):
    """A stored ticket class and its event, with amounts and details as text."""

    tenant_id: UUID
    id: UUID
    external_id: str
    name: str
    section: str | None
    row: str | None
    price: str
    office: str | None
    details_json: str | None
    event_id: UUID
    event_external_id: str
    event_name: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    currency: str
    tax_name: str | None
    tax_rate: str | None
    tax_is_included: bool
    event_details_json: str | None

    def event(self) -> EventFacts:
        """Return its event."""
        return _event(self)

    def ticket_class(self) -> TicketClassFacts:
        """Return its ticket class."""
        return _ticket_class(self)


def read_tenants(connection: Connection, ids: Mapping[UUID, object]) -> dict[UUID, TenantRow]:
    """Return the tenants by their ids: one statement."""
    rows = map(TenantRow._make, connection.execute(_TENANTS, {"ids": array(map(str, ids))}))
    return {row.id: row for row in rows}


def read_classes(connection: Connection, names: Mapping[UUID, set[str]]) -> dict[tuple[UUID, str], ClassRow]:
    """Return the ticket classes by tenant and catalogue's id: one statement."""
    pairs = [(str(tenant_id), name) for tenant_id, some in names.items() for name in sorted(some)]
    if not pairs:
        return {}
    parameters = {
        "tenant_ids": array(tenant_id for tenant_id, _ in pairs),
        "names": array(name for _, name in pairs),
    }
    rows = map(ClassRow._make, connection.execute(_CLASSES, parameters))
    return {(row.tenant_id, row.external_id): row for row in rows}


@lru_cache(_KEPT)
def _organisation(stored: str | None) -> Organisation:
    return Organisation.model_validate(orjson.loads(stored or "{}") or {})


@lru_cache(_KEPT)
def _aliases(stored: str | None) -> Mapping[DialectName, tuple[str, ...]]:
    found: defaultdict[DialectName, list[str]] = defaultdict(list)
    for dialect, alias in orjson.loads(stored or "[]"):
        if dialect in get_args(DialectName):
            found[dialect].append(alias)
    return {dialect: tuple(names) for dialect, names in found.items()}


@lru_cache(_KEPT)
def _event(row: ClassRow) -> EventFacts:
    return EventFacts(
        row.event_id,
        row.event_external_id,
        row.event_name,
        row.starts_at,
        row.ends_at,
        row.timezone,
        row.currency,
        row.tax_name,
        None if row.tax_rate is None else Decimal(row.tax_rate),
        row.tax_is_included,
        EventDetails.model_validate(orjson.loads(row.event_details_json or "{}") or {}),
    )


@lru_cache(_KEPT)
def _ticket_class(row: ClassRow) -> TicketClassFacts:
    return TicketClassFacts(
        row.id,
        row.external_id,
        row.event_external_id,
        row.name,
        row.section,
        row.row,
        Decimal(row.price),
        row.office,
        TicketClassDetails.model_validate(orjson.loads(row.details_json or "{}") or {}),
    )
