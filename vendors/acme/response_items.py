"""Rendering the items of an order in the ACME dialect (`orderItems`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.background import Background, EventFacts
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.orders import LineItem, Order, Ticket
from vendors.acme.amounts import NO_AMOUNTS, ItemAmounts, amounts_of, balances_of, discounted_unit_price
from vendors.acme.extras import EMPTY_ITEM, NAME, ItemEntry, OrderEntry, entries_of_lines
from vendors.acme.tickets import entries_of_tickets, render_tickets, statuses_of
from vendors.acme.values import INVENTORY_TYPES, ItemType, TicketStatus, moment
from vendors.values import number


def render_items(order: Order, background: Background, entry: OrderEntry) -> list[JsonObject]:
    """Return the items, including emptied ones."""
    lines = order.line_items
    entries = entries_of_lines(entry, lines)
    amounts = amounts_of(lines, order.totals.discount, order.extras, order.currency)
    original = background.originals.get(order.id)
    originals = (
        amounts
        if original is None
        else amounts_of(original.lines, original.discount, original.extras, order.currency)
    )
    quantities = {line.line_number: line.quantity for line in (lines if original is None else original.lines)}
    balances = balances_of(order, amounts, originals)
    statuses = statuses_of(order, background.changes.get(order.id, ()), _stated_statuses(order, entries))
    found = []
    for line in lines:
        number_, extras = line.line_number, entries.get(line.line_number, EMPTY_ITEM)
        tickets = [ticket for ticket in order.tickets if ticket.line_number == number_]
        found.append(
            {
                "itemId": str(number_),
                "parentItemId": extras.parentItemId,
                "comboTemplateId": extras.comboTemplateId,
                "comboTemplateName": extras.comboTemplateName,
                "comboTemplateType": extras.comboTemplateType,
                **_event(background.events[line.event_id]),
                **_quantities(line, quantities.get(number_, 0)),
                "discountId": extras.discountId,
                "accountCategoryId": extras.accountCategoryId,
                "checkedInQuantity": sum(ticket.status == "checked_in" for ticket in tickets),
                **_amounts(line, amounts[number_], originals.get(number_, NO_AMOUNTS)),
                "balanceAmount": number(balances[number_] or ZERO),
                "checkInDate": moment(_checked_in_at(tickets)),
                **_class_fields(line, background, extras),
                "ticketVos": render_tickets(tickets, extras, statuses, background.alias(NAME)),
            }
        )
    return found


def _stated_statuses(order: Order, entries: Mapping[int, ItemEntry]) -> dict[UUID, TicketStatus]:
    """Return the statuses that clients stated, by the tickets' ids."""
    stated: dict[UUID, TicketStatus] = {}
    for number_, entry in entries.items():
        tickets = [ticket for ticket in order.tickets if ticket.line_number == number_]
        for id_, extras in entries_of_tickets(tickets, entry).items():
            if extras.ticketStatus is not None:
                stated[id_] = extras.ticketStatus
    return stated


def _event(event: EventFacts) -> JsonObject:
    return {
        "eventId": event.external_id,
        "eventName": event.name,
        "eventStartTime": event.starts_at.astimezone(ZoneInfo(event.timezone)).isoformat(),
    }


def catalogue_fields(background: Background) -> dict[str, JsonObject]:
    """Return the fields of ticket classes in answers, by the catalogue's ids."""
    return {
        id_: {
            **_event(background.events[class_.event_external_id]),
            "ticketingTypeName": class_.name,
            "inventoryName": class_.name,
        }
        for id_, class_ in background.ticket_classes.items()
    }


def _quantities(line: LineItem, original: int) -> JsonObject:
    """Return the original and current quantities; the document does not define what basic ones are."""
    return {
        "basicOriginalQuantity": original,
        "originalQuantity": original,
        "basicQuantity": line.quantity,
        "quantity": line.quantity,
    }


def _amounts(line: LineItem, amounts: ItemAmounts, original: ItemAmounts) -> JsonObject:
    return {
        "unitPrice": number(line.unit_price),
        "discountedUnitPrice": number(discounted_unit_price(line, amounts)),
        "discountedOriginalAmount": number(original.discounted),
        "originalAmount": number(original.amount),
        "discountedAmount": number(amounts.discounted),
        "amount": number(amounts.amount),
    }


def _checked_in_at(tickets: Sequence[Ticket]) -> datetime | None:
    return max((ticket.checked_in_at for ticket in tickets if ticket.checked_in_at), default=None)


def _class_fields(line: LineItem, background: Background, extras: ItemEntry) -> JsonObject:
    """Return the fields of the item's class: a ticket type or an inventory item; both are our ticket classes.

    The sent fields take precedence over the catalogue: a client finds its item as it sent it.
    """
    class_ = background.ticket_classes[line.ticket_class_id]
    type_ = extras.itemType or _item_type(class_.details.kind == "inventory", extras)
    is_inventory = type_ in INVENTORY_TYPES and extras.inventoryId is None
    if extras.isInventory is not None:
        is_inventory = extras.isInventory
    return {
        "ticketingTypeId": None if is_inventory else class_.external_id,
        "ticketingTypeName": None if is_inventory else class_.name,
        "itemType": type_,
        "inventoryId": class_.external_id if is_inventory else extras.inventoryId,
        "inventoryName": class_.name if is_inventory else extras.inventoryName,
    }


def _item_type(is_inventory: bool, extras: ItemEntry) -> ItemType:
    is_in_combo = extras.comboTemplateId is not None
    if is_inventory:
        return "comboInventory" if is_in_combo else "inventory"
    return "comboEvent" if is_in_combo else "event"
