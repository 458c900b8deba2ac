"""The registry of dialects, by name."""

from collections.abc import Mapping
from typing import Any, Final

from schemas.dialects import DialectName
from schemas.outcomes import Rejection
from vendors import acme, eventbookings, ticket_evolution, zoho_backstage
from vendors.dialect import Dialect, NotTranslatable, Renderer

CANONICAL: Final = "canonical"

DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect for dialect in (zoho_backstage.DIALECT, acme.DIALECT, ticket_evolution.DIALECT)
}
"""The dialects that requests can be in."""

RENDERERS: Final[Mapping[DialectName, Renderer]] = {
    zoho_backstage.DIALECT.name: zoho_backstage.answer,
    acme.DIALECT.name: acme.answer,
    ticket_evolution.DIALECT.name: ticket_evolution.answer,
    "eventbookings": eventbookings.answer_without_links,
}
"""The dialects that any order can be rendered in."""


def translate(
    dialect: object, kind: str, body: dict[str, Any]
) -> tuple[Mapping[str, Any], tuple[Rejection, ...]]:
    """Return the canonical body of a request, or its own body and the reasons why it cannot be translated."""
    if dialect == CANONICAL:
        return body, ()
    known = DIALECTS.get(dialect) if isinstance(dialect, str) else None
    if known is None:
        names = ", ".join((CANONICAL, *DIALECTS))
        return body, (Rejection("invalid", "dialect", f"unknown dialect: use one of {names}"),)
    try:
        return known.translate(kind, body), ()
    except NotTranslatable as error:
        return body, error.rejections
    except RecursionError:
        return body, (Rejection("invalid", None, "nested too deeply"),)
