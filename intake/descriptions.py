"""What each field of the OpenAPI page means, in a sentence."""

from typing import Final

# By name where a field means the same in every model, else by model and name.
_FIELDS: Final = {
    "amount": "How much it was.",
    "attendee": "Whose ticket it is; null where nobody was named.",
    "attendees": "Whose tickets these are, at most one for each; may be fewer, or empty.",
    "billing_address": "Where the invoice goes.",
    "buyer": "Who pays, and where the confirmation goes.",
    "city": "The city.",
    "code": "The order's short code, for people.",
    "company": "The company the person buys for.",
    "country": "The country.",
    "created_at": "When the order was made (RFC 3339, UTC).",
    "currency": "The currency of every amount of the order (ISO 4217).",
    "discount": "Taken off the total. In a request: beside what the promo code takes off.",
    "email": "The person's e-mail address.",
    "errors": "Why it was rejected; empty otherwise.",
    "event_id": "The event, by the catalogue's id.",
    "first_name": "The person's first name.",
    "id": "The order's id.",
    "idempotency_key": "The caller's own name for the request; the request's id where it had none.",
    "last_name": "The person's last name.",
    "line_1": "Street and number.",
    "line_2": "What else the postman needs.",
    "line_items": "The lines of the order, 1 to 100.",
    "name": "Who lives there.",
    "number": "The order's number, unique and ascending.",
    "additional_expense": "A further expense that the buyer pays.",
    "payment_status": "How far the order is paid.",
    "payments": "The payments of the order.",
    "phone": "The person's phone number.",
    "postal_code": "The postal code.",
    "promo_code": "A promo code of the catalogue.",
    "quantity": "How many tickets.",
    "reference": "The caller's own reference, such as a purchase order's number.",
    "request_id": "The request's id.",
    "service_fee": "A fee that the buyer pays.",
    "shipping": "What shipping costs the buyer.",
    "state": "The state or province.",
    "status": "Where the order stands.",
    "tax": "The tax on top of the prices.",
    "tenant": "Whose order it is: the tenant of the key.",
    "ticket_class_id": "The ticket class, by the catalogue's id.",
    "tickets": "The tickets of the order.",
    "totals": "What the order costs, and what is paid of it.",
    "type": "How it was paid.",
    "unit_price": "The price of one ticket.",
    "updated_at": "When the order last changed (RFC 3339, UTC).",
    "version": "Counts the order's changes from 1; also its entity tag.",
    "LineItem.amount": "Unit price × quantity, plus `rounding`.",
    "LineItem.rounding": "What the line's amount differs from unit price × quantity; a decimal string.",
    "LineItem.tax": "The line's part of the tax.",
    "LineItemRequest.unit_price": (
        "The price of one ticket; left out, the catalogue's. A different one needs the scope"
        " `orders.set_price`."
    ),
    "Order.event_id": "The event the request named; null where it named none.",
    "OrderPage.items": "The orders of this page, newest first.",
    "OrderPage.next_cursor": "The parameter `cursor` of the next page; null on the last one.",
    "OrderRequest.currency": "The currency (ISO 4217); left out, that of the events.",
    "OrderRequest.event_id": (
        "The event that every line must be of; left out, the order may span events of one currency."
    ),
    "OrderRequest.idempotency_key": (
        "The caller's own name for this request: the same key and body again is the same request. Left"
        " out, and without the header `Idempotency-Key`, each call is a new one."
    ),
    "OrderRequest.payments": "Payments that were made with the order.",
    "OrderRequest.tax": "The tax, taken as it is; left out, the events' tax rules compute it.",
    "Payment.status": "Whether the money has come.",
    "PaymentRequest.amount": "How much was paid; left out, what is still owed.",
    "RequestError.code": "Which kind of reason, for a program.",
    "RequestError.field": "The field it is about, such as `line_items.0.quantity`; null: the whole.",
    "RequestError.message": "A sentence for a person.",
    "RequestStatus.order_id": "The order that became of it; null unless it is processed.",
    "RequestStatus.status": (
        "`pending`: not processed yet. `processed`: there is an order. `rejected`: `errors` says why"
        " not. `dead`: it could not be processed, and an operator decides."
    ),
    "Ticket.code": "What the scanner at the door verifies, offline.",
    "Ticket.id": "The ticket's id.",
    "Ticket.seat": "The seat's label; null for a ticket without a seat.",
    "Ticket.status": "Whether the ticket still admits somebody.",
    "Totals.balance": "What is still owed: total − paid + refunded. Negative when too much was paid.",
    "Totals.included_tax": "The tax that is contained in the prices: shown, never added.",
    "Totals.paid": "The sum of the payments.",
    "Totals.refunded": "What was paid back.",
    "Totals.subtotal": "The sum of the lines.",
    "Totals.total": "Subtotal + shipping + service fee + additional expense + tax − discount.",
}


def description_of(model: str, field: str) -> str | None:
    """Return what the field of the model means, or None where the model says so itself."""
    if model in _THEIR_OWN:
        return None
    return _FIELDS.get(f"{model}.{field}") or _FIELDS.get(field)


_THEIR_OWN: Final = frozenset({"Accepted", "Alive", "ProblemDocument", "ProblemError"})
