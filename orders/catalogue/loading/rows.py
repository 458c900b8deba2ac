"""The rows of a catalogue file: the only mapping of its fields to columns."""

from orders.rows import CatalogueClassRow, CatalogueEventRow, PromoCodeRow
from schemas.catalogue import Event, PromoCode, TicketClass, promo_code_key


def row_of_event(item: Event, *, id: str, tenant_id: str) -> CatalogueEventRow:
    """Return the row of an event."""
    tax = item.tax
    return CatalogueEventRow(
        id=id,
        tenant_id=tenant_id,
        external_id=item.id,
        name=item.name,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        timezone=item.timezone,
        currency=item.currency,
        on_sale_from=item.on_sale_from,
        on_sale_until=item.on_sale_until,
        tax_name=tax.name if tax else None,
        tax_rate=tax.rate if tax else None,
        tax_is_included=tax.is_included if tax else False,
        tax_rounding=tax.rounding if tax else "line",
        details=item.details.model_dump(mode="json") if item.details else None,
    )


def is_repriced(before: CatalogueEventRow, after: CatalogueEventRow) -> bool:
    """Return whether the event's currency or tax changes, which must change together with its prices."""
    return _price_terms(before) != _price_terms(after)


def _price_terms(row: CatalogueEventRow) -> tuple[object, ...]:
    return row.currency, row.tax_rate, row.tax_is_included, row.tax_rounding


def row_of_class(item: TicketClass, *, id: str, tenant_id: str, event_id: str) -> CatalogueClassRow:
    """Return the row of a ticket class."""
    return CatalogueClassRow(
        id=id,
        tenant_id=tenant_id,
        event_id=event_id,
        external_id=item.id,
        name=item.name,
        section=item.section,
        row=item.row,
        price=item.price,
        has_seats=bool(item.seats),
        capacity=item.total_capacity(),
        office=item.office,
        cost=item.cost,
        details=item.details.model_dump(mode="json") if item.details else None,
    )


def row_of_promo_code(item: PromoCode, *, id: str, event_id: str) -> PromoCodeRow:
    """Return the row of a promo code."""
    return PromoCodeRow(
        id=id,
        event_id=event_id,
        code=item.code,
        key=promo_code_key(item.code),
        percent=item.percent,
        amount=item.amount,
        max_uses=item.max_uses,
    )
