"""The generated pages of the reference are those of the code."""

import pytest

from docs.generate.pages import FOLDER, pages


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], (
        "The page is older than the code. Run `make reference`."
    )


def test_every_generated_page_is_compared() -> None:
    assert set(pages()) == {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
