"""The OpenAPI page of an intake, and what each of its answers is held to."""

from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import APIOperation
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from tests.intakes import Intake

# Not asked: whether wrong data are refused and right ones accepted. The intake answers 202 before anybody
# has looked at them, and which are right the catalogue knows, not the page.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def page_of(intake: Intake) -> OpenApiSchema:
    """Return the page; credentials are the caller's, not made up."""
    page = schemathesis.openapi.from_url(f"{intake.url}/openapi.json")
    page.config.generation.update(with_security_parameters=False)
    return page


def operations_of(page: OpenApiSchema) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    for result in page.get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()
