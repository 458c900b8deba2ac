"""Which safeguards are switched off, what brings it out, and by which checks the oracle is to cry."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.faults.buying import lives
from tests.faults.kinds.all_kinds import KINDS
from tests.faults.kinds.kind import Inject, Kind
from tests.faults.mutating.loads import MakeLife, crowd, late_holds, promo_codes, rush, seats
from tests.faults.system.stage import BROKERS, VALKEY, Stage

_TURNS: Final = 15


def _kind(name: str, inject: Inject, *lasts: float) -> Kind:
    return Kind(name, contextmanager(inject), BROKERS, (lasts[0], lasts[-1]), 0, lambda: True)


def _nothing(stage: Stage, rng: Random) -> Iterator[str]:
    yield "there is load, and no fault"


def _silent_relay(stage: Stage, rng: Random) -> Iterator[str]:
    links = stage.links_of(rng.choice(stage.of("relay")), "broker")
    for link in links:
        link.is_silent_up = True
    yield f"nothing passes up {links[0].name}"
    for link in links:
        link.is_silent_up = False


def _read_only_now_and_then(stage: Stage, rng: Random) -> Iterator[str]:
    # What fails while the database is read-only is written as a failure when it is not.
    for _ in range(_TURNS):
        stage.primary.set(default_transaction_read_only="on")
        time.sleep(rng.uniform(0.05, 0.2))
        stage.primary.reset("default_transaction_read_only")
        time.sleep(rng.uniform(0.0, 0.1))
    yield f"the database was read-only {_TURNS} times"


LOAD: Final = _kind("load without a fault", _nothing, 1.5)
_LONG_LOAD: Final = _kind("long load without a fault", _nothing, 36.0)
_OFTEN_READ_ONLY: Final = _kind("the database is read-only now and then", _read_only_now_and_then, 0.0)
SILENT_RELAY: Final = _kind("the wire of a relay passes nothing up", _silent_relay, 1.0)


def _anything() -> MakeLife:
    return lives.make_life


def _only_repriced() -> MakeLife:
    return lives.repriced


@dataclass(frozen=True)
class Scene:
    """One safeguard, or several that cover each other, switched off."""

    name: str
    off: str
    """What is switched off, in words."""
    mutation: str
    """Names of `mutations.MUTATIONS`, with a comma between them; none where only the database is changed."""
    role: str
    """The processes that lack the safeguard."""
    faults: tuple[Kind, ...]
    """Injected one after the other, until the oracle cries."""
    cries: frozenset[str]
    """The checks of the oracle that find it, each of them; none where another safeguard covers it."""
    brokers: tuple[str, ...] = BROKERS
    load: Callable[[], MakeLife] = _anything
    is_crowd: bool = False
    """Whether all producers ask for several changes of an order at once."""
    without: tuple[tuple[str, str], ...] = ()
    """Tables, and constraints or unique indexes of theirs that are dropped."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Variables of the role's processes, with the safeguard and without it."""
    is_quick: bool = False
    """Whether it is played in the short form of the tests."""


def _cries(*names: str) -> frozenset[str]:
    return frozenset(names)


_OVERSOLD: Final = _cries("nothing_is_oversold_and_the_inventory_adds_up")
_LOST: Final = _cries("every_accepted_request_has_one_outcome")
_SILENT: Final = _cries("every_event_has_left_in_order")
_UNLIKE: Final = _cries("every_order_is_as_its_requests_say")
_NEVER_OVERSOLD: Final = ("ticket_classes", "ticket_classes_never_oversold_check")
_ONE_TICKET_A_SEAT: Final = ("tickets", "tickets_one_valid_ticket_a_seat")
_NUMBERS: Final = (
    ("order_changes", "order_changes_pkey"),
    ("event_messages", "event_messages_pkey"),
    ("outbox", "outbox_pkey"),
    ("payments", "payments_pkey"),
)

_STOPPED_IN_A_BATCH: Final = KINDS["stopped in a batch"]
_BROKER_KILLED: Final = KINDS["the broker is killed"]

# A request's first failure is its last: who counts the system's failures as such is found at once.
_ONE_ATTEMPT: Final = {"WILLCALL_MAX_ATTEMPTS": 1}

