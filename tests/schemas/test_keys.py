"""Keys of requests: which ones senders may choose."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from orders.catalogue.tenants import Tenant
from orders.catalogue.ticket_codes import TicketKey
from orders.steps.validate import validated
from schemas.changes import CancelRequest, PaymentRecord, UpdateRequest
from schemas.check_in import CheckInRequest
from schemas.holds import ExtendRequest, HoldRequest, ReleaseRequest
from schemas.order_requests import OrderRequest
from schemas.outcomes import rejections_of
from schemas.text import StoredKey, WireModel
from tests.factories import make_body, make_request
from willcall.kinds import CREATE

_TENANT = Tenant(
    id="tenant",
    name="demo",
    key=TicketKey.generate(),
    group_secret=b"secret",
    issues_on_payment=False,
    cancels_unpaid=False,
    fraud_rules=None,
)

_MODELS: tuple[type[WireModel], ...] = (
    OrderRequest,
    UpdateRequest,
    CancelRequest,
    PaymentRecord,
    CheckInRequest,
    HoldRequest,
    ExtendRequest,
    ReleaseRequest,
)


def _complaint(model: type[WireModel], **words: Any) -> str | None:
    """Return what is wrong with the idempotency key, whatever else is wrong with the words."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(words | {"nonsense": 1})
    found = {rejection.field: rejection.message for rejection in rejections_of(caught.value)}
    return found.get("idempotency_key")


@pytest.mark.parametrize("model", _MODELS)
def test_a_key_of_the_systems_own_is_refused_in_every_kind(model: type[WireModel]) -> None:
    sentence = "keys that begin with willcall: are reserved for Willcall; use another key"

    assert _complaint(model, idempotency_key="willcall:expire:7") == sentence
    assert _complaint(model, idempotency_key="willcall:") == sentence


@pytest.mark.parametrize("key", ["willcall", "willcall-7", "shop:willcall:7", "Willcall:7", " willcall:7"])
def test_a_key_that_only_resembles_the_systems_own_is_the_senders(key: str) -> None:
    assert _complaint(OrderRequest, idempotency_key=key) is None


def test_a_reserved_key_names_nothing_when_it_is_refused() -> None:
    request = make_request(make_body(idempotency_key="willcall:expire:7"))

    opened = validated(request, _TENANT, "order")

    assert request.kind == CREATE
    assert [(one.code, one.field) for one in opened.rejections] == [("invalid", "idempotency_key")]
    assert opened.key == str(request.request_id)


def test_the_systems_own_requests_have_such_keys() -> None:
    assert TypeAdapter(StoredKey).validate_python("willcall:expire:7") == "willcall:expire:7"


def test_naming_such_a_key_is_harmless() -> None:
    update = UpdateRequest.model_validate({"order_key": "willcall:expire:7", "patch": {}})
    scan = CheckInRequest.model_validate({"code": "x", "nonce": "willcall:7"})

    assert (update.order_key, scan.nonce) == ("willcall:expire:7", "willcall:7")
