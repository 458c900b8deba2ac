"""What the intake counts in the queues is never less than what waits there, whatever happens in between."""

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from intake.quotas.queued import Queued, Sender

ANNA, BERT = Sender("demo", "anna"), Sender("demo", "bert")
CARL = Sender("other", "carl")

_MESSAGES = st.dictionaries(st.sampled_from([ANNA, BERT, CARL]), st.integers(1, 500), min_size=1)
_STEPS = st.one_of(
    st.tuples(st.just("publish"), st.lists(_MESSAGES, min_size=1, max_size=250)),
    st.tuples(st.just("publish elsewhere"), st.integers(1, 300)),
    st.tuples(st.just("take"), st.integers(1, 600)),
    st.tuples(st.just("look"), st.integers(0, 0)),
    st.tuples(st.just("find"), st.integers(0, 0)),
)


class _Play:
    """A queue, whoever publishes to it and takes from it, and an intake that looks at it now and then."""

    def __init__(self) -> None:
        self.queued = Queued()
        self.queue: deque[Counter[Sender]] = deque()
        self.is_looking = False

    def step(self, what: str, much: object) -> None:
        if what == "publish":
            assert isinstance(much, list)
            self.queue.extend(map(Counter, much))
            for one in much:
                self.queued.add("orders", one)
        elif what == "publish elsewhere":
            self.queue.extend(Counter() for _ in range(int(str(much))))
        elif what == "take":
            for _ in range(min(int(str(much)), len(self.queue))):
                self.queue.popleft()
        elif what == "look":
            self.queued.look()
            self.is_looking = True
        elif self.is_looking:
            self.queued.trim({"orders": len(self.queue)})
            self.is_looking = False

    def check(self) -> None:
        waiting: Counter[Sender] = sum(self.queue, Counter())
        for sender in (ANNA, BERT, CARL):
            assert self.queued.of_key(sender.key) >= waiting[sender]
        assert self.queued.of_tenant("demo") >= waiting[ANNA] + waiting[BERT]
        assert self.queued.of_tenant("demo") == self.queued.of_key("anna") + self.queued.of_key("bert")
        assert self.queued.in_all() >= waiting.total()


@given(st.lists(_STEPS, max_size=60))
def test_no_less_is_counted_than_waits_and_nothing_when_nothing_waits(
    steps: list[tuple[str, object]],
) -> None:
    play = _Play()
    for what, much in steps:
        play.step(what, much)
        play.check()

    play.queue.clear()
    play.step("look", 0)
    play.step("find", 0)

    assert [play.queued.of_key(one.key) for one in (ANNA, BERT, CARL)] == [0, 0, 0]
    assert play.queued.in_all() == 0


@given(st.integers(1, 2_000), st.integers(0, 2_000))
def test_what_was_taken_is_forgotten_but_for_one_bundle_of_messages(published: int, waiting: int) -> None:
    queued = Queued()
    for _ in range(published):
        queued.add("orders", {ANNA: 3})
    queued.look()

    queued.trim({"orders": waiting})

    assert min(published, waiting) * 3 <= queued.of_key("anna") <= min(published, waiting + 99) * 3


def test_each_queue_is_counted_for_itself() -> None:
    queued = Queued()
    queued.add("orders.share.1", {ANNA: 5})
    queued.add("orders.share.2", {CARL: 7})
    queued.look()

    queued.trim({"orders.share.1": 0, "orders.share.2": 1})

    assert (queued.of_tenant("demo"), queued.of_tenant("other"), queued.in_all()) == (0, 7, 7)


def test_messages_of_others_are_taken_to_be_as_large_as_ours() -> None:
    queued = Queued()
    queued.look()
    queued.trim({"orders": 40})
    assert queued.in_all() == 40

    for _ in range(2):
        queued.add("orders", {ANNA: 25})
    queued.look()
    queued.trim({"orders": 42})

    assert queued.in_all() == 42 * 25


def test_what_is_under_way_counts_once_whatever_becomes_of_it() -> None:
    queued = Queued()
    queued.begin(ANNA, 500)
    assert (queued.of_key("anna"), queued.of_tenant("demo"), queued.in_all()) == (500, 500, 500)

    queued.add("orders", {ANNA: 500})
    assert (queued.of_key("anna"), queued.of_tenant("demo"), queued.in_all()) == (500, 500, 500)

    queued.begin(ANNA, 7)
    queued.give_up(ANNA, 7)
    assert queued.of_key("anna") == 500

    queued.look()
    queued.trim({"orders": 0})
    assert (queued.of_key("anna"), queued.of_tenant("demo"), queued.in_all()) == (0, 0, 0)


def test_a_broker_that_never_tells_takes_no_memory_without_end() -> None:
    queued = Queued(most_bundles=10)
    for _ in range(2_100):
        queued.add("orders", {ANNA: 1})

    assert queued.of_key("anna") == 1_000
