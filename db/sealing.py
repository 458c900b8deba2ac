"""Sealing secrets at rest: the database, a backup or a dump of it does not reveal them.

Each is sealed with XChaCha20-Poly1305 (libsodium's AEAD). Its context, its table and row, is authenticated
with it: a sealed secret that is copied into another row does not open there.
"""

import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Final

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from worker.runtime.secret_key import SecretKeyUnusable
from worker.runtime.settings import get_settings

_FORMAT: Final = b"\x01"
_NAME_BYTES: Final = 4
_HEAD_BYTES: Final = len(_FORMAT) + _NAME_BYTES


class SecretsUnreadable(SecretKeyUnusable):
    """The secrets in the database were sealed with a key that is not set."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "no key of WILLCALL_SECRET_KEY opens the secrets in the database. "
            "Set the key with which they were sealed, after a newer one if there is one "
            "(for the embedded database it is in secret.key of WILLCALL_HOME)"
        )


class Keyring:
    """Seals with the newest of its keys and opens with any."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._boxes = {_name_of(key): Aead(key) for key in keys}
        self._newest = _name_of(keys[0])

    def seal(self, secret: bytes, *context: object) -> bytes:
        """Return the sealed secret, which opens in this context only."""
        head = _FORMAT + self._newest
        return head + bytes(self._boxes[self._newest].encrypt(secret, _joined(head, context)))

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether the newest key has sealed it."""
        return sealed.startswith(_FORMAT + self._newest)

    def open(self, sealed: bytes, *context: object) -> bytes:
        """Return the secret. Raises `SecretsUnreadable` without its key, or in another context."""
        head = sealed[:_HEAD_BYTES]
        box = self._boxes.get(head[len(_FORMAT) :])
        if box is None or not head.startswith(_FORMAT):
            raise SecretsUnreadable
        try:
            opened: bytes = box.decrypt(sealed[_HEAD_BYTES:], _joined(head, context))
        except (CryptoError, ValueError) as error:
            raise SecretsUnreadable from error
        return opened


@cache
def secret_keys() -> tuple[bytes, ...]:
    """Return the keys of this process, the newest first. Raises `SecretKeyMissing` if none is set."""
    return get_settings().secret_keys()


@cache
def keyring() -> Keyring:
    """Return the keyring of this process. Raises as `secret_keys`."""
    return Keyring(secret_keys())


def seal(secret: bytes, *context: object) -> bytes:
    """Return the secret sealed with the newest key of this process."""
    return keyring().seal(secret, *context)


# The same rows are read for each batch and each call, so each secret is opened once and cached.
@lru_cache(maxsize=10_000)
def unseal(sealed: bytes, *context: object) -> bytes:
    """Return the secret that was sealed in this context. Raises `SecretKeyUnusable`."""
    return keyring().open(sealed, *context)


def _name_of(key: bytes) -> bytes:
    """Return the key's name in sealed secrets, which reveals nothing about the key."""
    return hashlib.sha256(b"willcall secret key" + key).digest()[:_NAME_BYTES]


def _joined(head: bytes, context: Sequence[object]) -> bytes:
    parts = [str(part).encode() for part in context]
    return head + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
