"""What the gate hears of a ticket."""

from uuid import UUID

from sqlalchemy import Engine

from db.ids import new_id
from orders.catalogue.ticket_codes import TicketKey, code_scope
from tests.factories import NOW, codes, load, make_request, place, read, rows, run
from tests.orders.processing import process_one
from willcall.kinds import CANCEL, CHECK_IN


def test_the_same_scan_once_more_is_no_second_use(engine: Engine) -> None:
    load(engine)
    order_id = place(engine, quantity=2)
    code = read(engine, order_id)["tickets"][0]["code"]
    for _ in range(2):
        assert process_one(engine, CHECK_IN, code=code, nonce="gate 1, scan 7").status == "processed"
    used = process_one(engine, CHECK_IN, code=code, nonce="gate 2, scan 1")
    assert codes(used) == ["already_checked_in"]
    assert NOW.isoformat()[:16] in used.errors[0].message
    order = read(engine, order_id)
    assert order["check_in"] == {"status": "partially_checked_in", "checked_in": 1, "tickets": 2}
    assert order["version"] == 2
    assert rows(engine, "SELECT type FROM event_messages WHERE sequence > 1") == [("ticket.checked_in",)]


def test_a_use_can_be_undone(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    code = read(engine, order_id)["tickets"][0]["code"]
    process_one(engine, CHECK_IN, code=code)
    for _ in range(2):
        assert process_one(engine, CHECK_IN, code=code, undo=True).status == "processed"
    order = read(engine, order_id)
    assert (order["check_in"]["status"], order["tickets"][0]["checked_in_at"]) == ("not_checked_in", None)
    assert process_one(engine, CHECK_IN, code=code).status == "processed"


def test_the_gate_hears_why_a_ticket_is_not_good(engine: Engine) -> None:
    load(engine)
    load(engine, tenant="other")
    order_id = place(engine, quantity=2)
    first, second = read(engine, order_id)["tickets"]
    assert codes(process_one(engine, CHECK_IN, code=first["code"], event_id="opera")) == ["wrong_event"]
    assert process_one(engine, CHECK_IN, code=first["code"], event_id="concert").status == "processed"
    process_one(engine, CANCEL, order_id=str(order_id), ticket_ids=[str(second["id"])])
    assert codes(process_one(engine, CHECK_IN, code=second["code"])) == ["ticket_voided"]
    assert codes(process_one(engine, CHECK_IN, code=second["code"], undo=True)) == ["ticket_voided"]
    assert codes(process_one(engine, CHECK_IN, ticket_id=str(new_id()))) == ["unknown_ticket"]
    tampered = first["code"][:-4] + ("AAAA" if first["code"][-4:] != "AAAA" else "BBBB")
    for forged in (tampered, _signed_by_a_stranger(first["id"]), "no code", "ünïcode", ""):
        assert codes(process_one(engine, CHECK_IN, code=forged)) == ["forged_ticket"]
    foreign = run(engine, make_request(tenant="other"))[0].order_id
    assert foreign is not None
    foreign_code = read(engine, foreign)["tickets"][0]["code"]
    assert codes(process_one(engine, CHECK_IN, code=foreign_code)) == ["unknown_ticket"]


def _signed_by_a_stranger(ticket_id: UUID) -> str:
    scope = code_scope(event_id=new_id(), ticket_class_id=new_id(), valid_from=NOW, valid_until=NOW)
    return TicketKey.generate().sign(ticket_id.bytes, scope)


def test_a_ticket_of_a_cancelled_order_is_voided_at_the_gate(engine: Engine) -> None:
    load(engine)
    order_id = place(engine)
    code = read(engine, order_id)["tickets"][0]["code"]
    process_one(engine, CANCEL, order_id=str(order_id))
    assert codes(process_one(engine, CHECK_IN, code=code)) == ["ticket_voided"]
