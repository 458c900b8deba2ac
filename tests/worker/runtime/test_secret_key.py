"""The secret key: how it is written, and the file that an embedded database gets."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from worker.runtime import embedded
from worker.runtime.secret_key import SecretKeyMissing, generate_key, keys_of_home, parse_keys
from worker.runtime.settings import Settings

HEX = "00112233445566778899aabbccddeeff" * 2
KEY = bytes.fromhex(HEX)


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        f" {HEX}\n",
    ],
)
def test_a_key_is_32_bytes_in_either_writing(text: str) -> None:
    assert parse_keys(text) == (KEY,)


@pytest.mark.parametrize("between", [",", ", ", " ", "\n"])
def test_of_several_the_first_is_the_newest(between: str) -> None:
    other = generate_key()

    assert parse_keys(f"{other}{between}{HEX}") == (bytes.fromhex(other), KEY)


@pytest.mark.parametrize(
    "text", ["", "secret", HEX[:-2], HEX + "00", f"{HEX},secret", f"{HEX},{HEX}", "é" * 43]
)
def test_anything_else_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be one or more keys|names a key twice") as error:
        parse_keys(text)
    assert "secret," not in str(error.value)
    assert HEX not in str(error.value)
    with pytest.raises(ValidationError):
        Settings(secret_key=text)


def test_settings_show_no_key_by_accident() -> None:
    settings = Settings(secret_key=HEX)

    assert settings.secret_keys() == (KEY,)
    assert HEX not in repr(settings) + str(settings.model_dump())


def test_the_embedded_database_gets_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    home = tmp_path / "home"
    by_default = Settings(home=home, database_url=None).secret_keys()
    by_url = Settings(home=home, database_url=embedded.database_url(home)).secret_keys()
    of_another_database = embedded.database_url(home).replace("/willcall?", "/another?")

    assert stat.S_IMODE((home / "secret.key").stat().st_mode) == 0o600
    assert [one.name for one in home.iterdir()] == ["secret.key"]
    assert by_default == by_url == keys_of_home(home)
    assert Settings(home=home, database_url=of_another_database).secret_keys() == by_default


def test_processes_that_start_at_once_agree_on_a_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: keys_of_home(tmp_path), range(64)))

    assert len(found) == 1


def test_a_file_without_a_key_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("nothing")

    with pytest.raises(SecretKeyMissing, match=r"secret\.key must be one or more keys"):
        keys_of_home(tmp_path)
    assert (tmp_path / "secret.key").read_text() == "nothing"


def test_a_database_of_ones_own_needs_a_key_of_ones_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://someone@db.example.com/willcall")

    with pytest.raises(SecretKeyMissing, match="WILLCALL_SECRET_KEY is missing"):
        settings.secret_keys()
    assert list(tmp_path.iterdir()) == []
