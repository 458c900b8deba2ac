"""The dashboard for Grafana, and the expressions of its panels."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).parents[2] / "deploy/grafana/willcall.json"

DASHBOARD: Final[dict[str, Any]] = json.loads(_FILE.read_text())

_VARIABLES: Final = {"$__rate_interval": "1m", "$tenant": ".*"}


@dataclass(frozen=True)
class Expression:
    """What a panel asks of Prometheus, with Grafana's variables filled in."""

    panel: str
    text: str

    @property
    def metrics(self) -> set[str]:
        """Return the names of the series in it."""
        return set(re.findall(r"willcall_\w+", self.text))


def _filled(text: str) -> str:
    for name, value in _VARIABLES.items():
        text = text.replace(name, value)
    return text


PANELS: Final[list[dict[str, Any]]] = [one for one in DASHBOARD["panels"] if one["type"] != "row"]

EXPRESSIONS: Final = [
    Expression(panel["title"], _filled(target["expr"])) for panel in PANELS for target in panel["targets"]
]
