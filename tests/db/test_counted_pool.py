"""The pool knows who waits for one of its connections."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from db.counted_pool import pool_of
from db.engine import make_engine
from tests.processes import PATIENCE_SECONDS, wait_until
from worker.runtime import embedded


def test_callers_without_a_connection_are_counted_until_they_have_one(home: Path) -> None:
    engine = make_engine(embedded.database_url(home), pool_size=1, max_overflow=1)
    with ThreadPoolExecutor(3) as threads:
        try:
            held = [engine.connect() for _ in range(2)]
            assert pool_of(engine).waiting == 0
            others = [threads.submit(lambda: engine.connect().close()) for _ in range(3)]
            wait_until(lambda: pool_of(engine).waiting == 3, what="three callers that wait")
            assert (pool_of(engine).limit, pool_of(engine).checkedout()) == (2, 2)
            for connection in held:
                connection.close()
            for other in others:
                other.result(PATIENCE_SECONDS)
            assert (pool_of(engine).waiting, pool_of(engine).checkedout()) == (0, 0)
        finally:
            engine.dispose()


def test_a_pool_that_replaced_another_counts_as_well(home: Path) -> None:
    engine = make_engine(embedded.database_url(home), pool_size=1, max_overflow=0)
    try:
        before = pool_of(engine)
        engine.dispose()
        with engine.connect():
            assert pool_of(engine) is not before
            assert (pool_of(engine).limit, pool_of(engine).checkedout(), pool_of(engine).waiting) == (1, 1, 0)
    finally:
        engine.dispose()
