"""A hook of MkDocs: the README becomes a page, and links to files outside docs/ stay honest.

On the repository's web view such a link opens the file. The site has no such file: there the link goes to
the repository if `repo_url` is set, and else the file is named in the text.
"""

import posixpath
import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

_README: Final = "readme.md"
_LINK: Final = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README as a page."""
    root = Path(config.docs_dir).parent
    files.append(File.generated(config, _README, content=(root / "README.md").read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page with its links changed to what the site has."""
    source = page.file.src_uri
    # Where the page lies in the repository, and where its links start from on the site.
    in_repository = "" if source == _README else posixpath.dirname(f"docs/{source}")
    on_site = posixpath.dirname(source)

    def changed(link: re.Match[str]) -> str:
        words, target, anchor = link[1], link[2], link[3] or ""
        path = posixpath.normpath(posixpath.join(in_repository, target))
        if path == "README.md":
            name = _README
        elif path.startswith("docs/"):
            name = path.removeprefix("docs/")
        else:
            return _outside(words, path, config.repo_url)
        return f"[{words}]({posixpath.relpath(name, on_site or '.')}{anchor})"

    return _LINK.sub(changed, markdown)


def _outside(words: str, path: str, repository: str | None) -> str:
    if repository:
        return f"[{words}]({repository.rstrip('/')}/blob/main/{path})"
    return words if path in words else f"{words} (`{path}`)"
