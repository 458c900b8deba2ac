"""The page of error codes: what each means, and what a call that fails answers."""

from typing import Any, Final, get_args

from intake.calls.send import OF_ORDERS
from intake.routes.check_ins import OF_CHECK_INS
from intake.routes.holds import OF_HOLDS
from orders.errors import RejectedRequest
from orders.steps.claim import CONFLICT
from schemas.json import JsonObject
from schemas.outcomes import RejectionCode

_PAGE: Final = """# Errors

This page is made by `make reference`; do not edit it.

## Codes

A rejected request has one or more `errors`, each with a `code`, a `field` and a `message`. The code is for
programs, the message for people. [Outcomes](../messages.md#outcomes) explains them in more words. The status
is that of a call that waits for the outcome (`Prefer: wait=N`); without it the call was answered with 202
before the outcome was known.

| code | when | status |
| --- | --- | --- |
{codes}
`GET /readyz` has a code of its own, `unavailable`: the part of the installation that `field` names does not
answer.

## Statuses

A call that fails answers with a problem document (RFC 9457, `application/problem+json`): `status`,
`title`, `detail` in a sentence, and `errors` as above. The dialects answer in the form of their own system.

| status | when | calls |
| --- | --- | --- |
{statuses}"""

_METHODS: Final = ("get", "post", "patch", "put", "delete")


def errors_page(openapi: JsonObject) -> str:
    """Return the page; the statuses are those of the OpenAPI document."""
    codes = "".join(
        f"| `{code}` | {_meaning(code)} | {_statuses(code)} |\n" for code in get_args(RejectionCode)
    )
    return _PAGE.format(codes=codes, statuses=_failures(openapi))


def _meaning(code: RejectionCode) -> str:
    if code == CONFLICT.code:
        return _sentence(CONFLICT.message)
    (of_code,) = (one for one in RejectedRequest.__subclasses__() if one.code == code)
    return _sentence((of_code.__doc__ or "").splitlines()[0])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _statuses(code: RejectionCode) -> str:
    if code == CONFLICT.code:
        return "409 where the first request is decided, else 422"
    special = [
        f"{statuses[code]} ({calls})"
        for calls, statuses in (("orders", OF_ORDERS), ("holds", OF_HOLDS), ("check-ins", OF_CHECK_INS))
        if code in statuses
    ]
    return ", ".join([*special, "else 422"]) if special else "422"


def _failures(openapi: JsonObject) -> str:
    """Return the rows of statuses: each sentence once, with the calls that it is true of."""
    calls: dict[tuple[str, str], list[str]] = {}
    paths: dict[str, Any] = openapi["paths"]
    for path, methods in paths.items():
        for method in _METHODS:
            for status, response in methods.get(method, {}).get("responses", {}).items():
                if "application/problem+json" in response.get("content", {}):
                    calls.setdefault((status, response["description"]), []).append(
                        f"`{method.upper()} {path}`"
                    )
    most = max(len(of_one) for of_one in calls.values())
    return "".join(
        f"| {'other' if status == 'default' else status} | {when} "
        f"| {'all' if len(of_one) == most else ', '.join(of_one)} |\n"
        for (status, when), of_one in sorted(calls.items())
    )
