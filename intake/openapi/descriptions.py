"""The description of each field on the OpenAPI page."""

from typing import Final

# By name if a field means the same in every model, otherwise by model and name.
_FIELDS: Final = {
    "amount": "The amount.",
    "attendee": "The holder of the ticket; null if none was named.",
    "attendees": "The holders of the tickets, at most one per ticket; may be fewer, or empty.",
    "billing_address": "The address for the invoice.",
    "buyer_id": "The buying office, if it is not the tenant's own; only for trades between offices.",
    "buyer": "The person who pays and gets the confirmation.",
    "cancellation": "When and why the order was cancelled as a whole; null until then.",
    "check_fraud": "Whether the order must pass the tenant's fraud check before it is confirmed.",
    "check_in": "The number of the order's tickets that are checked in.",
    "checked_in_at": "When the ticket was checked in; null until then.",
    "city": "The city.",
    "client_id": "The client for whom the office acts, by the office's own id.",
    "code": "The order's short code, for people.",
    "company": "The company for which the person buys.",
    "consignment": "Whether the tickets are sold on behalf of another; stored and shown.",
    "counterpart_id": "The purchase order made by a sale, or the sale that made it.",
    "country": "The country.",
    "created_by_ip_address": "The IP address of the buyer; the fraud check counts orders by it.",
    "created_at": "When the order was made (RFC 3339, UTC).",
    "currency": "The currency of every amount of the order (ISO 4217).",
    "discount": "Subtracted from the total. In a request: in addition to the promo code's discount.",
    "email": "The person's e-mail address; null if there is none.",
    "errors": "Why it was rejected; empty otherwise.",
    "event_id": "The event, by the catalogue's id.",
    "expires_at": "When the hold expires; if left out or null, it lasts until it is released.",
    "extras": "Fields of dialects that have no other place here, by the dialect's name; 64 KiB at most.",
    "external_notes": "Notes that the buyer may see: a string, or a list of strings.",
    "first_name": "The person's first name.",
    "fraud_check": "The result of the fraud check; null if none was requested.",
    "hold_id": "The hold.",
    "id": "The order's id.",
    "idempotency_key": "The caller's own name for the request; the request's id if it had none.",
    "instructions": "Instructions that go with the tickets: a string, or a list of strings.",
    "internal_notes": "Notes for the office only: a string, or a list of strings.",
    "is_purchase": "Whether the tickets are bought for stock rather than sold.",
    "is_refund": "Whether the money went back to the buyer.",
    "last_name": "The person's last name.",
    "line_1": "Street and number.",
    "line_2": "The second line of the street address.",
    "line_number": "The number of the line, counted from 1.",
    "line_items": "The lines of the order, 1 to 100.",
    "low_seat": "The lowest of the requested seats, instead of `seats`.",
    "name": "The name of the person or company at this address.",
    "notes": "The notes on the order.",
    "number": "The order's number, unique and ascending.",
    "additional_expense": "A further expense that the buyer pays.",
    "order_group_id": "The id shared by orders that replace each other.",
    "payment_due_at": "When payment is due; a tenant may have late orders cancelled.",
    "payment_number": "The number of the payment, counted from 1.",
    "payment_status": "How much of the order is paid.",
    "payments": "The payments of the order.",
    "phone": "The person's phone number.",
    "postal_code": "The postal code.",
    "promo_code": "A promo code of the catalogue.",
    "quantity": "The number of tickets.",
    "reference": "The caller's own reference, such as a purchase order's number.",
    "request_id": "The request's id.",
    "seat_order": "How the seats continue from `low_seat`: each one, or every second one; `odd_even` without"
    " `low_seat` means any seats that are all odd or all even.",
    "seats": "The labels of the seats; if left out or empty, the best free ones.",
    "seller_id": "The selling office, if it is not the tenant's own; only for trades between offices.",
    "service_fee": "The service fee that the buyer pays.",
    "shipping": "The shipping cost that the buyer pays.",
    "state": "The state or province.",
    "status": "The status of the order.",
    "substitutes": "The order that this one replaces: its id or its number.",
    "substitutes_id": "The order that this one replaces.",
    "tax": "The tax on top of the prices.",
    "tenant": "The tenant of the order: that of the key.",
    "ticket_group": "The inventory that the purchase creates.",
    "ticket_group_signature": "The signature of a listing; the order is rejected if the price has risen.",
    "ticket_class_id": "The ticket class, by the catalogue's id.",
    "trade": "The offices of a trade; null for a plain sale.",
    "tickets": "The tickets of the order.",
    "totals": "The amounts of the order: its total, and the amount paid.",
    "type": "The method of payment.",
    "unit_price": "The price of one ticket.",
    "updated_at": "When the order last changed (RFC 3339, UTC).",
    "version": "The number of the order's changes, counted from 1; also its entity tag.",
    "CancelRequest.lines": "The lines to cancel, or parts of them; without lines and tickets, all.",
    "CancelRequest.reason": "The reason; stored when the whole order is cancelled.",
    "CancelRequest.ticket_ids": "The tickets to cancel.",
    "Cancellation.cancelled_at": "When the order was cancelled.",
    "Cancellation.reason": "The reason; null if none was given.",
    "CancelledLine.quantity": "The number of its tickets to cancel, the last ones first; by default all.",
    "CheckIn.checked_in": "The number of tickets that are checked in.",
    "CheckIn.status": "Whether none, some or all of them are checked in.",
    "CheckIn.tickets": "The number of tickets that are not voided.",
    "CheckInRequest.code": "The scanned code; this or `ticket_id`.",
    "CheckInRequest.event_id": "The event at this gate, by the catalogue's id.",
    "CheckInRequest.nonce": "The gate's own name for the scan; a scan repeated with it does not count twice.",
    "CheckInRequest.ticket_id": "The ticket's id; this or `code`.",
    "CheckInRequest.undo": "Whether to undo the check-in instead.",
    "FraudVerdict.reasons": "The rules that the order broke.",
    "FraudVerdict.verdict": "`review`: a person should check the order.",
    "Hold.created_at": "When the hold was taken (RFC 3339, UTC).",
    "Hold.id": "The hold's id, which is the id of the request that took it.",
    "Hold.order_id": "The order that used the hold; null otherwise.",
    "Hold.quantity": "The number of tickets held.",
    "Hold.seats": "The held seats; empty for tickets without seats, and once the hold has ended.",
    "Hold.status": "`held`; `used` by an order; `released`; `expired`.",
    "Hold.unit_price": "The price of one ticket for the order that uses it.",
    "HoldRequest.quantity": "The number of tickets; by default the number of `seats`.",
    "HoldRequest.unit_price": (
        "The price to hold; by default the catalogue's. Another one needs the scope `orders.set_price`."
    ),
    "LineItem.amount": "Unit price × quantity, plus `rounding`.",
    "LineItem.rounding": "Difference between the line's amount and unit price × quantity; a decimal string.",
    "LineItem.tax": "The line's share of the tax.",
    "LineItemRequest.event_id": "The event of the ticket class; another event is refused.",
    "LineItemRequest.hold_id": "A hold; the line's missing fields are taken from it.",
    "LineItemRequest.unit_price": (
        "The price of one ticket; by default the catalogue's. A different one needs the scope"
        " `orders.set_price`."
    ),
    "PatchedLine.attendees": "The holders of the tickets; if left out, they stay as they are.",
    "PatchedLine.event_id": "The event of the ticket class; another event is refused.",
    "PatchedLine.ticket_ids": (
        "Tickets of the line: they get the first attendees, and stay if the quantity shrinks."
    ),
    "PatchedLine.line_number": (
        "The number of the line; by default the next line of the class, or a new line."
    ),
    "PatchedLine.unit_price": (
        "The price of one ticket; by default the agreed one. A price other than that or the catalogue's needs"
        " the scope `orders.set_price`."
    ),
    "Note.kind": "The audience of the note: `internal` notes are for the office only.",
    "Note.text": "The text of the note.",
    "Order.event_id": "The event that the request named; null if it named none.",
    "OrderPage.items": "The orders of this page, newest first.",
    "OrderPage.next_cursor": "The parameter `cursor` of the next page; null on the last one.",
    "OrderRequest.currency": "The currency (ISO 4217); by default that of the events.",
    "OrderRequest.event_id": (
        "The event of every line; if left out, the order may span events of one currency."
    ),
    "OrderRequest.idempotency_key": (
        "The caller's own name for this request: the same key and body again are the same request. Without it"
        " and the header `Idempotency-Key`, each call is a new request."
    ),
    "OrderRequest.payments": "Payments that were made with the order.",
    "OrderRequest.discount": (
        "Subtracted from the total. A total below the catalogue's needs the scope `orders.set_price`."
    ),
    "OrderRequest.expected_total": (
        "The total that the sender expects, with or without fees and tax: an order that "
        "costs something else is rejected with `price_mismatch`."
    ),
    "OrderRequest.tax": (
        "The tax, taken as given; by default the events' tax rules compute it. A total below the catalogue's"
        " needs the scope `orders.set_price`."
    ),
    "Payment.status": "Whether the money has arrived.",
    "PaymentRecord.amount": "The amount; by default the amount owed, or owed back.",
    "PaymentRecord.payment_number": "The pending payment to complete; by default a new payment is recorded.",
    "PaymentRecord.reference": "The payer's or the bank's own reference.",
    "PaymentRecord.status": "Whether the money has arrived; `pending`: not yet.",
    "Payment.created_at": "When it was recorded (RFC 3339, UTC).",
    "Payment.reference": "The payer's or the bank's own reference.",
    "PaymentRequest.amount": "The amount; by default the amount still owed, or owed back.",
    "PaymentRequest.status": "Whether the money has arrived; `pending`: not yet.",
    "RequestError.code": "The kind of reason, for programs.",
    "RequestError.field": "The field it is about, such as `line_items.0.quantity`; null for all of it.",
    "RequestError.message": "A sentence for people.",
    "RequestStatus.hold_id": "The hold that the request took; only for a processed request that took one.",
    "RequestStatus.order_id": "The order that the request created or changed; null unless it is processed.",
    "RequestStatus.status": (
        "`pending`: not processed yet, or waiting for its order. `processed`: done. `rejected`:"
        " `errors` says why"
        ". `dead`: it could not be processed, and an operator decides."
    ),
    "TicketGroup.event_id": "The event that the tickets are for, by the catalogue's id.",
    "TicketGroup.id": "The id of the new ticket class; by default a new id.",
    "TicketGroup.name": "Its name; by default section and row.",
    "TicketGroup.price": "The price at which one ticket will be sold.",
    "TicketGroup.row": "The row.",
    "TicketGroup.section": "The section.",
    "Ticket.code": "The code that a scanner verifies, offline.",
    "Ticket.created_at": "When the ticket was made (RFC 3339, UTC).",
    "Ticket.id": "The ticket's id.",
    "Ticket.seat": "The seat's label; null for a ticket without a seat.",
    "Ticket.status": "Whether the ticket is still valid for entry.",
    "OrderPatch.expected_total": (
        "The total that the sender expects after the update, with or without fees and tax: an "
        "update that makes it cost something else is rejected with `price_mismatch`."
    ),
    "OrderPatch.total_discount": (
        "The whole discount, including the promo code's, rounded half up to the currency's minor "
        "unit. A promo code that would exceed it is dropped."
    ),
    "Totals.balance": "What is still owed: total − paid + refunded. Negative when too much was paid.",
    "Totals.included_tax": "The tax included in the prices: shown, never added.",
    "Totals.paid": "The sum of the payments.",
    "Totals.refunded": "The amount that was paid back.",
    "Totals.subtotal": "The sum of the lines.",
    "Totals.total": "Subtotal + shipping + service fee + additional expense + tax − discount.",
}


def description_of(model: str, field: str) -> str | None:
    """Return the description of the model's field, or None if the model has its own."""
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
