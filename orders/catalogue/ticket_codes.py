"""Signing ticket codes; `willcall.ticket_codes` says what they are made of, and verifies them."""

import secrets
import struct
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final
from uuid import UUID

from nacl.bindings import crypto_sign
from nacl.signing import SigningKey

from willcall.ticket_codes import HEAD, SIGNATURE_BYTES, VERSION, encode

_SCOPE: Final = struct.Struct(">16s16sII")
_LAST_SECOND: Final = 2**32 - 1


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
        payload = HEAD.pack(VERSION, self.id) + ticket_id + scope
        # The binding below nacl.signing saves an object for each of thousands of tickets per second.
        signature = crypto_sign(payload, self._expanded)[:SIGNATURE_BYTES]
        return encode(payload + signature)


def code_scope(
    *, event_id: UUID, ticket_class_id: UUID, valid_from: datetime, valid_until: datetime
) -> bytes:
    """Return the part that all codes of a ticket class share: the event, the class and the times."""
    return _SCOPE.pack(event_id.bytes, ticket_class_id.bytes, _seconds(valid_from), _seconds(valid_until))


def _seconds(moment: datetime) -> int:
    return min(max(int(moment.timestamp()), 0), _LAST_SECOND)
