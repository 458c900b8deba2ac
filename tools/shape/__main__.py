"""`python -m tools.shape`: `make shape`."""

import argparse
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.shape.modules import read_modules
from tools.shape.report import as_text, report

_ROOT: Final = Path(__file__).parents[2]
_REST: Final = ("benchmarks", "tests", "tools")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.shape", description="Say how large the code is.")
    parser.add_argument("--json", action="store_true", help="one object for programs, with all names")
    parser.add_argument("--depth", type=int, default=2, help="the depth of the folders in the report (2)")
    parser.add_argument("--top", type=int, default=10, help="how many of the longest are named (10)")
    options = parser.parse_args(arguments)
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    found = report(
        read_modules(_ROOT, packages),
        read_modules(_ROOT, _REST),
        depth=options.depth,
        top=options.top,
    )
    sys.stdout.write(json.dumps(found, indent=2) + "\n" if options.json else as_text(found, options.top))


if __name__ == "__main__":
    main()
