"""Loading the offers that a batch names, in two statements whatever its size."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, Row, text

from orders.catalogue.prices import EventOffer, Offers, PromoCodeOffer, TaxRule, TicketClassOffer
from orders.catalogue.ticket_codes import code_scope
from schemas.text import parse_uuid

_TICKET_CLASSES = text("""
    SELECT c.tenant_id::text, c.id::text, c.external_id, c.price, c.has_seats, c.office,
        COALESCE(c.cost, c.price) AS cost, c.capacity - c.sold - c.held AS free,
        e.id::text AS event_id, e.external_id AS event_external_id, e.currency, e.starts_at, e.ends_at,
        e.on_sale_from, e.on_sale_until, e.tax_rate, e.tax_is_included, e.tax_rounding
    FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:external_ids AS text[]))
        AS named (tenant_id, external_id)
    JOIN ticket_classes c USING (tenant_id, external_id)
    JOIN events e ON e.id = c.event_id
""")

# An event is named by the catalogue's id, or by its UUID.
_EVENTS = text("""
    SELECT tenant_id::text, external_id AS name, external_id
    FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:external_ids AS text[]))
        AS named (tenant_id, external_id)
    JOIN events USING (tenant_id, external_id)
    UNION ALL
    SELECT e.tenant_id::text, named.name, e.external_id
    FROM unnest(CAST(:uuid_tenant_ids AS uuid[]), CAST(:uuids AS text[])) AS named (tenant_id, name)
    JOIN events e ON e.tenant_id = named.tenant_id AND e.id = CAST(named.name AS uuid)
""")

_EVENT_OFFERS = text("""
    SELECT tenant_id::text, id::text AS event_id, external_id AS event_external_id, currency,
        starts_at, ends_at, on_sale_from, on_sale_until, tax_rate, tax_is_included, tax_rounding
    FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:external_ids AS text[]))
        AS named (tenant_id, external_id)
    JOIN events USING (tenant_id, external_id)
""")

_PROMO_CODES = text("""
    SELECT e.tenant_id::text, p.key, p.id::text, p.event_id::text, p.code, p.percent, p.amount
    FROM unnest(CAST(:tenant_ids AS uuid[]), CAST(:keys AS text[])) AS named (tenant_id, key)
    JOIN promo_codes p ON p.key = named.key
    JOIN events e ON e.id = p.event_id AND e.tenant_id = named.tenant_id
    ORDER BY p.id
""")

Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a batch: pairs of a tenant's id and a catalogue's id, or a promo code's key."""

    ticket_classes: set[Name] = field(default_factory=set)
    promo_codes: set[Name] = field(default_factory=set)
    events: set[Name] = field(default_factory=set)


def load_offers(connection: Connection, names: Names, tenant_ids: Iterable[str]) -> dict[str, Offers]:
    """Return the offers of these names, by tenant."""
    classes = _ticket_classes(connection, names.ticket_classes)
    promo_codes = _promo_codes(connection, names.promo_codes)
    events = {
        (tenant, offer.event.external_id): offer.event.external_id
        for tenant in classes
        for offer in classes[tenant].values()
    }
    # Nearly always empty: an order names the event of its lines.
    events |= _events(connection, names.events - events.keys())
    return {
        tenant: Offers(
            classes[tenant],
            promo_codes[tenant],
            {name: event for (owner, name), event in events.items() if owner == tenant},
        )
        for tenant in set(tenant_ids)
    }


def _ticket_classes(
    connection: Connection, names: set[Name]
) -> defaultdict[str, dict[str, TicketClassOffer]]:
    found: defaultdict[str, dict[str, TicketClassOffer]] = defaultdict(dict)
    if not names:
        return found
    events: dict[str, EventOffer] = {}
    tenants, external_ids = _columns(names)
    parameters = {"tenant_ids": tenants, "external_ids": external_ids}
    for row in connection.execute(_TICKET_CLASSES, parameters):
        event = events.get(row.event_id) or events.setdefault(row.event_id, _event(row))
        found[row.tenant_id][row.external_id] = TicketClassOffer(
            row.id,
            row.external_id,
            event,
            row.price,
            row.has_seats,
            row.free,
            code_scope(
                event_id=UUID(row.event_id),
                ticket_class_id=UUID(row.id),
                valid_from=row.starts_at,
                valid_until=row.ends_at,
            ),
            row.office,
            row.cost,
        )
    return found


def load_events(connection: Connection, names: set[Name]) -> dict[Name, EventOffer]:
    """Return the existing ones of the events."""
    tenants, external_ids = _columns(names)
    rows = connection.execute(_EVENT_OFFERS, {"tenant_ids": tenants, "external_ids": external_ids})
    return {(row.tenant_id, row.event_external_id): _event(row) for row in rows}


def _event(row: Row[tuple[object, ...]]) -> EventOffer:
    tax = None
    if row.tax_rate is not None:
        tax = TaxRule(row.tax_rate, row.tax_is_included, row.tax_rounding)
    return EventOffer(
        row.event_id,
        row.event_external_id,
        row.currency,
        tax,
        row.starts_at,
        row.ends_at,
        row.on_sale_from,
        row.on_sale_until,
    )


def _events(connection: Connection, names: set[Name]) -> dict[Name, str]:
    """Return the catalogue's ids of existing events, by tenant and the name used in the batch."""
    if not names:
        return {}
    tenants, external_ids = _columns(names)
    uuid_tenants, uuids = _columns({(tenant, name) for tenant, name in names if parse_uuid(name)})
    parameters = {
        "tenant_ids": tenants,
        "external_ids": external_ids,
        "uuid_tenant_ids": uuid_tenants,
        "uuids": uuids,
    }
    rows = connection.execute(_EVENTS, parameters)
    return {(row.tenant_id, row.name): row.external_id for row in rows}


def _promo_codes(
    connection: Connection, names: set[Name]
) -> defaultdict[str, dict[str, list[PromoCodeOffer]]]:
    found: defaultdict[str, dict[str, list[PromoCodeOffer]]] = defaultdict(dict)
    if names:
        tenants, keys = _columns(names)
        for row in connection.execute(_PROMO_CODES, {"tenant_ids": tenants, "keys": keys}):
            offer = PromoCodeOffer(row.id, row.event_id, row.code, row.percent, row.amount)
            found[row.tenant_id].setdefault(row.key, []).append(offer)
    return found


def _columns(names: set[Name]) -> tuple[list[str], list[str]]:
    ordered = sorted(names)
    return [tenant for tenant, _ in ordered], [name for _, name in ordered]
