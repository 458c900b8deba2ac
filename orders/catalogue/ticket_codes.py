"""Ticket codes, which a scanner verifies offline.

The code is base64url (RFC 4648, section 5, without padding; 167 characters) of 61 bytes and their
Ed25519 signature (RFC 8032): version (1 byte, 1), key id (4), ticket id (16), event id (16), ticket
class id (16), and the start and end of the event (4 bytes each, seconds since 1970, unsigned,
big-endian).
"""

import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final
from uuid import UUID

from nacl.bindings import crypto_sign
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BI")
_SCOPE: Final = struct.Struct(">16s16sII")
_PAYLOAD: Final = struct.Struct(">BI16s16s16sII")
_SIGNATURE_BYTES: Final = 64
_LAST_SECOND: Final = 2**32 - 1


class ForgedCode(Exception):
    """The code was not signed with the key that it names, or is malformed."""


class UnknownKey(Exception):
    """The code names an unknown key."""


@dataclass(frozen=True)
class TicketKey:
    """A tenant's signing key (the 32 bytes of RFC 8032); each code contains the `id`, so keys can rotate."""

    id: int
    private_key: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "TicketKey":
        """Return a new key with a random id, which cannot be guessed and is unlikely to collide."""
        return cls(secrets.randbits(32), bytes(SigningKey.generate()))

    @cached_property
    def public_key(self) -> bytes:
        """Return the 32 bytes of the public key."""
        return bytes(SigningKey(self.private_key).verify_key)

    @cached_property
    def _expanded(self) -> bytes:
        return self.private_key + self.public_key

    def sign(self, ticket_id: bytes, scope: bytes) -> str:
        """Return the code of a ticket (the 16 bytes of its id); the same each time.

        `scope` is the class's `code_scope`.
        """
        payload = _HEAD.pack(_VERSION, self.id) + ticket_id + scope
        # The binding below nacl.signing saves an object for each of thousands of tickets per second.
        signature = crypto_sign(payload, self._expanded)[:_SIGNATURE_BYTES]
        return _encode(payload + signature)


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """The content of a verified code."""

    key_id: int
    ticket_id: UUID
    event_id: UUID
    ticket_class_id: UUID
    valid_from: datetime
    valid_until: datetime


def code_scope(
    *, event_id: UUID, ticket_class_id: UUID, valid_from: datetime, valid_until: datetime
) -> bytes:
    """Return the part that all codes of a ticket class share: the event, the class and the times."""
    return _SCOPE.pack(event_id.bytes, ticket_class_id.bytes, _seconds(valid_from), _seconds(valid_until))


def key_id_of(code: str) -> int | None:
    """Return the id of the key that the code names, or None for a malformed code."""
    try:
        return int(_HEAD.unpack_from(_decode(code))[1])
    except ForgedCode:
        return None


def verify_ticket(code: str, public_keys: Mapping[int, bytes]) -> TicketClaims:
    """Return the content of the code. `public_keys` are raw Ed25519 keys by key id.

    Raises `UnknownKey`, or `ForgedCode` with a sentence.
    """
    signed = _decode(code)
    payload, signature = signed[: _PAYLOAD.size], signed[_PAYLOAD.size :]
    _, key_id, ticket_id, event_id, ticket_class_id, start, end = _PAYLOAD.unpack(payload)
    public_key = public_keys.get(key_id)
    if public_key is None:
        raise UnknownKey(f"the code is signed with the unknown key {key_id}")
    try:
        VerifyKey(public_key).verify(payload, signature)
    except BadSignatureError as error:
        raise ForgedCode("the code's signature is invalid") from error
    return TicketClaims(
        key_id,
        UUID(bytes=ticket_id),
        UUID(bytes=event_id),
        UUID(bytes=ticket_class_id),
        datetime.fromtimestamp(start, UTC),
        datetime.fromtimestamp(end, UTC),
    )


def _encode(signed: bytes) -> str:
    return urlsafe_b64encode(signed).rstrip(b"=").decode()


def _decode(code: str) -> bytes:
    try:
        signed = urlsafe_b64decode(code + "=" * (-len(code) % 4))
    except (Base64Error, ValueError) as error:
        raise ForgedCode("this is not a ticket's code") from error
    is_ours = len(signed) == _PAYLOAD.size + _SIGNATURE_BYTES and signed[0] == _VERSION
    # The decoder ignores foreign characters and spare bits, but a ticket has exactly one code.
    if not is_ours or _encode(signed) != code:
        raise ForgedCode("this is not a ticket's code")
    return signed


def _seconds(moment: datetime) -> int:
    return min(max(int(moment.timestamp()), 0), _LAST_SECOND)
