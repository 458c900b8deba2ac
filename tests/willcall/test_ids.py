"""Request ids, of which orders' ids are derived."""

from datetime import UTC, datetime

from db.ids import ids_of_request
from willcall.ids import new_request_id


def test_ids_ascend_and_so_many_orders_of_one_moment_have_ids_of_their_own() -> None:
    ids = [new_request_id() for _ in range(50_000)]

    assert ids == sorted(set(ids))
    assert {(id_.version, id_.variant) for id_ in ids} == {(7, "specified in RFC 4122")}
    now = datetime.now(UTC)
    for what in ("order", "tickets"):
        derived = {next(ids_of_request(str(id_), now, what)) for id_ in ids}
        assert len(derived) == len(ids)
