"""The requests of a call, one or up to 500, each with its envelope. Their content is not checked."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from intake.auth.keys import Caller
from intake.web.call_records import current_id
from intake.web.problems import Problem, invalid
from intake.web.strict_json import NotJson, parse_json
from schemas.dialects import DialectName
from schemas.outcomes import MAX_REJECTIONS, Rejection
from schemas.requests import ENVELOPE_FIELDS, MAX_REQUESTS_PER_MESSAGE
from schemas.text import RESERVED_KEY, RESERVED_KEYS
from willcall.packing import Outgoing, outgoing
from worker.runtime.tracing import current_traceparent

# Trusted on the queue, and therefore not over HTTP: what the key and the intake decide, no body can.
_NOT_FOR_CALLERS: Final = tuple(sorted(ENVELOPE_FIELDS))

_PRINTABLE: Final = re.compile(r"[ -~]{1,200}", re.ASCII)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')


@dataclass(frozen=True, slots=True)
class CallRequests:
    """The requests of one call.

    `is_array` says whether the caller sent, and gets, an array; `key` is the idempotency key of a single
    request.
    """

    requests: tuple[Outgoing, ...]
    is_array: bool
    caller: Caller
    key: str | None

    @property
    def is_for_reader(self) -> bool:
        """Say whether the caller may read orders."""
        return self.caller.may("orders.read")


def enclose_all(kind: str, body: bytes, header_keys: Sequence[str], caller: Caller) -> CallRequests:
    """Return the requests of a call's body, each with its envelope.

    `header_keys` are the call's `Idempotency-Key` headers. Raises `Problem` with the status 400.
    """
    content = _parsed(body)
    key = _header_key(header_keys)
    if isinstance(content, dict):
        _refuse_any(_mistakes(content))
        bodies = [_with_key(content, key)]
    elif isinstance(content, list):
        bodies = _bodies(content, key)
    else:
        raise invalid("the body must be an object or an array of objects")
    requests = tuple(_outgoing(kind, one, caller) for one in bodies)
    return _call_requests(requests, bodies, caller, is_array=isinstance(content, list))


def open_object(body: bytes, fixed: Collection[str] = ()) -> dict[str, Any]:
    """Return the object in the body of a call; the path and the headers set the `fixed` fields.

    Raises `Problem` with the status 400.
    """
    content = _parsed(body)
    if not isinstance(content, dict):
        raise invalid("the body must be an object")
    _refuse_any(_mistakes(content))
    _refuse_any(
        [
            Rejection(
                "invalid", name, f"the field {name} is not allowed in the body: it is in the path or a header"
            )
            for name in fixed
            if name in content
        ]
    )
    return content


def enclose(
    kind: str,
    given: Mapping[str, Any],
    header_keys: Sequence[str],
    caller: Caller,
    *,
    seen_version: int | None = None,
) -> CallRequests:
    """Return the one request that a call makes of its path, its headers and its body.

    Raises `Problem` with the status 400 for the `Idempotency-Key` headers.
    """
    body = _with_key(given, _header_key(header_keys))
    request = _outgoing(kind, body, caller, seen_version=seen_version)
    return _call_requests((request,), [body], caller)


def enclose_in_dialect(
    dialect: DialectName,
    kind: str,
    requests: Sequence[Mapping[str, Any]],
    header_keys: Sequence[str],
    caller: Caller,
    *,
    is_array: bool = False,
    seen_version: int | None = None,
) -> CallRequests:
    """Return the requests of a call in a dialect, each in the dialect's format.

    Several of them share an `Idempotency-Key` header: each is named by it and its place. Raises `Problem`
    with the status 400.
    """
    key = _header_key(header_keys)
    _refuse_any([mistake for one in requests for mistake in _mistakes(one)])
    named = [
        _with_key(one, key and (key if len(requests) == 1 else f"{key}/{place}"))
        for place, one in enumerate(requests)
    ]
    enclosed = tuple(_outgoing(kind, one, caller, dialect, seen_version=seen_version) for one in named)
    return _call_requests(enclosed, named, caller, is_array=is_array)


def _call_requests(
    requests: tuple[Outgoing, ...],
    bodies: Sequence[Mapping[str, Any]],
    caller: Caller,
    *,
    is_array: bool = False,
) -> CallRequests:
    given = None if is_array else bodies[0].get("idempotency_key")
    return CallRequests(requests, is_array, caller, given if isinstance(given, str) else None)


def _outgoing(
    kind: str,
    body: Mapping[str, Any],
    caller: Caller,
    dialect: DialectName | None = None,
    *,
    seen_version: int | None = None,
) -> Outgoing:
    """Return the request with the fields that the key decides, and the version that the intake has seen."""
    return outgoing(
        kind,
        body,
        tenant=caller.tenant,
        may_set_price=caller.may("orders.set_price"),
        by=str(caller.key_id),
        dialect=dialect,
        seen_version=seen_version,
        call_id=current_id(),
        traceparent=current_traceparent(),
    )


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except NotJson as error:
        raise invalid(str(error)) from error


def _bodies(content: list[Any], key: str | None) -> list[Any]:
    if not 1 <= len(content) <= MAX_REQUESTS_PER_MESSAGE:
        raise invalid(f"an array holds 1 to {MAX_REQUESTS_PER_MESSAGE} orders; this one has {len(content)}")
    if key is not None:
        raise invalid(
            "one Idempotency-Key header cannot name several orders; give each its field idempotency_key",
            "idempotency_key",
        )
    _refuse_any([mistake for index, one in enumerate(content) for mistake in _mistakes(one, f"{index}.")])
    return content


def _mistakes(body: Any, prefix: str = "") -> list[Rejection]:
    if not isinstance(body, dict):
        return [Rejection("invalid", prefix.rstrip(".") or None, "an order must be an object")]
    return [
        Rejection("invalid", prefix + name, f"the field {name} is not allowed: the intake sets it")
        for name in _NOT_FOR_CALLERS
        if name in body
    ]


def _refuse_any(mistakes: Sequence[Rejection]) -> None:
    if mistakes:
        errors = [mistake.as_dict() for mistake in mistakes[:MAX_REJECTIONS]]
        raise Problem(400, mistakes[0].message, errors=errors)


def _header_key(headers: Sequence[str]) -> str | None:
    if not headers:
        return None
    if len(headers) > 1:
        raise invalid("there is more than one Idempotency-Key header", "idempotency_key")
    key = headers[0].strip()
    # The IETF's draft quotes the key, most clients do not; both name the same request.
    quoted = _QUOTED.fullmatch(key)
    if quoted is not None:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if _PRINTABLE.fullmatch(key) is None:
        raise invalid(
            "an Idempotency-Key header must have 1 to 200 printable ASCII characters", "idempotency_key"
        )
    if key.startswith(RESERVED_KEYS):
        raise invalid(RESERVED_KEY, "idempotency_key")
    return key


def _with_key(body: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
    if key is None:
        return body
    given = body.get("idempotency_key")
    if given is not None and given != key:
        raise invalid(
            "the Idempotency-Key header and the field idempotency_key are different", "idempotency_key"
        )
    return {**body, "idempotency_key": key}
