"""A condition that an ACME call carries is met or refused: what it sends is never silently ignored."""

import httpx
import pytest

from tests.contract.acme.client import Acme, item, simple


@pytest.fixture
def acme(caller: httpx.Client, key: str) -> Acme:
    return Acme(caller, key)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("condition", "status"), [('"1"', 412), ('W/"1", "7"', 412), ('"x"', 412), ("1", 400)]
)
def test_a_condition_on_a_version_is_refused_and_changes_nothing(
    acme: Acme, worker: object, method: str, condition: str, status: int
) -> None:
    # The document has no versions of an order: nothing can match, and a change would be made unconditionally.
    id_ = acme.create(simple(orderItems=[item(quantity=1)]))
    body = simple(orderItems=[item(quantity=2)]) if method == "PUT" else None

    answer = acme.call(method, f"/{id_}", body, if_match=condition)

    assert (answer.status_code, answer.json()["status"]) == (status, status), answer.text
    assert "If-Match" in answer.json()["message"]
    assert acme.get(id_)["orderItems"][0]["quantity"] == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_any_version_will_do_where_the_condition_says_so(acme: Acme, worker: object, method: str) -> None:
    id_ = acme.create(simple(orderItems=[item(quantity=1)]))
    body = simple(orderItems=[item(quantity=2)]) if method == "PUT" else None
    assert acme.call(method, f"/{id_}", body, if_match="*").status_code == 200
