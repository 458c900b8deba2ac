"""The README lists every setting, and links in the documentation lead to files."""

import re
from pathlib import Path

from worker.runtime.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_every_setting_is_in_the_table_with_its_default_and_meaning() -> None:
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None or str(field.default) == "" else f"`{field.default}`"
        assert f"| `WILLCALL_{name.upper()}` | {default} | {field.description} |" in README


def test_every_file_that_a_page_links_to_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
