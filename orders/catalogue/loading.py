"""Loading a catalogue file: idempotent, and never below what is sold."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from db import tables
from db.bulk import copy_rows
from db.ids import new_id, new_ids
from orders.catalogue.ticket_codes import TicketKey
from schemas.catalogue import Catalogue, Event, TicketClass, promo_code_key


class CatalogueConflict(Exception):
    """The file contradicts what is sold already; the message says where."""


@dataclass(slots=True)
class Loaded:
    """How many things were new, changed, and as they were."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


def load_catalogue(connection: Connection, catalogue: Catalogue, *, now: datetime) -> Loaded:
    """Write the catalogue; what is in the database and not in the file stays as it is.

    Raises `CatalogueConflict`; the caller rolls back.
    """
    loaded = Loaded()
    tenant_id = _tenant(connection, catalogue.tenant, now, loaded)
    _settings(connection, tenant_id, catalogue, loaded)
    _aliases(connection, tenant_id, catalogue, loaded)
    for event in catalogue.events:
        event_id = _event(connection, tenant_id, event, loaded)
        for ticket_class in event.ticket_classes:
            _ticket_class(connection, tenant_id, event_id, ticket_class, loaded)
        for promo_code in event.promo_codes:
            values = {
                "code": promo_code.code,
                "percent": promo_code.percent,
                "amount": promo_code.amount,
                "max_uses": promo_code.max_uses,
            }
            _check_uses(connection, event_id, promo_code.code, promo_code.max_uses)
            _put(
                connection,
                tables.promo_codes,
                {"event_id": event_id, "key": promo_code_key(promo_code.code)},
                values,
                loaded,
            )
    return loaded


def add_ticket_key(connection: Connection, tenant_id: UUID, *, now: datetime) -> TicketKey:
    """Make a new signing key for the tenant's tickets; codes of older keys stay valid."""
    key = TicketKey.generate()
    connection.execute(
        insert(tables.ticket_keys).values(
            id=key.id,
            tenant_id=tenant_id,
            public_key=key.public_key,
            private_key=key.private_key,
            created_at=now,
        )
    )
    return key


def _tenant(connection: Connection, name: str, now: datetime, loaded: Loaded) -> UUID:
    table = tables.tenants
    statement = upsert(table).values(id=new_id(), name=name, created_at=now).on_conflict_do_nothing()
    is_new = connection.execute(statement.returning(table.c.id)).first() is not None
    tenant_id: UUID = connection.scalars(select(table.c.id).where(table.c.name == name)).one()
    if is_new:
        loaded.created += 1
        add_ticket_key(connection, tenant_id, now=now)
    else:
        loaded.unchanged += 1
    return tenant_id


def _settings(connection: Connection, tenant_id: UUID, catalogue: Catalogue, loaded: Loaded) -> None:
    values = catalogue.settings.model_dump(mode="json") if catalogue.settings else {}
    if catalogue.organisation is not None:
        values["organisation"] = catalogue.organisation.model_dump(mode="json")
    if not values:
        return
    table = tables.tenants
    row = connection.execute(select(table).where(table.c.id == tenant_id)).mappings().one()
    if any(row[name] != value for name, value in values.items()):
        connection.execute(update(table).where(table.c.id == tenant_id).values(values))
        loaded.updated += 1


def _aliases(connection: Connection, tenant_id: UUID, catalogue: Catalogue, loaded: Loaded) -> None:
    table = tables.tenant_aliases
    for dialect, aliases in catalogue.aliases.items():
        for alias in aliases:
            values = {"dialect": dialect, "alias": alias, "tenant_id": tenant_id}
            statement = upsert(table).values(values).on_conflict_do_nothing()
            if connection.execute(statement.returning(table.c.alias)).first() is not None:
                loaded.created += 1
                continue
            owner = connection.scalars(
                select(table.c.tenant_id).where(table.c.dialect == dialect, table.c.alias == alias)
            ).one()
            if owner != tenant_id:
                raise CatalogueConflict(f"{alias} is another tenant's name in {dialect}")
            loaded.unchanged += 1


def _event(connection: Connection, tenant_id: UUID, event: Event, loaded: Loaded) -> UUID:
    key = {"tenant_id": tenant_id, "external_id": event.id}
    before = _find(connection, tables.events, key)
    if before is not None and before["currency"] != event.currency and _has_sold(connection, before["id"]):
        raise CatalogueConflict(
            f"event {event.id} is sold in {before['currency']}; its currency cannot become {event.currency}"
        )
    tax = event.tax
    return _put(
        connection,
        tables.events,
        key,
        {
            "name": event.name,
            "starts_at": event.starts_at,
            "ends_at": event.ends_at,
            "timezone": event.timezone,
            "currency": event.currency,
            "on_sale_from": event.on_sale_from,
            "on_sale_until": event.on_sale_until,
            "tax_name": tax.name if tax else None,
            "tax_rate": tax.rate if tax else None,
            "tax_is_included": tax.is_included if tax else False,
            "tax_rounding": tax.rounding if tax else "line",
            "details": event.details and event.details.model_dump(mode="json"),
        },
        loaded,
    )