SCENES: Final = (
    Scene(
        "inbox",
        "a request that comes again is processed again",
        "processes_repeats",
        "worker",
        (LOAD,),
        _cries("every_order_is_there_once"),
        load=seats,
        is_quick=True,
    ),
    Scene(
        "confirms of the intake",
        "a publish of the intake returns before the broker has the request",
        "does_not_await_confirms",
        "intake",
        (_BROKER_KILLED,),
        _LOST,
    ),
    Scene(
        "confirms of the relay",
        "a publish of the relay returns before the broker has the event message",
        "does_not_await_confirms",
        "relay",
        (_BROKER_KILLED,),
        _SILENT,
    ),
    Scene(
        "atomic reserve",
        "a worker pops a message, and notes later that it has it",
        "notes_reserved_later",
        "worker",
        (KINDS["a process is killed: worker"],),
        _LOST,
        (VALKEY,),
        load=seats,
    ),
    Scene(
        "acknowledgement after the commit",
        "a worker acknowledges what it has not committed",
        "acknowledges_first",
        "worker",
        (KINDS["killed in a batch"],),
        _LOST,
        is_quick=True,
        load=seats,
    ),
    Scene(
        "row lock and check constraint",
        "ticket classes are read without a lock, and may be oversold",
        "reads_stock_without_lock",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _OVERSOLD,
        load=rush,
        without=(_NEVER_OVERSOLD,),
        is_quick=True,
    ),
    Scene(
        "row lock alone",
        "ticket classes are read without a lock; the constraint refuses what is too much, and it is retried",
        "reads_stock_without_lock",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _cries(),
        load=rush,
    ),
    Scene(
        "check constraint alone",
        "ticket classes may be oversold; the lock sees to it that nobody does",
        "",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _cries(),
        load=rush,
        without=(_NEVER_OVERSOLD,),
    ),
    Scene(
        "row lock and index of seats",
        "seats are chosen without a lock, and may have several tickets",
        "reads_stock_without_lock",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _OVERSOLD,
        load=seats,
        without=(_ONE_TICKET_A_SEAT,),
    ),
    Scene(
        "lock and constraint of promo codes",
        "promo codes are read without a lock, and may be used too often",
        "reads_stock_without_lock,reads_promo_codes_without_lock",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _cries("promo_codes_are_used_as_often_as_they_may"),
        load=promo_codes,
        without=(("promo_codes", "promo_codes_never_overused_check"),),
    ),
    Scene(
        "end of holds",
        "what a hold holds whose time is over is not given back",
        "forgets_late_holds",
        "worker",
        (_LONG_LOAD,),
        _cries("holds_end_in_time"),
        load=late_holds,
    ),
    Scene(
        "order lock and numbers",
        "orders are read without a lock to be changed, and numbers of their changes may come twice",
        "reads_orders_without_lock",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _UNLIKE,
        load=crowd,
        is_crowd=True,
        without=_NUMBERS,
    ),
    Scene(
        "order lock alone",
        "orders are read without a lock to be changed; the keys of the changes refuse one that is late",
        "reads_orders_without_lock",
        "worker",
        (_STOPPED_IN_A_BATCH,),
        _cries(),
        load=crowd,
        is_crowd=True,
    ),
    Scene(
        "claim order of the relay",
        "a relay takes any event message, and not those of a subject together",
        "relays_take_any_event",
        "relay",
        (SILENT_RELAY,),
        _SILENT,
        load=crowd,
    ),
    Scene(
        "publish before the mark",
        "a relay marks event messages as sent, and then sends them",
        "marks_before_it_publishes",
        "relay",
        (_BROKER_KILLED,),
        _SILENT,
    ),
    Scene(
        "frozen terms",
        "an update prices with today's catalogue",
        "prices_with_todays_catalogue",
        "worker",
        (KINDS["a price in the catalogue changes"],),
        _UNLIKE,
        load=_only_repriced,
    ),
    Scene(
        "breaker on a read-only database",
        "a database that takes nothing is taken for the fault of requests",
        "blames_requests",
        "worker",
        (_OFTEN_READ_ONLY,),
        _cries("nothing_is_left_over"),
        settings=_ONE_ATTEMPT,
    ),
    Scene(
        "breaker on cancelled statements",
        "a database that ends statements is taken for the fault of requests",
        "blames_requests",
        "worker",
        (KINDS["statements are cancelled"],),
        _cries("nothing_is_left_over"),
        settings=_ONE_ATTEMPT,
    ),
    Scene(
        "fencing of a late worker",
        "a worker that was stopped in its transaction goes on with it, whoever did its work meanwhile",
        "claims_at_the_end,forgets_no_session",
        "worker",
        (KINDS["stopped for longer than timeouts in a batch"],),
        _cries("every_order_is_there_once"),
        (VALKEY,),
    ),
    Scene(
        "one transaction",
        "claims are committed before their effects",
        "commits_claims_first",
        "worker",
        (KINDS["killed in a batch"],),
        _cries("every_order_is_there_once"),
        load=seats,
    ),
)
