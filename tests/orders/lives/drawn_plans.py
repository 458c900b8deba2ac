"""Random plans and their steps, as Hypothesis draws them."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import strategies as st

from schemas.json import JsonObject
from schemas.requests import EXPIRE
from tests.factories import NOW
from tests.orders.lives.plans import CLASSES, Plan, Step
from willcall.kinds import CANCEL, CHECK_IN, CREATE, EXTEND, PAY, RELEASE, TAKE, UPDATE

numbers = st.integers(0, 40)
cents = st.integers(0, 700).map(lambda amount: f"{amount // 100}.{amount % 100:02}")
amounts = st.dictionaries(st.sampled_from(["shipping", "service_fee", "discount", "tax"]), cents, max_size=2)
quantities = st.sampled_from([1, 1, 1, 2, 2, 3])


@st.composite
def items(draw: st.DrawFn, name: str) -> JsonObject:
    """A line of a ticket class."""
    item: JsonObject = {"ticket_class_id": name, "quantity": draw(quantities)}
    if name == "stalls" and draw(st.booleans()):
        seats = draw(st.lists(st.sampled_from("123456"), min_size=1, max_size=2, unique=True))
        item |= {"seats": seats, "quantity": len(seats)}
    elif draw(st.integers(0, 3)) == 0:
        item["attendees"] = [{"first_name": draw(st.sampled_from(["Ada", "Bob"]))}]
    if draw(st.integers(0, 4)) == 0:
        item["unit_price"] = draw(cents)
    return item


def lists_of_items(names: Sequence[str] = CLASSES) -> st.SearchStrategy[list[JsonObject]]:
    """One to three lines of different classes."""
    chosen = st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)
    return chosen.flatmap(lambda names: st.tuples(*(items(name) for name in names))).map(list)


@st.composite
def creates(draw: st.DrawFn, *, uses_holds: bool = True) -> Step:
    lines = draw(lists_of_items())
    if uses_holds and draw(st.integers(0, 2)) == 0:
        lines[0] = {"hold": draw(numbers)}
    words: JsonObject = {
        "buyer": {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"},
        "line_items": lines,
        "payments": draw(
            st.lists(st.sampled_from([{"type": "cash"}, {"type": "cash", "amount": "3.00"}]), max_size=1)
        ),
        **draw(amounts),
    }
    promo = draw(st.sampled_from([None, None, "TEN", "FIVE"]))
    if promo:
        words["promo_code"] = promo
    if draw(st.integers(0, 2)) == 0:
        words["payment_due_at"] = (NOW + draw(st.sampled_from([10, 30])) * timedelta(seconds=1)).isoformat()
    return Step(CREATE, words, may_set_price=draw(st.integers(0, 5)) > 0)


@st.composite
def updates(draw: st.DrawFn) -> Step:
    patch: JsonObject = draw(amounts)
    if draw(st.booleans()):
        patch["line_items"] = draw(lists_of_items())
        if draw(st.booleans()):
            patch["line_items"][0]["line_number"] = draw(st.integers(1, 2))
    if draw(st.booleans()):
        patch["buyer"] = {"first_name": draw(st.sampled_from(["Ada", "Bob"]))}
    if draw(st.integers(0, 3)) == 0:
        patch["internal_notes"] = draw(st.lists(st.sampled_from(["call", "mail"]), max_size=2))
    return Step(UPDATE, {"patch": patch}, seconds_old=draw(st.sampled_from([0, 0, 2, 5])))


@st.composite
def cancels(draw: st.DrawFn) -> Step:
    part = draw(st.sampled_from(["whole", "line", "some", "tickets"]))
    words: JsonObject = {}
    if part in ("line", "some"):
        words["lines"] = [{"line_number": draw(st.sampled_from([1, 1, 2]))}]
        if part == "some":
            words["lines"][0]["quantity"] = draw(st.integers(1, 2))
    tickets = tuple(draw(st.lists(numbers, min_size=1, max_size=2))) if part == "tickets" else ()
    return Step(CANCEL, words, tickets=tickets, seconds_old=draw(st.sampled_from([0, 0, 2])))


@st.composite
def payments(draw: st.DrawFn) -> Step:
    words: JsonObject = {"type": "cash", "is_refund": draw(st.integers(0, 3)) == 0}
    if draw(st.integers(0, 3)) == 0:
        words["payment_number"] = draw(st.integers(1, 2))
    else:
        words["status"] = draw(st.sampled_from(["completed", "completed", "pending"]))
        if draw(st.booleans()):
            words["amount"] = draw(cents)
    return Step(PAY, words)


@st.composite
def scans(draw: st.DrawFn) -> Step:
    words: JsonObject = {"undo": draw(st.integers(0, 3)) == 0}
    nonce = draw(st.sampled_from([None, "scan-1", "scan-2"]))
    if nonce:
        words["nonce"] = nonce
    return Step(CHECK_IN, words, tickets=(draw(numbers),))


@st.composite
def takes(draw: st.DrawFn) -> Step:
    name = draw(st.sampled_from(CLASSES))
    words = draw(items(name))
    words.pop("attendees", None)
    if "seats" in words and draw(st.booleans()):
        del words["quantity"]
    seconds = draw(st.sampled_from([None, None, 15, 30, 90]))
    if seconds:
        words["expires_at"] = (NOW + timedelta(seconds=seconds)).isoformat()
    return Step(TAKE, words, may_set_price=draw(st.integers(0, 5)) > 0)


@st.composite
def hold_changes(draw: st.DrawFn) -> Step:
    if draw(st.booleans()):
        return Step(RELEASE, hold=draw(numbers))
    return Step(EXTEND, {"expires_at": (NOW + timedelta(seconds=70)).isoformat()}, hold=draw(numbers))


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A request of any kind; of those on orders, some by id, some by key, some in a version."""
    kind: st.SearchStrategy[Step] = draw(
        st.sampled_from(
            [
                creates(),
                creates(),
                creates(),
                updates(),
                updates(),
                updates(),
                cancels(),
                cancels(),
                payments(),
                scans(),
                takes(),
                takes(),
                hold_changes(),
                st.just(Step(EXPIRE)),
                st.builds(
                    Step,
                    st.just("repeat"),
                    repeats=numbers,
                    repeat=st.sampled_from(["same", "another id", "another body"]),
                ),
            ]
        )
    )
    step = draw(kind)
    # Mostly one of the first, which are there.
    changes: JsonObject = {"order": draw(st.one_of(st.integers(0, 1), numbers))}
    if step.kind in (UPDATE, CANCEL, PAY):
        changes["ahead"] = draw(st.sampled_from([None, None, None, None, 0, 1, -1]))
        changes["also"] = draw(st.sampled_from([None, None, 0, 1, -1]))
        changes["seen"] = draw(st.sampled_from([None, None, 0, 1]))
    changes["is_named_by_key"] = draw(st.booleans())
    return Step(**{**step.__dict__, **changes})


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Some orders and holds, made one batch earlier, and then batches of everything."""
    first = [
        *draw(st.lists(creates(uses_holds=False), min_size=1, max_size=3)),
        *draw(st.lists(takes(), min_size=1, max_size=2)),
    ]
    rest = draw(st.lists(st.lists(steps(), min_size=2, max_size=8), min_size=1, max_size=2))
    settings = {
        "issues_tickets": draw(st.sampled_from(["on_confirmation", "on_payment"])),
        "cancels_unpaid": draw(st.booleans()),
    }
    return Plan((tuple(first), *(tuple(one) for one in rest)), settings)
