"""Each generated page as its name and its text; a test compares them with the committed files."""

import json
from pathlib import Path
from typing import Final

from docs.generate.errors import errors_page
from docs.generate.events import event_pages
from docs.generate.metrics import metrics_page
from docs.generate.tables import tables_page
from intake.app import create_app
from worker.runtime.settings import PREFIX, Settings

FOLDER: Final = Path(__file__).parent.parent / "reference"

_SETTINGS: Final = """# Settings

Every setting is an environment variable. This page is made by `make reference`; do not edit it.

| variable | default | meaning |
| --- | --- | --- |
"""


def pages() -> dict[str, str]:
    """Return the text of every generated page by its file name."""
    # The defaults, whatever the environment says: the page must not depend on the machine.
    openapi = create_app(Settings.model_construct()).openapi()
    return {
        "settings.md": _settings(),
        "openapi.json": json.dumps(openapi, indent=2, ensure_ascii=False, sort_keys=True) + "\n",
        "errors.md": errors_page(openapi),
        "metrics.md": metrics_page(),
        "tables.md": tables_page(),
        **event_pages(),
    }


def _settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None or str(field.default) == "" else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |\n")
    return _SETTINGS + "".join(rows)
