"""The items of an order as ACME answers them (`orderItems`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.background import Background, EventFacts
from schemas.json import JsonObject
from schemas.money import ZERO
from schemas.orders import LineItem, Order, Ticket
from vendors.acme.amounts import NO_AMOUNTS, ItemAmounts, amounts_of, balances_of, discounted_unit_price
from vendors.acme.extras import NAME, NOTHING_OF_ITEM, ItemEntry, OrderEntry, entries_of_lines
from vendors.acme.tickets import entries_of_tickets, statuses_of, ticket_words
from vendors.acme.values import INVENTORY_TYPES, ItemType, TicketStatus, moment
from vendors.values import number


def item_words(order: Order, background: Background, entry: OrderEntry) -> list[JsonObject]:
    """Return the items, also those of which nothing is left."""
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
    statuses = statuses_of(order, background.changes.get(order.id, ()), _said_statuses(order, entries))
    found = []
    for line in lines:
        number_, kept = line.line_number, entries.get(line.line_number, NOTHING_OF_ITEM)
        tickets = [ticket for ticket in order.tickets if ticket.line_number == number_]
        found.append(
            {
                "itemId": str(number_),
                "parentItemId": kept.parentItemId,
                "comboTemplateId": kept.comboTemplateId,
                "comboTemplateName": kept.comboTemplateName,
                "comboTemplateType": kept.comboTemplateType,
                **_event(background.events[line.event_id]),
                **_quantities(line, quantities.get(number_, 0)),
                "discountId": kept.discountId,
                "accountCategoryId": kept.accountCategoryId,
                "checkedInQuantity": sum(ticket.status == "checked_in" for ticket in tickets),
                **_amounts(line, amounts[number_], originals.get(number_, NO_AMOUNTS)),
                "balanceAmount": number(balances[number_] or ZERO),
                "checkInDate": moment(_checked_in_at(tickets)),
                **_thing(line, background, kept),
                "ticketVos": ticket_words(tickets, kept, statuses, background.alias(NAME)),
            }
        )
    return found


def _said_statuses(order: Order, entries: Mapping[int, ItemEntry]) -> dict[UUID, TicketStatus]:
    """Return what clients said of tickets, by the tickets' ids."""
    said: dict[UUID, TicketStatus] = {}
    for number_, entry in entries.items():
        tickets = [ticket for ticket in order.tickets if ticket.line_number == number_]
        for id_, kept in entries_of_tickets(tickets, entry).items():
            if kept.ticketStatus is not None:
                said[id_] = kept.ticketStatus
    return said


def _event(event: EventFacts) -> JsonObject:
    return {
        "eventId": event.external_id,
        "eventName": event.name,
        "eventStartTime": event.starts_at.astimezone(ZoneInfo(event.timezone)).isoformat(),
    }


def catalogue_words(background: Background) -> dict[str, JsonObject]:
    """Return what answers say of the ticket classes that are known, by the catalogue's ids."""
    return {
        id_: {
            **_event(background.events[class_.event_external_id]),
            "ticketingTypeName": class_.name,
            "inventoryName": class_.name,
        }
        for id_, class_ in background.ticket_classes.items()
    }


def _quantities(line: LineItem, original: int) -> JsonObject:
    """Return how many there were and are; the document does not tell basic ones from others."""
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


def _thing(line: LineItem, background: Background, kept: ItemEntry) -> JsonObject:
    """Return what the item is of: a ticket type, or an inventory item; both are ticket classes of ours.

    What was said of it comes before what the catalogue says: a client finds its item as it sent it.
    """
    class_ = background.ticket_classes[line.ticket_class_id]
    type_ = kept.itemType or _item_type(class_.details.kind == "inventory", kept)
    is_inventory = type_ in INVENTORY_TYPES and kept.inventoryId is None
    if kept.isInventory is not None:
        is_inventory = kept.isInventory
    return {
        "ticketingTypeId": None if is_inventory else class_.external_id,
        "ticketingTypeName": None if is_inventory else class_.name,
        "itemType": type_,
        "inventoryId": class_.external_id if is_inventory else kept.inventoryId,
        "inventoryName": class_.name if is_inventory else kept.inventoryName,
    }


def _item_type(is_inventory: bool, kept: ItemEntry) -> ItemType:
    is_in_combo = kept.comboTemplateId is not None
    if is_inventory:
        return "comboInventory" if is_in_combo else "inventory"
    return "comboEvent" if is_in_combo else "event"
