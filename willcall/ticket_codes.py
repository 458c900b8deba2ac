"""Ticket codes, which a scanner verifies offline.

The code is base64url (RFC 4648, section 5, without padding; 167 characters) of 61 bytes and their
Ed25519 signature (RFC 8032): version (1 byte, 1), key id (4), ticket id (16), event id (16), ticket
class id (16), and the start and end of the event (4 bytes each, seconds since 1970, unsigned,
big-endian).
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

VERSION: Final = 1
HEAD: Final = struct.Struct(">BI")
_PAYLOAD: Final = struct.Struct(">BI16s16s16sII")
SIGNATURE_BYTES: Final = 64


class ForgedCode(Exception):
    """The code was not signed with the key that it names, or is malformed."""


class UnknownKey(Exception):
    """The code names an unknown key."""


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """The content of a verified code."""

    key_id: int
    ticket_id: UUID
    event_id: UUID
    ticket_class_id: UUID
    valid_from: datetime
    valid_until: datetime


def key_id_of(code: str) -> int | None:
    """Return the id of the key that the code names, or None for a malformed code."""
    try:
        return int(HEAD.unpack_from(_decode(code))[1])
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


def encode(signed: bytes) -> str:
    return urlsafe_b64encode(signed).rstrip(b"=").decode()


def _decode(code: str) -> bytes:
    try:
        signed = urlsafe_b64decode(code + "=" * (-len(code) % 4))
    except (Base64Error, ValueError) as error:
        raise ForgedCode("this is not a ticket's code") from error
    is_ours = len(signed) == _PAYLOAD.size + SIGNATURE_BYTES and signed[0] == VERSION
    # The decoder ignores foreign characters and spare bits, but a ticket has exactly one code.
    if not is_ours or encode(signed) != code:
        raise ForgedCode("this is not a ticket's code")
    return signed
