"""Rendering the event of an order and its organisation."""

from schemas.background import Background, EventFacts
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.orders import Order
from vendors.eventbookings.values import address, banners, in_both_zones


def render_event(order: Order, event: EventFacts, background: Background) -> JsonObject:
    """Return the event and its settings."""
    details, organisation = event.details, background.organisation
    policy = details.cancellation
    return {
        "uuid": str(event.id),
        "name": event.name,
        "banner": banners(event),
        "thumb": str(details.thumbnail or ""),
        "event_start_on": in_both_zones(event.starts_at, event.timezone),
        "event_end_on": in_both_zones(event.ends_at, event.timezone),
        "organisation_uuid": _organisation_id(background),
        "type": details.type or "",
        "map_link": str((details.venue and details.venue.map_link) or ""),
        "settings": {
            "order_cancel": {
                "enabled": policy is not None,
                "type": policy.type if policy else "",
                "duration": policy.duration_minutes if policy else 0,
                "refund_amount_percent": policy.refund_percent if policy else 0,
            },
            "include_tax_or_gst": event.tax_rate is not None,
            "company_registration_details": organisation.registration or "",
            "organisation_entity_name": organisation.entity_name or "",
            "dgr_status": False,
            "is_enable_full_day": details.is_full_day,
            "is_enable_service_charge": order.totals.service_fee > ZERO,
            "is_enable_datetime_conversion": False,
            "is_enable_qr_code_on_tickets": True,
            "is_enable_qr_code_individually_on_ticket": True,
        },
    }


def render_organisation(background: Background) -> JsonObject:
    """Return the organisation of the event."""
    known = background.organisation
    return {
        "uuid": _organisation_id(background),
        "name": known.name or background.tenant,
        "image": str(known.image or ""),
        "email": known.email or "",
        "phone": known.phone or "",
        "addresses": {**address(known.address), "timezone": known.timezone or ""},
    }


def tax_percent(event: EventFacts) -> str:
    """Return the rate of the event's tax rule in percent; an empty text without a rule."""
    if event.tax_rate is None:
        return ""
    written = format(event.tax_rate * 100, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def render_instruction(event: EventFacts) -> JsonObject:
    """Return the instructions for the buyer."""
    known = event.details.instruction
    return {"title": known.title if known else "", "description": known.description if known else ""}


def _organisation_id(background: Background) -> str:
    return next(iter(background.aliases.get("eventbookings", ())), str(background.tenant_id))
