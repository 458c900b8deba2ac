"""The dialects by their names."""

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
"""Those that requests can be in."""

RENDERERS: Final[Mapping[DialectName, Renderer]] = {
    zoho_backstage.DIALECT.name: zoho_backstage.answer,
    acme.DIALECT.name: acme.answer,
    ticket_evolution.DIALECT.name: ticket_evolution.answer,
    "eventbookings": eventbookings.answer_without_links,
}
"""Those that any order can be shown in; each dialect adds its own here."""


def translate(
    dialect: object, kind: str, words: dict[str, Any]
) -> tuple[Mapping[str, Any], tuple[Rejection, ...]]:
    """Return the canonical words of a request, or its own words and why they have none."""
    if dialect == CANONICAL:
        return words, ()
    known = DIALECTS.get(dialect) if isinstance(dialect, str) else None
    if known is None:
        names = ", ".join((CANONICAL, *DIALECTS))
        return words, (Rejection("invalid", "dialect", f"requests are taken in the dialects {names}"),)
    try:
        return known.translate(kind, words), ()
    except NotTranslatable as error:
        return words, error.rejections
    except RecursionError:
        return words, (Rejection("invalid", None, "nested too deeply"),)
