"""The expiry of a certificate, the only field that is read (RFC 5280, 4.1; DER, X.690)."""

from datetime import UTC, datetime
from typing import Final

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_BEFORE_VALIDITY: Final = 3  # serial number, signature algorithm, issuer


class CertificateUnreadable(Exception):
    """The bytes are not a certificate in a known form."""


def expiry_of(certificate: bytes) -> datetime:
    """Return the end of a certificate's validity, in UTC. Raises `CertificateUnreadable`."""
    try:
        _, signed, _ = _element(_element(certificate)[1])
        tag, _, rest = _element(signed)
        if tag == _VERSION:
            signed = rest
        for _ in range(_BEFORE_VALIDITY):
            signed = _element(signed)[2]
        _, validity, _ = _element(signed)
        tag, digits, _ = _element(_element(validity)[2])
        return _moment(tag, digits.decode("ascii"))
    except (IndexError, ValueError) as error:
        raise CertificateUnreadable("it is not an X.509 certificate in DER") from error


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag of the first element, its content, and what comes after it."""
    tag, length, start = der[0], der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if start + length > len(der):
        raise ValueError("it is truncated")
    return tag, der[start : start + length], der[start + length :]


def _moment(tag: int, digits: str) -> datetime:
    if tag == _GENERALIZED_TIME:
        return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    if tag != _UTC_TIME:
        raise ValueError("it has no expiry")
    century = "20" if int(digits[:2]) < 50 else "19"  # RFC 5280, 4.1.2.5.1
    return datetime.strptime(century + digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
