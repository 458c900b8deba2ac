"""Catalogue files, in YAML or JSON."""

import json
from typing import Any

from intake.cli.failures import CommandFailed


def read_catalogue(name: str, text: bytes) -> Any:
    """Return the catalogue in a file. Raises `CommandFailed` with each mistake and its field."""
    from pydantic import ValidationError

    from schemas.catalogue import Catalogue
    from schemas.outcomes import rejections_of

    try:
        return Catalogue.model_validate(_parse(name, text))
    except ValidationError as error:
        mistakes = [f"  {one.field or 'file'}: {one.message}" for one in rejections_of(error)]
        raise CommandFailed("\n".join([f"{name} is not a catalogue:", *mistakes])) from error


def _parse(name: str, text: bytes) -> Any:
    import yaml

    try:
        if name.endswith(".json"):
            return json.loads(text)
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise CommandFailed(f"{name} cannot be read: {' '.join(str(error).split())}") from error
