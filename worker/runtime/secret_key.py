"""The key that opens the sealed secrets in the database: `WILLCALL_SECRET_KEY`, or a file in `WILLCALL_HOME`.

A key is 32 random bytes, as 64 hexadecimal digits or in base64. Several are separated by commas or spaces,
the newest first: it seals, and all of them open.
"""

import base64
import binascii
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32
FILE_NAME: Final = "secret.key"

_HEX: Final = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_BETWEEN: Final = re.compile(r"[,\s]+")


class SecretKeyUnusable(Exception):
    """The secret key is missing, malformed or wrong; the text says which, and what to do."""


class SecretKeyMissing(SecretKeyUnusable):
    """The secret key is missing or malformed."""

    exit_code = 2


def generate_key() -> str:
    """Return a new random key, in the form of the setting."""
    return secrets.token_hex(KEY_BYTES)


def parse_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys of a list, the newest first. Raises `ValueError` with a sentence that quotes none."""
    keys = tuple(_parse(word) for word in _BETWEEN.split(text.strip(" ,\n\t")))
    if len(set(keys)) != len(keys):
        raise ValueError("names a key twice")
    return keys


def keys_of_home(home: Path) -> tuple[bytes, ...]:
    """Return the keys in the file in `home`, which is created at the first call, for its owner only.

    Raises `SecretKeyMissing` for a file without a valid key.
    """
    file = home / FILE_NAME
    try:
        text = file.read_text()
    except FileNotFoundError:
        text = _make(file)
    try:
        return parse_keys(text)
    except ValueError as error:
        raise SecretKeyMissing(f"{file} {error}") from error


def _parse(word: str) -> bytes:
    if _HEX.fullmatch(word):
        return bytes.fromhex(word)
    with suppress(binascii.Error, ValueError):
        padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
        key = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
        if len(key) == KEY_BYTES:
            return key
    raise ValueError(
        "must be one or more keys of 32 random bytes, each as 64 hexadecimal digits or in base64; generate "
        "one with `willcall secrets generate`"
    )


def _make(file: Path) -> str:
    """Create the file atomically, and return its text: of several processes one wins, and all use its key."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mine = file.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
    handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as opened:
            opened.write(f"{generate_key()}\n")
            opened.flush()
            os.fsync(handle)
        with suppress(FileExistsError):
            os.link(mine, file)
    finally:
        mine.unlink()
    return file.read_text()
