"""Messages that are no requests: each is to become a dead letter, and nothing else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from uuid import UUID

from schemas.requests import MAX_REQUESTS_PER_MESSAGE
from willcall.kinds import CREATE

_JSON: Final = "application/json"


@dataclass(frozen=True)
class Poison:
    """A message, and the words by which its dead letter is known."""

    what: str
    mark: str
    body: bytes
    headers: Mapping[str, Any]
    content_type: str = _JSON
    content_encoding: str = "utf-8"


def make_poisons(rng: Random) -> list[Poison]:
    """Return one of each kind, in any order."""
    made = [
        _plain(rng, "no JSON", lambda mark: f"[[], {{{mark}"),
        _plain(rng, "no text", lambda mark: mark.encode() + b"\xff\xfe\x00"),
        _plain(rng, "half a message", lambda mark: _message([mark], note="half")[:-9]),
        _plain(rng, "JSON of another shape", lambda mark: json.dumps({"order": mark})),
        _plain(rng, "too deep", lambda mark: "[" * 5_000 + f'"{mark}"' + "]" * 5_000),
        _plain(rng, "no such task", lambda mark: _message([{"id": mark}]), task="orders.burn"),
        _plain(rng, "requests that are no list", lambda mark: _message(mark)),
        _plain(rng, "no request", lambda mark: _message([], note=mark)),
        _plain(rng, "a request that is no object", lambda mark: _message([mark])),
        _plain(
            rng, "too many requests", lambda mark: _message([{"id": mark}] * (MAX_REQUESTS_PER_MESSAGE + 1))
        ),
        _plain(rng, "pickled", lambda mark: b"\x80\x04" + mark.encode(), "application/x-python-serialize"),
        _plain(rng, "compressed, and not", lambda mark: mark, compression="application/x-gzip"),
    ]
    rng.shuffle(made)
    return made


def _plain(
    rng: Random, what: str, make: Callable[[str], str | bytes], content_type: str = _JSON, **headers: Any
) -> Poison:
    mark = str(UUID(int=rng.getrandbits(128), version=4))
    body = make(mark)
    content = body if isinstance(body, bytes) else body.encode()
    whole = {"lang": "py", "task": CREATE, "id": mark, **headers}
    return Poison(what, mark, content, whole, content_type, "utf-8" if content_type == _JSON else "binary")


def _message(requests: Any, **words: Any) -> str:
    return json.dumps([[], {"requests": requests, **words}, {}])
