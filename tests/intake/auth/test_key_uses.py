"""Keys expire to the second, and say when they were last used; noting that is in nobody's way."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Engine, text

from db.engine import make_engine
from intake.auth.authentication import Authenticator
from intake.auth.keys import NewKey, create_key
from intake.auth.last_uses import LastUses
from tests.intakes import Intake
from tests.processes import PATIENCE_SECONDS, wait_until


def _now() -> datetime:
    return datetime.now(UTC)


def _key(intake: Intake, *scopes: str, expires_at: datetime | None = None) -> NewKey:
    with intake.engine.begin() as connection:
        return create_key(connection, "demo", scopes or ["admin"], _now(), expires_at=expires_at)


def _used_at(engine: Engine, key_id: UUID) -> Any:
    query = text("SELECT last_used_at FROM api_keys WHERE id = :id")
    with engine.connect() as connection:
        return connection.execute(query, {"id": key_id}).scalar_one()


def _call(intake: Intake, key: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return httpx.get(f"{intake.url}/v1/orders", headers=headers, timeout=PATIENCE_SECONDS)


def test_a_key_opens_until_it_expires(intake: Intake) -> None:
    over = _key(intake, expires_at=_now() - timedelta(seconds=1))
    good = _key(intake, expires_at=_now() + timedelta(days=1))

    assert _call(intake, good.key).status_code == 200
    refused = _call(intake, over.key)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


async def _until_over(authenticator: Authenticator, name: str | UUID, expires_at: datetime) -> None:
    while await authenticator.find(name) is not None:  # noqa: ASYNC110 - nothing tells it but the time
        await asyncio.sleep(0.05)
    assert _now() >= expires_at


@pytest.mark.parametrize("name", ["key", "id"])
def test_a_key_that_is_remembered_expires_all_the_same(intake: Intake, name: str) -> None:
    expires_at = _now() + timedelta(seconds=2)
    made = _key(intake, expires_at=expires_at)
    authenticator = Authenticator(intake.engine, fresh_seconds=3600)

    use = _until_over(authenticator, getattr(made, name), expires_at)
    asyncio.run(asyncio.wait_for(use, PATIENCE_SECONDS))


def test_a_key_expires_while_the_database_is_away(intake: Intake) -> None:
    expires_at = _now() + timedelta(seconds=5)
    made = _key(intake, expires_at=expires_at)

    async def use() -> None:
        authenticator = Authenticator(intake.engine, fresh_seconds=0.01)
        assert await authenticator.find(made.key) is not None
        authenticator._engine = _gone()
        await _until_over(authenticator, made.key, expires_at)

    asyncio.run(asyncio.wait_for(use(), PATIENCE_SECONDS))


def _gone() -> Engine:
    return make_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing", pool_size=1)


def test_a_used_key_says_so_and_an_unused_one_does_not(intake: Intake) -> None:
    started = _now()
    used, unused, refused = _key(intake), _key(intake), _key(intake, "orders.create")
    assert _call(intake, used.key).status_code == 200
    assert _call(intake, refused.key).status_code == 403  # it came with the key, which lacks a scope

    wait_until(lambda: _used_at(intake.engine, used.id) is not None, what="the use of a key")
    wait_until(lambda: _used_at(intake.engine, refused.id) is not None, what="the use of a key")
    assert started - timedelta(seconds=1) <= _used_at(intake.engine, used.id) <= _now() + timedelta(seconds=1)
    assert _used_at(intake.engine, unused.id) is None


Note = Callable[[LastUses], None]


def _note(engine: Engine, *keys: UUID, **options: Any) -> None:
    async def run() -> None:
        uses = LastUses(engine, **options)
        for key in keys:
            uses.note(key)
        await uses.close()

    asyncio.run(run())


def test_a_use_is_written_once_a_minute_by_however_many_processes(intake: Intake) -> None:
    made = _key(intake)
    _note(intake.engine, made.id, made.id)
    first = _used_at(intake.engine, made.id)
    _note(intake.engine, made.id)
    assert _used_at(intake.engine, made.id) == first

    _note(intake.engine, made.id, every_seconds=0)
    assert _used_at(intake.engine, made.id) > first


def test_a_process_asks_the_database_once_for_many_uses(intake: Intake) -> None:
    made = [_key(intake).id for _ in range(3)]
    asked: list[int] = []

    async def run() -> None:
        uses = LastUses(intake.engine)
        uses._update = lambda keys: asked.append(len(keys))  # type: ignore[method-assign] # counted
        for _ in range(100):
            for key in made:
                uses.note(key)
        await uses.close()

    asyncio.run(run())
    assert asked == [3]


def test_a_database_that_is_read_only_or_away_changes_nothing(intake: Intake) -> None:
    made = _key(intake)
    _note(intake.engine.execution_options(postgresql_readonly=True), made.id, uuid4())
    _note(_gone(), made.id)

    assert _used_at(intake.engine, made.id) is None


def test_a_key_that_somebody_holds_a_lock_on_is_left_alone(intake: Intake) -> None:
    held, free = _key(intake), _key(intake)
    with intake.engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM api_keys WHERE id = :id FOR UPDATE"), {"id": held.id})
        _note(intake.engine, held.id, free.id)
        assert _used_at(intake.engine, free.id) is not None
    assert _used_at(intake.engine, held.id) is None
