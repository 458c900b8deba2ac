"""The worst bodies of a mebibyte that anybody has thought of: for every route, whatever it expects.

Each is made to cost where something is done for each character, name, item, level or digit. Who finds a worse
one adds it here.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from intake.web.strict_json import MAX_VALUES

MAX_BYTES: Final = 1024 * 1024
BUYER: Final = {"first_name": "Ada", "last_name": "Example", "email": "ada@example.com"}

Fill = Callable[[int], bytes]


def _times(start: bytes, item: bytes, end: bytes, size: int) -> bytes:
    """Return as many items as fit, separated by commas."""
    count = (size - len(start) - len(end) + 1) // (len(item) + 1)
    return start + b",".join([item] * count) + end


def _most(start: bytes, item: bytes, values: int, end: bytes, size: int) -> bytes:
    """Return as many items as are parsed at all, or as fit; each counts as so many values."""
    count = (MAX_VALUES - 10) // values
    least = len(start) + len(end) + count * (len(item) + 1)
    return _times(start, item, end, min(size, least))


def _numbered(start: bytes, item: Callable[[int], bytes], end: bytes, size: int) -> bytes:
    """Return as many different items as fit, separated by commas."""
    left = size - len(start) - len(end)
    items: list[bytes] = []
    while left > (length := len(found := item(len(items))) + 1):
        items.append(found)
        left -= length
    return start + b",".join(items) + end


def _deep(opening: bytes, closing: bytes, size: int) -> bytes:
    levels = size // (len(opening) + len(closing)) - 1
    return opening * levels + b"1" + closing * levels


def _list_of(item: bytes) -> Fill:
    return lambda size: _times(b"[", item, b"]", size)


def _field(name: str, item: Any) -> Fill:
    """A field with a list that is as long as can be."""
    text = item if isinstance(item, bytes) else json.dumps(item).encode()
    return lambda size: _times(b'{"%s":[' % name.encode(), text, b"]}", size)


def _value(name: str, value: Callable[[int], bytes]) -> Fill:
    return lambda size: b'{"%s":' % name.encode() + value(size - len(name) - 6) + b"}"


def _text(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: b'"' + piece * ((size - 2) // len(piece)) + b'"'


def _digits(start: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: start + b"9" * (size - len(start) - len(end)) + end


WORST: Final[dict[str, Fill]] = {
    "deep arrays": lambda size: _deep(b"[", b"]", size),
    "deep objects": lambda size: _deep(b'{"a":', b"}", size),
    "deep under a name": lambda size: b'{"extras":' + _deep(b'{"a":', b"}", size - 11) + b"}",
    "nested just enough": lambda size: _times(b'{"extras":[', _deep(b"[", b"]", 490), b"]}", size),
    "nested as often as may be": lambda size: _most(b'{"extras":[', _deep(b"[", b"]", 490), 245, b"]}", size),
    "deep objects as often as may be": lambda size: _most(
        b"[", _deep(b'{"a":', b"}", 1_400), 232, b"]", size
    ),
    "fractions as often as may be": lambda size: _most(b"[", b"0.1234", 1, b"]", size),
    "objects as often as may be": lambda size: _most(b"[", b'{"a":"b"}', 2, b"]", size),
    "surrogates as often as may be": lambda size: _most(b"[", b'"\\ud800"', 1, b"]", size),
    "arrays without end": lambda size: b"[" * size,
    "objects without end": lambda size: (b'{"a":' * size)[:size],
    "many names": lambda size: _numbered(b"{", lambda n: b'"%d":1' % n, b"}", size),
    "a name twice, at the end": lambda size: _numbered(b"{", lambda n: b'"%d":1' % n, b',"1":1}', size),
    "names twice in many objects": _list_of(b'{"a":1,"a":1}'),
    "escaped names": lambda size: _numbered(
        b"{", lambda n: b'"\\u003a' + b"".join(b"\\u%04x" % ord(one) for one in str(n)) + b'":1', b"}", size
    ),
    "names of the same hash": lambda size: _numbered(
        b"{", lambda n: b'"%d":1' % (n * (2**61 - 1)), b"}", size
    ),
    "empty objects": _list_of(b"{}"),
    "empty arrays": _list_of(b"[]"),
    "numbers": _list_of(b"0"),
    "fractions": _list_of(b"0.1"),
    "exponents": _list_of(b"1e40"),
    "integers of 4,300 digits": _list_of(b"9" * 4_300),
    "fractions of 4,300 digits": _list_of(b"0." + b"9" * 4_300),
    "a long integer": _value("quantity", _digits(b"")),
    "a long fraction": _value("unit_price", _digits(b"0.")),
    "a long amount": _value("shipping", _digits(b"", b".5")),
    "a long exponent": _value("shipping", _digits(b"1e")),
    "a long text": _value("reference", _text(b"x")),
    "an escaped text": _value("reference", _text(b"\\u00e9")),
    "a text of surrogates": _value("reference", _text(b"\\ud800")),
    "a text of pairs": _value("reference", _text(b"\\ud83d\\ude00")),
    "a text of quotes": _value("reference", _text(b'\\"')),
    "a text of colons": _value("reference", _text(b":")),
    "a text of digits": _value("unit_price", _text(b"9")),
    "an e-mail address": _value("email", _text(b"a@")),
    "a moment": _value("payment_due_at", _text(b"2027-01-01T00:00:00")),
    "a long key": _value("idempotency_key", _text(b"k")),
    "blanks": lambda size: b"{" + b" " * (size - 2) + b"}",
    "no UTF-8": lambda size: b'{"reference":"' + b"\xff" * (size - 16) + b'"}',
    "zeros": lambda size: b"\x00" * size,
    "five hundred orders": lambda size: _times(
        b"[", json.dumps({"buyer": BUYER, "reference": "r" * (size // 500 - 120)}).encode(), b"]", size
    ),
    "orders that are none": _list_of(b"[0]"),
    "orders with a field of ours": _list_of(b'{"tenant":1,"by":1,"request_id":1}'),
    "lines": _field("line_items", {"ticket_class_id": "standing", "quantity": 1}),
    "lines that are none": _field("line_items", 0),
    "extras": lambda size: _numbered(b'{"extras":{"acme":{', lambda n: b'"%d":%d' % (n, n), b"}}}", size),
    "tickets of Zoho's": _field("tickets", {"ticketclass_id": "3000000012232", "data": {"first_name": "s"}}),
    "tickets of Zoho's that are none": _field("tickets", 0),
    "items of ACME's": _field("orderItems", {"eventId": "1", "quantity": 1, "unitPrice": 1.5}),
    "items of ACME's that are none": _field("orderItems", 0),
    "wrapped items of ACME's": _field("orderItems", [[[[{"a": [1]}]]]]),
    "orders of Ticket Evolution's": _field("orders", {"seller_id": 1, "shipped_items": [{"items": [{}]}]}),
    "orders of Ticket Evolution's that are none": _field("orders", 0),
    "items of Ticket Evolution's": lambda size: _times(
        b'{"orders":[{"seller_id":1,"shipped_items":[{"items":[',
        b'{"ticket_group_id":3000000012232,"quantity":2,"price":45.5}',
        b"]}]}]}",
        size,
    ),
    "ticket ids": _field("ticket_ids", "0199c0de-0000-7000-8000-000000000001"),
    "ticket ids that are none": _field("ticket_ids", 0),
    "seats": _field("seats", "A1"),
}
"""By what they are made of; each is called with its size."""


FORMS: Final[dict[str, Fill]] = {
    "fields": lambda size: (b"a=&" * size)[:size],
    "many names": lambda size: b"&".join(b"%d=" % n for n in range(size // 8)),
    "separators": lambda size: b"&" * size,
    "escapes": lambda size: (b"a=" + b"%41" * size)[:size],
    "broken escapes": lambda size: (b"a=" + b"%" * size)[:size],
    "a secret": lambda size: (b"grant_type=client_credentials&client_secret=" + b"x" * size)[:size],
}
"""What is not JSON: fields of a form."""
