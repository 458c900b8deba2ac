"""What Zoho Backstage and we can both say is the same in either words."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.order_fields import Address, Attendee, Buyer
from schemas.order_requests import LineItemRequest, OrderRequest, PaymentRequest
from vendors.registry import translate
from vendors.zoho_backstage import DIALECT
from willcall.kinds import CREATE

# Blank text is as none at all, which these have not: tests/contract/zoho_backstage/test_leniency.py has it.
_TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200).filter(
    str.strip
)
_EMAIL = st.sampled_from(["sam@zoho.com", "peter@example.org", "Ünï@exämple.com"])
_ID = st.text("0123456789", min_size=1, max_size=19)
_MAYBE_TEXT = st.none() | _TEXT

buyers = st.builds(
    Buyer, first_name=_TEXT, last_name=_TEXT, email=_EMAIL, company=_MAYBE_TEXT, phone=_MAYBE_TEXT
)
addresses = st.builds(Address, **dict.fromkeys(Address.model_fields, _MAYBE_TEXT)).filter(
    lambda address: any(address.model_dump().values())
)
attendees = st.builds(Attendee, first_name=_MAYBE_TEXT, last_name=_MAYBE_TEXT, email=st.none() | _EMAIL)


def line(ticket_class_id: str, holders: list[Attendee]) -> LineItemRequest:
    return LineItemRequest(ticket_class_id=ticket_class_id, quantity=len(holders), attendees=tuple(holders))


lines = st.lists(
    st.builds(line, _ID, st.lists(attendees, min_size=1, max_size=4)),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.ticket_class_id,
)
orders = st.builds(
    OrderRequest,
    idempotency_key=st.none() | _ID,
    event_id=_ID,
    buyer=buyers,
    billing_address=st.none() | addresses,
    line_items=lines.map(tuple),
    payments=st.just((PaymentRequest(type="transaction_api"),)),
)


def in_zoho_words(order: OrderRequest, *, is_nested: bool) -> dict[str, Any]:
    """Return the payload of a call that asks for the order."""
    address = order.billing_address and {
        "billing_address_name": order.billing_address.name,
        "billing_address_line_1": order.billing_address.line_1,
        "billing_address_line_2": order.billing_address.line_2,
        "billing_city": order.billing_address.city,
        "billing_country": order.billing_address.country,
        "billing_state": order.billing_address.state,
        "billing_zip_code": order.billing_address.postal_code,
    }
    buyer = {
        "purchaser_first_name": order.buyer.first_name,
        "purchaser_last_name": order.buyer.last_name,
        "purchaser_email": order.buyer.email,
        "purchaser_company": order.buyer.company,
        "purchaser_mobile_no": order.buyer.phone,
    }
    return {
        "idempotency_key": order.idempotency_key,
        "portal_id": "19593237",
        "event_id": order.event_id,
        "buyer_details": buyer | ({"billing_address": address} if is_nested else {}),
        "billing_address": None if is_nested else address,
        "tickets": [
            {"ticketclass_id": item.ticket_class_id, "data": holder.model_dump()}
            for item in order.line_items
            for holder in item.attendees
        ],
    }


@settings(deadline=None)
@given(orders, st.booleans())
def test_an_order_is_the_same_after_it_was_said_in_zohos_words(order: OrderRequest, is_nested: bool) -> None:
    (payload,) = DIALECT.split(in_zoho_words(order, is_nested=is_nested))
    words, mistakes = translate("zoho_backstage", CREATE, payload)
    assert mistakes == ()
    assert OrderRequest.model_validate(words) == order


@settings(deadline=None)
@given(orders, st.randoms(use_true_random=False))
def test_the_order_of_the_tickets_is_kept_whatever_it_is(order: OrderRequest, random: Any) -> None:
    payload = in_zoho_words(order, is_nested=True)
    random.shuffle(payload["tickets"])
    words, mistakes = translate("zoho_backstage", CREATE, payload)
    assert mistakes == ()
    translated = OrderRequest.model_validate(words)
    extras = (translated.extras or {}).get("zoho_backstage", {})
    kept = extras.get("ticket_lines") or sorted(
        number for number, item in enumerate(translated.line_items, 1) for _ in item.attendees
    )
    holders = [iter(item.attendees) for item in translated.line_items]
    told = [
        {
            "ticketclass_id": translated.line_items[number - 1].ticket_class_id,
            "data": next(holders[number - 1]).model_dump(),
        }
        for number in kept
    ]
    assert told == payload["tickets"]


def test_there_are_no_words_for_other_kinds_of_requests() -> None:
    for kind in ("orders.update", "orders.cancel"):
        _, mistakes = translate("zoho_backstage", kind, {})
        assert [mistake.message for mistake in mistakes] == [
            f"the dialect zoho_backstage does not support {kind}"
        ]
