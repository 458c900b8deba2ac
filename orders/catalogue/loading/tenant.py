"""The tenant of a file: its settings, its aliases in the dialects, and its first signing key."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from db import tables
from db.bulk import array
from db.ids import new_id
from db.sealed_rows import check_key
from db.sealing import seal
from db.tenant_secrets import renew_secrets
from orders.catalogue.loading.conflicts import CatalogueConflict
from orders.catalogue.ticket_codes import TicketKey
from schemas.catalogue import Catalogue

_NAMED: Final = "unnest(CAST(:dialects AS text[]), CAST(:aliases AS text[])) AS named (dialect, alias)"

_OWNERS: Final = text(f"""
    SELECT dialect, alias, tenant_id FROM {_NAMED} JOIN tenant_aliases USING (dialect, alias)
""")  # noqa: S608 - made of our own names

_ADD_ALIASES: Final = text(f"""
    INSERT INTO tenant_aliases (dialect, alias, tenant_id)
    SELECT dialect, alias, CAST(:tenant_id AS uuid) FROM {_NAMED} ON CONFLICT DO NOTHING RETURNING alias
""")  # noqa: S608


def find_tenant(connection: Connection, name: str) -> UUID | None:
    """Return the id of the tenant of this name, or None."""
    return connection.scalars(select(tables.tenants.c.id).where(tables.tenants.c.name == name)).first()


def alias_conflicts(connection: Connection, catalogue: Catalogue, tenant_id: UUID | None) -> list[str]:
    """Return the conflicts of the file's aliases with those of other tenants."""
    owners = connection.execute(_OWNERS, _columns(aliases_of(catalogue)))
    return [
        f"the alias {row.alias} in {row.dialect} belongs to another tenant"
        for row in owners
        if row.tenant_id != tenant_id
    ]


def write_tenant(connection: Connection, catalogue: Catalogue, now: datetime) -> tuple[UUID, int, int]:
    """Write the tenant; return its id, and the numbers of new and of changed objects.

    Raises `CatalogueConflict` if an alias belongs to another tenant.
    """
    table = tables.tenants
    statement = upsert(table).values(id=new_id(), name=catalogue.tenant, created_at=now)
    made = connection.scalars(statement.on_conflict_do_nothing().returning(table.c.id)).first()
    tenant_id = made or connection.scalars(select(table.c.id).where(table.c.name == catalogue.tenant)).one()
    if made is not None:
        add_ticket_key(connection, tenant_id, now=now)
        renew_secrets(connection, tenant_id, now=now)
    has_changed = _write_settings(connection, tenant_id, catalogue)
    aliases = aliases_of(catalogue)
    added = connection.execute(_ADD_ALIASES, {"tenant_id": tenant_id, **_columns(aliases)}).all()
    conflicts = alias_conflicts(connection, catalogue, tenant_id)
    if conflicts:
        raise CatalogueConflict(conflicts)
    return tenant_id, len(added) + (made is not None), int(has_changed and made is None)


def aliases_of(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Return the file's aliases, sorted: two loads that add the same ones must not deadlock."""
    return sorted({(dialect, alias) for dialect, names in catalogue.aliases.items() for alias in names})


def _columns(aliases: list[tuple[str, str]]) -> dict[str, str]:
    dialects, names = (array(column) for column in zip(*aliases, strict=True)) if aliases else ("{}", "{}")
    return {"dialects": dialects, "aliases": names}


def _write_settings(connection: Connection, tenant_id: UUID, catalogue: Catalogue) -> bool:
    values: dict[str, Any] = catalogue.settings.model_dump(mode="json") if catalogue.settings else {}
    if catalogue.organisation is not None:
        values["organisation"] = catalogue.organisation.model_dump(mode="json")
    table = tables.tenants
    row = connection.execute(select(table).where(table.c.id == tenant_id)).mappings().one()
    if all(row[name] == value for name, value in values.items()):
        return False
    connection.execute(update(table).where(table.c.id == tenant_id).values(values))
    return True


def add_ticket_key(connection: Connection, tenant_id: UUID, *, now: datetime) -> TicketKey:
    """Create a new signing key for the tenant's tickets; codes of older keys stay valid.

    Raises `SecretKeyUnusable`.
    """
    check_key(connection)
    key = TicketKey.generate()
    connection.execute(
        insert(tables.ticket_keys).values(
            id=key.id,
            tenant_id=tenant_id,
            public_key=key.public_key,
            sealed_key=seal(key.private_key, "ticket_keys", key.id),
            created_at=now,
        )
    )
    return key
