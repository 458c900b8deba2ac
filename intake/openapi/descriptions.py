"""What each field of the OpenAPI page means, in a sentence."""

from typing import Final

# By name where a field means the same in every model, else by model and name.
_FIELDS: Final = {
    "amount": "How much it was.",
    "attendee": "Whose ticket it is; null where nobody was named.",
    "attendees": "Whose tickets these are, at most one for each; may be fewer, or empty.",
    "billing_address": "Where the invoice goes.",
    "buyer_id": "The office that buys, where it is not the tenant's own; only for trades between offices.",
    "buyer": "Who pays, and where the confirmation goes.",
    "cancellation": "When and why the order was cancelled as a whole; null until then.",
    "check_fraud": "Whether the order is to pass the tenant's fraud check before it is confirmed.",
    "check_in": "How many of the order's tickets were used.",
    "checked_in_at": "When the ticket was used; null until then.",
    "city": "The city.",
    "client_id": "The client that the office acts for, by the office's own id.",
    "code": "The order's short code, for people.",
    "company": "The company the person buys for.",
    "consignment": "Whether the tickets are sold for somebody else; kept and shown.",
    "counterpart_id": "The purchase order that a sale has made, or the sale that made it.",
    "country": "The country.",
    "created_by_ip_address": "The address that the buyer ordered from; the fraud check counts by it.",
    "created_at": "When the order was made (RFC 3339, UTC).",
    "currency": "The currency of every amount of the order (ISO 4217).",
    "discount": "Taken off the total. In a request: beside what the promo code takes off.",
    "email": "The person's e-mail address; null where there is none.",
    "errors": "Why it was rejected; empty otherwise.",
    "event_id": "The event, by the catalogue's id.",
    "expires_at": "Until when it is held; left out or null: until it is released.",
    "extras": "What dialects say of the order and these words do not, by the dialect's name; 64 KiB at most.",
    "external_notes": "Notes that the buyer may see: a string, or a list of strings.",
    "first_name": "The person's first name.",
    "fraud_check": "What the fraud check thought of the order; null where it was not asked for.",
    "hold_id": "The hold.",
    "id": "The order's id.",
    "idempotency_key": "The caller's own name for the request; the request's id where it had none.",
    "instructions": "Instructions that go with the tickets: a string, or a list of strings.",
    "internal_notes": "Notes for the office only: a string, or a list of strings.",
    "is_purchase": "Whether the tickets are bought for stock, and not sold.",
    "is_refund": "Whether the money went back to the buyer.",
    "last_name": "The person's last name.",
    "line_1": "Street and number.",
    "line_2": "What else the postman needs.",
    "line_number": "Which line of the order, counted from 1.",
    "line_items": "The lines of the order, 1 to 100.",
    "low_seat": "The lowest of the wished seats, instead of `seats`.",
    "name": "Who lives there.",
    "notes": "The notes on the order.",
    "number": "The order's number, unique and ascending.",
    "additional_expense": "A further expense that the buyer pays.",
    "order_group_id": "What orders that replace each other have in common.",
    "payment_due_at": "Until when the order is to be paid; a tenant may have late ones cancelled.",
    "payment_number": "Which payment of the order, counted from 1.",
    "payment_status": "How far the order is paid.",
    "payments": "The payments of the order.",
    "phone": "The person's phone number.",
    "postal_code": "The postal code.",
    "promo_code": "A promo code of the catalogue.",
    "quantity": "How many tickets.",
    "reference": "The caller's own reference, such as a purchase order's number.",
    "request_id": "The request's id.",
    "seat_order": "How seats go on from `low_seat`: each next one, or every other one; `odd_even` without"
    " `low_seat` is any seats that are all odd or all even.",
    "seats": "The seats, by their labels; left out or empty: the best that are free.",
    "seller_id": "The office that sells, where it is not the tenant's own; only for trades between offices.",
    "service_fee": "A fee that the buyer pays.",
    "shipping": "What shipping costs the buyer.",
    "state": "The state or province.",
    "status": "Where the order stands.",
    "substitutes": "The order that this one replaces: its id or its number.",
    "substitutes_id": "The order that this one replaces.",
    "tax": "The tax on top of the prices.",
    "tenant": "Whose order it is: the tenant of the key.",
    "ticket_group": "Inventory that the purchase makes.",
    "ticket_group_signature": "What a listing was signed with: the order is rejected if the price has risen.",
    "ticket_class_id": "The ticket class, by the catalogue's id.",
    "trade": "Between whom the order is; null for a plain sale.",
    "tickets": "The tickets of the order.",
    "totals": "What the order costs, and what is paid of it.",
    "type": "How it was paid.",
    "unit_price": "The price of one ticket.",
    "updated_at": "When the order last changed (RFC 3339, UTC).",
    "version": "Counts the order's changes from 1; also its entity tag.",
    "CancelRequest.lines": "The lines to cancel, or parts of them; without lines and tickets: all of it.",
    "CancelRequest.reason": "Why; kept with a whole cancellation.",
    "CancelRequest.ticket_ids": "The tickets to cancel.",
    "Cancellation.cancelled_at": "When that was.",
    "Cancellation.reason": "Why; null where nobody said.",
    "CancelledLine.quantity": "How many of its tickets, the last ones first; left out: all.",
    "CheckIn.checked_in": "How many were used.",
    "CheckIn.status": "Whether none, some or all of them were used.",
    "CheckIn.tickets": "How many there are that are not voided.",
    "CheckInRequest.code": "The code as scanned; this or `ticket_id`.",
    "CheckInRequest.event_id": "The event at whose gate this is, by the catalogue's id.",
    "CheckInRequest.nonce": "The gate's own name for the scan: the same one again is no second use.",
    "CheckInRequest.ticket_id": "The ticket's id; this or `code`.",
    "CheckInRequest.undo": "Whether to undo the use instead.",
    "FraudVerdict.reasons": "Which rules it broke.",
    "FraudVerdict.verdict": "`review`: somebody should look at it.",
    "Hold.created_at": "When it was taken (RFC 3339, UTC).",
    "Hold.id": "The hold's id: that of the request that took it.",
    "Hold.order_id": "The order that used it; null otherwise.",
    "Hold.quantity": "How many tickets are held.",
    "Hold.seats": "The seats that are held; empty for tickets without seats, and once the hold is over.",
    "Hold.status": "`held`; `used` by an order; `released`; `expired`.",
    "Hold.unit_price": "The price of one ticket for the order that uses it.",
    "HoldRequest.quantity": "How many tickets; left out, as many as there are `seats`.",
    "HoldRequest.unit_price": (
        "The price to hold; left out, the catalogue's. A different one needs the scope `orders.set_price`."
    ),
    "LineItem.amount": "Unit price × quantity, plus `rounding`.",
    "LineItem.rounding": "What the line's amount differs from unit price × quantity; a decimal string.",
    "LineItem.tax": "The line's part of the tax.",
    "LineItemRequest.event_id": "The event of the ticket class; another one is refused.",
    "LineItemRequest.hold_id": "A hold; what the line leaves out is the hold's.",
    "LineItemRequest.unit_price": (
        "The price of one ticket; left out, the catalogue's. A different one needs the scope"
        " `orders.set_price`."
    ),
    "LineTerms.attendees": "Whose tickets these are; left out, they stay whose they are.",
    "LineTerms.event_id": "The event of the ticket class; another one is refused.",
    "LineTerms.ticket_ids": (
        "Tickets of the line: the first attendees are theirs, and they stay where the line gets fewer."
    ),
    "LineTerms.line_number": "Which line of the order; left out, the next one of the class, or a new line.",
    "LineTerms.unit_price": (
        "The price of one ticket; left out, what was agreed. Another than that or the catalogue's needs the"
        " scope `orders.set_price`."
    ),
    "Note.kind": "For whom it is: `internal` ones are for the office only.",
    "Note.text": "The note.",
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
    "OrderRequest.discount": (
        "What is taken off. A total below the catalogue's needs the scope `orders.set_price`."
    ),
    "OrderRequest.expected_total": (
        "What the sender believes that the order costs, with its fees and its tax or without them: one that "
        "costs something else is rejected with `price_mismatch`."
    ),
    "OrderRequest.tax": (
        "The tax, taken as it is; left out, the events' tax rules compute it. A total below the catalogue's"
        " needs the scope `orders.set_price`."
    ),
    "Payment.status": "Whether the money has come.",
    "PaymentRecord.amount": "How much it was; left out, what is owed, or what is owed back.",
    "PaymentRecord.payment_number": "A pending payment that is now completed; left out: a new one.",
    "PaymentRecord.reference": "The payer's or the bank's own reference.",
    "PaymentRecord.status": "Whether the money has come; `pending`: it is under way.",
    "Payment.created_at": "When it was recorded (RFC 3339, UTC).",
    "Payment.reference": "The payer's or the bank's own reference.",
    "PaymentRequest.amount": "How much was paid; left out, what is still owed, or owed back.",
    "PaymentRequest.status": "Whether the money has come; `pending`: it is under way.",
    "RequestError.code": "Which kind of reason, for a program.",
    "RequestError.field": "The field it is about, such as `line_items.0.quantity`; null: the whole.",
    "RequestError.message": "A sentence for a person.",
    "RequestStatus.hold_id": "The hold that it took; only for a processed request that took one.",
    "RequestStatus.order_id": "The order that became of it, or that it changed; null unless it is processed.",
    "RequestStatus.status": (
        "`pending`: not processed yet, or it waits for its order. `processed`: it is done. `rejected`:"
        " `errors` says why"
        " not. `dead`: it could not be processed, and an operator decides."
    ),
    "TicketGroup.event_id": "The event that the tickets are for, by the catalogue's id.",
    "TicketGroup.id": "The id of the ticket class that is made; left out, one is made up.",
    "TicketGroup.name": "Its name; left out, section and row.",
    "TicketGroup.price": "What one ticket is to be sold for.",
    "TicketGroup.row": "The row.",
    "TicketGroup.section": "The section.",
    "Ticket.code": "What the scanner at the door verifies, offline.",
    "Ticket.created_at": "When the ticket was made (RFC 3339, UTC).",
    "Ticket.id": "The ticket's id.",
    "Ticket.seat": "The seat's label; null for a ticket without a seat.",
    "Ticket.status": "Whether the ticket still admits somebody.",
    "OrderPatch.expected_total": (
        "What the sender believes that the order costs then, with its fees and its tax or without them: an "
        "update that makes it cost something else is rejected with `price_mismatch`."
    ),
    "OrderPatch.total_discount": (
        "What is taken off in all, by the promo code and beside it, rounded half up to the currency's minor "
        "unit; it counts once. A promo code that takes off more is given up."
    ),
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


_THEIR_OWN: Final = frozenset(
    {
        "Accepted",
        "Alive",
        "CheckedIn",
        "FieldChange",
        "HistoryEntry",
        "HoldPage",
        "OrderHistory",
        "ProblemDocument",
        "ProblemError",
        "TicketClassList",
        "TicketClassOnSale",
    }
)