def _has_sold(connection: Connection, event_id: UUID) -> bool:
    table = tables.ticket_classes
    return (
        connection.execute(
            select(table.c.id).where(table.c.event_id == event_id, table.c.sold + table.c.held > 0).limit(1)
        ).first()
        is not None
    )


def _ticket_class(
    connection: Connection, tenant_id: UUID, event_id: UUID, item: TicketClass, loaded: Loaded
) -> None:
    key = {"tenant_id": tenant_id, "external_id": item.id}
    labels = item.seat_labels()
    before = _find(connection, tables.ticket_classes, key)
    if before is not None:
        taken = before["sold"] + before["held"]
        if before["event_id"] != event_id:
            raise CatalogueConflict(f"ticket class {item.id} is another event's")
        if item.total_capacity() < taken:
            raise CatalogueConflict(
                f"ticket class {item.id} cannot have a capacity of {item.total_capacity()}: "
                f"{taken} are sold or held"
            )
        if before["has_seats"] != bool(labels) and taken:
            raise CatalogueConflict(f"ticket class {item.id} has sold tickets with and without seats")
    ticket_class_id = _put(
        connection,
        tables.ticket_classes,
        key,
        {
            "event_id": event_id,
            "name": item.name,
            "section": item.section,
            "row": item.row,
            "price": item.price,
            "has_seats": bool(labels),
            "capacity": item.total_capacity(),
            "office": item.office,
            "cost": item.cost,
            "details": item.details and item.details.model_dump(mode="json"),
        },
        loaded,
    )
    _seats(connection, ticket_class_id, item, labels)


def _seats(connection: Connection, ticket_class_id: UUID, item: TicketClass, labels: list[str]) -> None:
    table = tables.seats
    rows = connection.execute(
        select(table.c.id, table.c.label, table.c.position, table.c.is_taken)
        .where(table.c.ticket_class_id == ticket_class_id)
        .order_by(table.c.position)
        .with_for_update()
    ).all()
    positions = item.seat_positions()
    if [(row.position, row.label) for row in rows] == positions:
        return
    gone = [row for row in rows if row.label not in set(labels)]
    for row in gone:
        if row.is_taken:
            raise CatalogueConflict(f"seat {row.label} of ticket class {item.id} is sold or held")
    connection.execute(delete(table).where(table.c.id.in_([row.id for row in gone])))
    # Out of the way first: positions are unique while they change, too.
    connection.execute(
        update(table).where(table.c.ticket_class_id == ticket_class_id).values(position=-1 - table.c.position)
    )
    known = {row.label: row.id for row in rows}
    for position, label in positions:
        if label in known:
            connection.execute(update(table).where(table.c.id == known[label]).values(position=position))
    new = [(position, label) for position, label in positions if label not in known]
    copy_rows(
        connection,
        table,
        ("id", "ticket_class_id", "position", "label"),
        [
            (id_, ticket_class_id, position, label)
            for id_, (position, label) in zip(new_ids(len(new)), new, strict=True)
        ],
    )


def _check_uses(connection: Connection, event_id: UUID, code: str, max_uses: int | None) -> None:
    before = _find(connection, tables.promo_codes, {"event_id": event_id, "key": promo_code_key(code)})
    if before is not None and max_uses is not None and before["used"] > max_uses:
        raise CatalogueConflict(f"promo code {code} was used {before['used']} times, over {max_uses}")


def _find(connection: Connection, table: Table, key: dict[str, Any]) -> dict[str, Any] | None:
    query = select(table).where(*(table.c[name] == value for name, value in key.items()))
    row = connection.execute(query.with_for_update()).mappings().first()
    return None if row is None else dict(row)


def _put(
    connection: Connection, table: Table, key: dict[str, Any], values: dict[str, Any], loaded: Loaded
) -> UUID:
    """Insert the row of this natural key, or change what differs; return its id."""
    before = _find(connection, table, key)
    if before is None:
        new = new_id()
        connection.execute(insert(table).values(id=new, **key, **values))
        loaded.created += 1
        return new
    id_: UUID = before["id"]
    if any(before[name] != value for name, value in values.items()):
        connection.execute(update(table).where(table.c.id == id_).values(**values))
        loaded.updated += 1
    else:
        loaded.unchanged += 1
    return id_
