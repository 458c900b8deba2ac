"""JSON that is made to be slow takes no longer than its length says, and strangers are read little of it."""

import json
from typing import Any

import httpx
import pytest

from intake.web.strict_json import NotJson, _object, parse_json
from tests.intakes import Intake


class Name(str):
    """A name that counts how often it is compared, or looked for, with names of the same hash or not."""

    looks = 0

    def __eq__(self, other: object) -> bool:
        Name.looks += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        Name.looks += 1
        return str.__hash__(self)


@pytest.mark.parametrize("count", [1_000, 30_000])
@pytest.mark.parametrize("twice", [0, 500, -1])
def test_a_doubled_name_is_looked_for_once_a_name(count: int, twice: int) -> None:
    pairs: list[tuple[str, Any]] = [(Name(f"name-{number}"), 1) for number in range(count)]
    pairs.append((Name(pairs[twice][0]), 2))
    Name.looks = 0

    with pytest.raises(NotJson, match="is duplicate"):
        _object(pairs)

    assert Name.looks <= 10 * count


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_it_is_found_at_every_depth(depth: int) -> None:
    inner = json.dumps({f"name-{number}": number for number in range(1_000)})[:-1] + ', "name-999": 1}'

    with pytest.raises(NotJson, match="'name-999' is duplicate"):
        parse_json(('{"in": ' * depth + inner + "}" * depth).encode())


@pytest.mark.parametrize("length", [8 * 1024 + 1, 265_000, 1_000_000])
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_stranger_is_read_no_further_than_a_token_takes(
    intake: Intake, length: int, media_type: str
) -> None:
    names = b",".join(b'"%d":1' % number for number in range(length // 8))
    body = (b"{" + names + b"," + names + b"}").ljust(length)[:length]

    answer = httpx.post(
        f"{intake.url}/connect/token", content=body, headers={"content-type": media_type}, timeout=60
    )

    assert answer.status_code == 413
    assert answer.json()["error_description"] == "the body is longer than 8192 bytes"
