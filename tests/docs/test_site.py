"""The documentation builds as a site, strictly, and loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="the group `docs` is not installed")

ROOT = Path(__file__).parents[2]
# What a page loads by itself: scripts, styles, fonts, pictures. Links that people follow are not among them.
LOADED = re.compile(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=\"?(https?:)?//[^>]*>")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not (site / page).is_file()} == set()


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = {path.name: path.read_text() for path in site.rglob("*.html")}
    assert pages
    assert {name: found[0] for name, text in pages.items() if (found := LOADED.search(text))} == {}


def test_files_outside_docs_are_named_and_the_readme_is_a_page(site: Path) -> None:
    scaling, architecture = (site / "scaling.html").read_text(), (site / "architecture.html").read_text()
    assert 'href="../' not in scaling
    assert "benchmarks/README.md" in scaling
    assert 'href="readme.html#glossary"' in architecture
