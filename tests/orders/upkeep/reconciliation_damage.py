"""Statements that damage the books, each with the rules of reconciliation that find it."""

from typing import Final


def _order(reference: str) -> str:
    return f"(SELECT id FROM orders WHERE reference = '{reference}')"


DAMAGE: Final = [
    # A cancelled order with valid tickets: either side.
    (
        f"UPDATE tickets SET status = 'valid' WHERE order_id = {_order('cancelled')}",
        "cancelled_order_with_valid_tickets",
    ),
    (
        "UPDATE orders SET status = 'cancelled', cancelled_at = now() WHERE reference = 'given'",
        "cancelled_order_with_valid_tickets",
    ),
    ("UPDATE orders SET cancelled_at = NULL WHERE reference = 'cancelled'", "cancellation_incomplete"),
    ("UPDATE orders SET status = 'placed' WHERE reference = 'cancelled'", "cancellation_incomplete"),
    # A payment status that does not follow, of every status.
    *(
        (
            f"UPDATE orders SET payment_status = '{status}' WHERE reference = '{reference}'",
            "wrong_payment_status",
        )
        for reference, statuses in {
            "seated": ("paid", "partially_paid", "refunded"),
            "changed": ("unpaid", "paid", "refunded"),
            "paid": ("unpaid", "partially_paid", "refunded"),
            "free": ("unpaid", "refunded"),
            "cancelled": ("paid", "partially_paid", "refunded"),
            "refunded": ("unpaid", "paid"),
        }.items()
        for status in statuses
    ),
    ("UPDATE orders SET status = 'cancelled' WHERE reference = 'refunded'", "wrong_payment_status"),
    ("UPDATE orders SET status = 'refunded' WHERE reference = 'cancelled'", "wrong_payment_status"),
    # An order without its row of the inbox.
    (f"DELETE FROM requests WHERE order_id = {_order('free')}", "order_without_request"),
    (
        f"UPDATE requests SET idempotency_key = 'another' WHERE order_id = {_order('free')}",
        "order_without_request",
    ),
    # An event message that is gone: before it was sent, or after; the first, one between, the last.
    (f"DELETE FROM event_messages WHERE subject = {_order('free')}", "order_without_event_message"),
    (
        f"DELETE FROM event_messages WHERE sequence = 1 AND subject = {_order('refunded')}",
        "order_without_event_message",
    ),
    (
        f"DELETE FROM event_messages WHERE sequence = 2 AND subject = {_order('refunded')}",
        "order_without_event_message",
    ),
    (
        f"DELETE FROM event_messages WHERE type = 'payment.recorded' AND sequence > 2"
        f" AND subject = {_order('refunded')}",
        "order_without_event_message",
    ),
    (
        f"UPDATE event_messages SET sequence = 9 WHERE subject = {_order('free')}",
        "order_without_event_message event_message_never_sent",
    ),
    (
        "UPDATE event_messages SET subject = gen_random_uuid() WHERE type = 'order.rejected'",
        "rejection_without_event_message event_message_of_nothing event_message_never_sent",
    ),
    ("DELETE FROM event_messages WHERE type = 'order.rejected'", "rejection_without_event_message"),
    (f"DELETE FROM sent_marks WHERE subject = {_order('free')}", "event_message_never_sent"),
    (
        f"UPDATE sent_marks SET sequence = sequence - 1 WHERE subject = {_order('refunded')}",
        "event_message_never_sent",
    ),
    (
        "INSERT INTO outbox SELECT id, 9, now() FROM orders WHERE reference = 'free'",
        "outbox_row_without_event_message",
    ),
    # The type of an event message: the first one's, a cancellation's, one too many, and each of the others.
    *(
        (
            f"UPDATE event_messages SET type = '{to}' WHERE type = '{type_}'"
            f" AND subject = {_order(reference)}",
            "wrong_event_type",
        )
        for reference, type_, to in (
            ("free", "order.confirmed", "order.updated"),
            ("free", "order.confirmed", "order.cancelled"),
            ("free", "order.confirmed", "order.rejected"),
            ("free", "order.confirmed", "reconciliation.discrepancy_found"),
            ("cancelled", "order.cancelled", "order.updated"),
            ("cancelled", "ticket.voided", "ticket.issued"),
            ("refunded", "order.cancelled", "order.confirmed"),
            ("refunded", "payment.recorded", "order.updated"),
            ("changed", "order.updated", "order.cancelled"),
            ("changed", "order.updated", "payment.recorded"),
            ("changed", "order.updated", "ticket.checked_in"),
            ("paid", "ticket.checked_in", "payment.recorded"),
        )
    ),
    (f"DELETE FROM order_changes WHERE order_id = {_order('changed')}", "history_differs_from_version"),
    # A ticket without a code, whatever became of it.
    (f"UPDATE tickets SET code = NULL WHERE order_id = {_order('free')}", "ticket_without_code"),
    (f"UPDATE tickets SET code = NULL WHERE order_id = {_order('due')}", "ticket_without_code"),
    (f"UPDATE tickets SET code = NULL WHERE order_id = {_order('paid')}", "ticket_without_code"),
    # A ticket of another class than its line: either side, in its event or in another.
    *(
        (
            f"UPDATE {table} SET ticket_class_id = (SELECT id FROM ticket_classes"
            f" WHERE external_id = '{name}') WHERE order_id = {_order('due')}",
            rules,
        )
        for table, name, rules in (
            ("tickets", "balcony", "ticket_of_another_class"),
            ("tickets", "stalls", "ticket_of_another_class"),
            ("tickets", "opera-1", "ticket_of_another_class"),
            ("order_lines", "balcony", "ticket_of_another_class"),
        )
    ),
    (
        f"UPDATE order_lines SET event_id = (SELECT id FROM events WHERE external_id = 'play')"
        f" WHERE order_id = {_order('given')}",
        "line_of_another_event",
    ),
    # The tax of a line, by every way of rounding; by the line it is exact, by the sum the spread is, too.
    *(
        (
            f"UPDATE order_lines SET tax = tax {by} WHERE line_number = {line}"
            f" AND order_id = {_order(reference)}",
            "wrong_line_tax",
        )
        for reference in ("opera", "ballet", "musical", "play")
        for line in (1, 2, 3)
        for by in ("+ 0.01", "- 0.01", "+ 1")
    ),
    (f"UPDATE order_lines SET tax = 0.01 WHERE order_id = {_order('seated')}", "wrong_line_tax"),
    (f"UPDATE order_lines SET tax = 0.01 WHERE order_id = {_order('given')}", "wrong_line_tax"),
    (f"UPDATE order_lines SET tax = 0.01 WHERE order_id = {_order('cancelled')}", "wrong_line_tax"),
    *(
        (
            f"UPDATE orders SET tax = tax + 1, total = total + 1 WHERE reference = '{reference}'",
            "tax_differs_from_lines",
        )
        for reference in ("opera", "ballet", "given", "seated")
    ),
    (
        "UPDATE orders SET included_tax = included_tax - 0.01 WHERE reference = 'musical'",
        "tax_differs_from_lines",
    ),
    # A seat that is free and sold, and other contradictions of seats.
    (
        f"UPDATE seats SET is_taken = false WHERE id IN (SELECT seat_id FROM tickets"
        f" WHERE order_id = {_order('seated')})",
        "seat_free_but_sold seat_free_but_sold",
    ),
    (
        "UPDATE seats SET is_taken = false WHERE hold_id IS NOT NULL",
        "seat_free_but_held seat_free_but_held",
    ),
    ("UPDATE seats SET is_taken = true WHERE label = '19'", "seat_taken_without_ticket"),
    (
        f"UPDATE seats SET hold_id = (SELECT id FROM holds WHERE status = 'used') WHERE id IN"
        f" (SELECT seat_id FROM tickets WHERE order_id = {_order('holder')})",
        "seat_sold_and_held seat_sold_and_held",
    ),
    (
        "UPDATE seats SET hold_id = NULL WHERE hold_id IS NOT NULL",
        "seat_taken_without_ticket seat_taken_without_ticket seats_differ_from_hold",
    ),
    (
        f"WITH seat AS (UPDATE seats SET is_taken = false WHERE id IN (SELECT seat_id FROM tickets"
        f" WHERE order_id = {_order('seated')}))"
        f" UPDATE tickets SET seat_id = NULL WHERE order_id = {_order('seated')}",
        "ticket_without_seat ticket_without_seat",
    ),
    # A hold that is counted twice: used and still held, in either way.
    ("UPDATE holds SET status = 'held' WHERE status = 'used'", "hold_counted_twice"),
    (
        "WITH hold AS (UPDATE holds SET status = 'held' WHERE status = 'used')"
        " UPDATE ticket_classes SET held = held + 2 WHERE external_id = 'stalls'",
        "hold_counted_twice",
    ),
    ("UPDATE holds SET status = 'released' WHERE status = 'used'", "hold_counted_twice"),
    ("UPDATE holds SET order_id = NULL WHERE status = 'used'", "used_hold_without_order"),
    ("UPDATE holds SET order_id = gen_random_uuid() WHERE status = 'used'", "used_hold_without_order"),
    ("UPDATE ticket_classes SET held = held + 1 WHERE external_id = 'balcony'", "held_differs_from_holds"),
    ("UPDATE ticket_classes SET sold = sold + 1 WHERE external_id = 'balcony'", "sold_differs_from_tickets"),
    (f"DELETE FROM tickets WHERE order_id = {_order('due')}",
        "tickets_differ_from_quantity sold_differs_from_tickets"),
    # The uses of a promo code that drifted from the orders that use it: either side.
    *(
        (damage, "promo_code_uses_differ_from_orders")
        for damage in (
            "UPDATE promo_codes SET used = used + 1 WHERE code = 'FIVE'",
            "UPDATE promo_codes SET used = used - 1 WHERE code = 'FIVE'",
            "UPDATE promo_codes SET used = 1 WHERE code = 'TEN'",
            "UPDATE orders SET promo_terms = NULL WHERE reference = 'promo'",
            "UPDATE orders SET promo_terms = '[]' WHERE reference = 'promo'",
            """UPDATE orders SET promo_terms = (promo_terms::jsonb #- '{0,is_returned}')::json
                WHERE status = 'cancelled' AND promo_code = 'FIVE'""",
        )
    ),
    # A balance that does not follow: from its parts, from what was told, from its payments.
    *(
        (
            f"UPDATE orders SET {name} = {name} + 1, total = total {by} 1 WHERE reference = 'paid'",
            "amounts_differ_from_event_message" + more,
        )
        for name, by, more in (
            ("shipping", "+", " wrong_payment_status"),
            ("service_fee", "+", " wrong_payment_status"),
            ("additional_expense", "+", " wrong_payment_status"),
            ("discount", "-", ""),
        )
    ),
    ("UPDATE orders SET subtotal = subtotal + 1, total = total + 1 WHERE reference = 'due'",
        "total_differs_from_lines"),
    ("UPDATE orders SET paid = paid + 1 WHERE reference = 'changed'", "paid_differs_from_payments"),
    ("UPDATE orders SET paid = paid + 1 WHERE reference = 'due'", "paid_differs_from_payments"),
    (f"UPDATE payments SET amount = amount + 1 WHERE order_id = {_order('changed')}",
        "paid_differs_from_payments"),
    (f"UPDATE payments SET status = 'pending' WHERE order_id = {_order('changed')}",
        "paid_differs_from_payments"),
    (f"DELETE FROM payments WHERE order_id = {_order('changed')}", "paid_differs_from_payments"),
    ("UPDATE orders SET refunded = refunded + 1 WHERE reference = 'refunded'",
        "refunded_differs_from_refunds"),
    (f"UPDATE payments SET payment_number = 3 WHERE order_id = {_order('changed')}", "payment_missing"),
    (
        "WITH refund AS (UPDATE payments SET amount = 50 WHERE is_refund"
        f" AND order_id = {_order('refunded')})"
        " UPDATE orders SET refunded = 50 WHERE reference = 'refunded'",
        "balance_does_not_follow",
    ),
    ("UPDATE orders SET expires_at = NULL WHERE reference = 'due'", "expires_at_does_not_follow"),
    ("UPDATE orders SET expires_at = now() WHERE reference = 'paid'", "expires_at_does_not_follow"),
    (
        f"UPDATE requests SET order_id = gen_random_uuid() WHERE kind = 'orders.cancel'"
        f" AND order_id = {_order('cancelled')}",
        "request_without_order",
    ),
]  # fmt: skip
