"""The page on the dialect names every field that the document has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.messages import recorded

_PAGE = Path(__file__).parents[3] / "docs" / "eventbookings.md"


def names(words: Any) -> Iterator[str]:
    if isinstance(words, dict):
        for name, value in words.items():
            yield name
            yield from names(value)
        if "value" in words and words.get("name", "").isupper():
            yield words["name"]
    elif isinstance(words, list):
        for value in words:
            yield from names(value)


def test_every_field_and_attribute_is_on_the_page() -> None:
    page = _PAGE.read_text()
    documented = {
        name for sample in ("order_list", "order") for name in names(recorded(f"eventbookings/{sample}.json"))
    }

    assert [
        name for name in sorted(documented - {"EXTENDED_STATUS_NAME", "name", "value"}) if name not in page
    ] == []
    assert len(documented) > 100
