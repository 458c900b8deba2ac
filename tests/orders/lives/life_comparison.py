"""Whether the rows of the database are what the model of lives has."""

from typing import Any

from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from sqlalchemy import Connection, Engine, text

from schemas.json import JsonObject
from tests.orders.lives.life_model import Model
from tests.orders.lives.life_money import paid_and_refunded, payment_status
from tests.orders.lives.life_terms import CLASSES, FEES, cents, money
from tests.orders.lives.life_tickets import valid
from tests.orders.lives.pure_core import PureCore, state_of


class Compared(RuleBasedStateMachine):
    """What is compared after every step, part by part."""

    engine: Engine
    model: Model
    pure: PureCore

    def compare_orders(self, connection: Connection) -> None:
        rows = connection.execute(text("SELECT * FROM orders")).mappings().all()
        assert {row["idempotency_key"] for row in rows} == self.model.orders.keys()
        by_id: dict[Any, JsonObject] = {}
        for row in rows:
            order = self.model.orders[row["idempotency_key"]]
            order["id"] = str(row["id"])
            by_id[row["id"]] = order
            paid, refunded = paid_and_refunded(order)
            expected: JsonObject = {
                "status": order["status"],
                "version": order["version"],
                "last_sequence": order["sequence"],
                "payment_status": payment_status(order),
                "buyer_first_name": order["buyer"],
            }
            assert (row["payment_due_at"], row["paid_in_full_at"] is not None) == (
                order["due"],
                order["was_paid"],
            )
            amounts = {
                **{name: order[name] for name in ("subtotal", "tax", "discount", "total")},
                **order["fees"],
                "paid": paid,
                "refunded": refunded,
            }
            expected |= {name: money(amount) for name, amount in amounts.items()}
            assert {
                name: row[name] if type(row[name]) is int else str(row[name]) for name in expected
            } == expected
            parts = sum(row[name] for name in ("subtotal", *FEES, "tax"))
            assert row["total"] == parts - row["discount"]
        self.compare_parts(connection, by_id)

    def compare_parts(self, connection: Connection, orders: dict[Any, JsonObject]) -> None:
        lines: dict[Any, JsonObject] = {id: {} for id in orders}
        query = """SELECT order_id, line_number, external_id, quantity, unit_price, tax_rate
            FROM order_lines JOIN ticket_classes c ON c.id = ticket_class_id"""
        for row in connection.execute(text(query)):
            lines[row.order_id][row.line_number] = {
                "class": row.external_id,
                "quantity": row.quantity,
                "price": cents(row.unit_price),
                "tax": None if row.tax_rate is None else int(row.tax_rate * 100),
            }
        payments: dict[Any, JsonObject] = {id: {} for id in orders}
        for row in connection.execute(text("SELECT * FROM payments")):
            payments[row.order_id][row.payment_number] = {
                "cents": cents(row.amount),
                "status": row.status,
                "is_refund": row.is_refund,
            }
        places: dict[Any, JsonObject] = {id: {} for id in orders}
        for row in connection.execute(text("SELECT * FROM order_changes WHERE place IS NOT NULL")):
            places[row.order_id][row.change_number] = (row.place.int, row.request_id.int)
        sequences: dict[Any, list[int]] = {id: [] for id in orders}
        for row in connection.execute(text("SELECT subject, sequence FROM event_messages ORDER BY 1, 2")):
            sequences.get(row.subject, []).append(row.sequence)  # a rejection has a subject of its own
        for id, order in orders.items():
            assert lines[id] == order["lines"]
            assert payments[id] == order["payments"]
            assert places[id] == {one["version"]: (one["place"], one["id"]) for one in order["changes"]}
            assert sequences[id] == list(range(1, order["sequence"] + 1))

    def compare_tickets(self, connection: Connection) -> None:
        query = """SELECT t.*, s.label, c.external_id FROM tickets t
            JOIN ticket_classes c ON c.id = t.ticket_class_id LEFT JOIN seats s ON s.id = seat_id
            ORDER BY t.line_number, t.id"""
        found: dict[str, list[Any]] = {}
        for row in connection.execute(text(query)):
            found.setdefault(str(row.order_id), []).append(row)
        for order in self.model.orders.values():
            tickets = sorted(order["tickets"], key=lambda ticket: (ticket["line"], ticket["number"]))
            for ticket, row in zip(tickets, found[order["id"]], strict=True):
                if ticket["id"] is None:
                    assert row.code not in {one["code"] for one in tickets}
                    ticket["id"], ticket["code"] = str(row.id), row.code
                    ticket["seat"] = ticket["seat"] or row.label
                assert (ticket["id"], ticket["code"]) == (str(row.id), row.code)
                assert ticket["seat"] == row.label
                assert (ticket["line"], ticket["class"]) == (row.line_number, row.external_id)
                assert (ticket["status"], ticket["name"]) == (row.status, row.attendee_first_name)
            for number, line in order["lines"].items():
                assert sum(ticket["line"] == number for ticket in valid(order)) == line["quantity"]

    def compare_inventory(self, connection: Connection) -> None:
        seats: dict[str, list[str]] = {}
        for row in connection.execute(text("SELECT hold_id, label FROM seats WHERE hold_id IS NOT NULL")):
            seats.setdefault(str(row.hold_id), []).append(row.label)
        late = dict.fromkeys(CLASSES, 0)
        holds = connection.execute(text("SELECT * FROM holds")).all()
        assert {str(row.id) for row in holds} == self.model.holds.keys()
        for row in holds:
            hold = self.model.holds[str(row.id)]
            is_late = row.status == "held" and not self.model.runs(hold)
            late[hold["class"]] += row.quantity * is_late
            assert hold["status"] == row.status or (hold["status"], row.status) == ("held", "expired")
            if hold["class"] == "stalls" and self.model.runs(hold):
                hold["seats"] = hold["seats"] or tuple(sorted(seats[str(row.id)]))
                assert sorted(hold["seats"]) == sorted(seats[str(row.id)])
        for row in connection.execute(text("SELECT * FROM ticket_classes")):
            name = row.external_id
            assert row.sold == self.model.sold(name)
            # What is over is given back as soon as somebody asks for the class.
            assert row.held == self.model.held(name) + late[name]
            assert row.sold + self.model.held(name) + self.model.free(name) == row.capacity
        taken = self.model.taken_seats("stalls")
        assert len(set(taken)) == len(taken)

    def compare_pure(self, connection: Connection) -> None:
        """The decisions in memory have made the same of everything, to the last word."""
        orders = self.model.orders.values()
        tickets = [
            (order["key"], ticket["id"], ticket["code"])
            for order in orders
            for ticket in sorted(order["tickets"], key=lambda ticket: (ticket["line"], ticket["number"]))
        ]
        self.pure.learn({order["key"]: order["id"] for order in orders}, tickets)
        expected, found = state_of(connection, self.model.now), self.pure.state(self.model.now)
        assert found.keys() == expected.keys()
        for key, order in expected.pop("orders").items():
            assert found["orders"].pop(key) == order
        assert found.pop("orders") == {}
        assert found == expected
