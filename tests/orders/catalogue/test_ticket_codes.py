"""Ticket codes: verified without asking anybody, and by nobody's leave forged."""

import re
import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey

from orders.catalogue.ticket_codes import TicketKey, code_scope
from willcall.ticket_codes import ForgedCode, TicketClaims, UnknownKey, verify_ticket

ALPHABET = string.ascii_letters + string.digits + "-_"
FIVE_PM = datetime(2027, 4, 11, 17, 0, tzinfo=UTC)
NINE_PM = datetime(2027, 4, 11, 21, 0, tzinfo=UTC)
SEED = bytes(range(32))
# Of the ticket of `make_code`, signed by another implementation of Ed25519 (OpenSSL).
GOLDEN = (
    "AQECAwQAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAgAAAAAAAAAAAAAAAAAAAANru7GQa7vp0N"
    "u6T7qLOXN8k9DdPjDHcWaK8yPZWY2-Hls3X39Ip2D5hHjOS3wj-pncqKepDo1auzIc0Fd31bY_J6SVHaUafQo"
)


def make_key(id: int = 0x01020304, seed: bytes = SEED) -> TicketKey:
    return TicketKey(id, seed)


def make_code(key: TicketKey | None = None, ticket_id: UUID | None = None, **changes: Any) -> str:
    scope: dict[str, Any] = {
        "event_id": UUID(int=2),
        "ticket_class_id": UUID(int=3),
        "valid_from": FIVE_PM,
        "valid_until": NINE_PM,
    }
    return (key or make_key()).sign((ticket_id or UUID(int=1)).bytes, code_scope(**scope | changes))


def known(*keys: TicketKey) -> dict[int, bytes]:
    """The public halves of the keys, as a scanner has them."""
    return {key.id: key.public_key for key in keys or (make_key(),)}


def is_verified(code: str, public_keys: dict[int, bytes] | None = None) -> bool:
    try:
        verify_ticket(code, known() if public_keys is None else public_keys)
    except (ForgedCode, UnknownKey):
        return False
    return True


def unpadded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def test_a_code_says_whose_ticket_it_is_and_when_it_is_good() -> None:
    assert verify_ticket(make_code(), known()) == TicketClaims(
        key_id=0x01020304,
        ticket_id=UUID(int=1),
        event_id=UUID(int=2),
        ticket_class_id=UUID(int=3),
        valid_from=FIVE_PM,
        valid_until=NINE_PM,
    )


@settings(deadline=None, max_examples=200)
@given(
    st.integers(0, 2**32 - 1),
    st.binary(min_size=32, max_size=32),
    st.tuples(st.uuids(), st.uuids(), st.uuids()),
    st.datetimes(datetime(1970, 1, 1), datetime(2106, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_signed_code_is_verified(
    key_id: int, seed: bytes, ids: tuple[UUID, UUID, UUID], start: datetime
) -> None:
    key = make_key(key_id, seed)
    ticket, event, ticket_class = ids

    code = make_code(key, ticket_id=ticket, event_id=event, ticket_class_id=ticket_class, valid_from=start)

    claims = verify_ticket(code, known(key))
    assert (claims.ticket_id, claims.event_id, claims.ticket_class_id) == ids
    assert claims.key_id == key_id
    assert claims.valid_from == start.replace(microsecond=0)


def test_a_code_is_laid_out_as_scanners_elsewhere_read_it() -> None:
    signed = urlsafe_b64decode(make_code() + "=")

    payload, signature = signed[:61], signed[61:]
    assert payload == b"".join(
        [
            b"\x01",
            b"\x01\x02\x03\x04",
            UUID(int=1).bytes,
            UUID(int=2).bytes,
            UUID(int=3).bytes,
            int(FIVE_PM.timestamp()).to_bytes(4, "big"),
            int(NINE_PM.timestamp()).to_bytes(4, "big"),
        ]
    )
    assert len(signature) == 64
    VerifyKey(known()[0x01020304]).verify(payload, signature)


def test_the_same_ticket_has_the_same_code_for_ever() -> None:
    assert make_code() == make_code() == GOLDEN


def test_a_code_is_safe_in_an_address() -> None:
    for _ in range(50):
        assert re.fullmatch("[A-Za-z0-9_-]+", make_code(TicketKey.generate(), ticket_id=uuid4()))


def test_a_code_fits_a_small_qr_code() -> None:
    # 180 bytes are a QR code of version 9 (53 × 53 modules) at level M (ISO/IEC 18004, table 7).
    assert len(make_code()) == 167 <= 180


def test_no_single_changed_character_is_ever_verified() -> None:
    code = make_code()

    for index, original in enumerate(code):
        for character in ALPHABET.replace(original, ""):
            assert not is_verified(code[:index] + character + code[index + 1 :]), (index, character)


@pytest.mark.parametrize("character", ["=", " ", "\n", "+", "/", ".", "\0", "é", "Ａ", "\ud800", "😀"])
def test_no_foreign_character_is_overlooked(character: str) -> None:
    code = make_code()

    for index in range(len(code) + 1):
        assert not is_verified(code[:index] + character + code[index:]), f"inserted at {index}"
        assert not is_verified(code[:index] + character + code[index + 1 :]), f"in place of {index}"


def test_no_shortened_or_lengthened_code_is_verified() -> None:
    code = make_code()

    for index in range(len(code)):
        assert not is_verified(code[:index]), f"cut at {index}"
        assert not is_verified(code[:index] + code[index + 1 :]), f"without {index}"
        assert not is_verified(code[:index] + code[index] + code[index:]), f"with {index} twice"


@pytest.mark.parametrize("code", ["", "A", "=", "hello", "A" * 167, "A" * 1_000_000, "\ud800", "٣" * 167])
def test_what_is_no_code_at_all_is_called_forged(code: str) -> None:
    with pytest.raises(ForgedCode):
        verify_ticket(code, known())


def test_a_code_of_another_version_is_called_forged_though_its_signature_is_good() -> None:
    payload = b"\x02" + urlsafe_b64decode(make_code() + "=")[1:61]

    with pytest.raises(ForgedCode):
        verify_ticket(unpadded(payload + SigningKey(SEED).sign(payload).signature), known())


def test_a_changed_claim_under_a_known_key_is_called_forged() -> None:
    signed = bytearray(urlsafe_b64decode(make_code() + "="))
    signed[20] ^= 1  # in the ticket's id

    with pytest.raises(ForgedCode):
        verify_ticket(unpadded(bytes(signed)), known())


def test_the_signature_of_one_ticket_is_none_for_another() -> None:
    one = urlsafe_b64decode(make_code(ticket_id=UUID(int=1)) + "=")
    other = urlsafe_b64decode(make_code(ticket_id=UUID(int=9)) + "=")

    with pytest.raises(ForgedCode):
        verify_ticket(unpadded(one[:61] + other[61:]), known())


def test_a_code_of_another_tenants_key_is_of_an_unknown_key() -> None:
    ours, theirs = TicketKey.generate(), TicketKey.generate()

    with pytest.raises(UnknownKey, match=str(theirs.id)):
        verify_ticket(make_code(theirs), known(ours))


def test_a_code_signed_by_another_under_our_keys_id_is_called_forged() -> None:
    ours = make_key(seed=SEED)
    theirs = make_key(id=ours.id, seed=bytes(32))

    with pytest.raises(ForgedCode):
        verify_ticket(make_code(theirs), known(ours))


def test_with_no_keys_at_all_every_key_is_unknown() -> None:
    with pytest.raises(UnknownKey):
        verify_ticket(make_code(), {})


def test_codes_of_an_older_key_stay_good_when_a_newer_one_signs() -> None:
    older, newer = TicketKey.generate(), TicketKey.generate()
    both = known(older, newer)

    assert verify_ticket(make_code(older), both).key_id == older.id
    assert verify_ticket(make_code(newer), both).key_id == newer.id
    assert not is_verified(make_code(older), known(newer))


def test_generated_keys_differ() -> None:
    keys = [TicketKey.generate() for _ in range(20)]

    assert len({key.id for key in keys}) == 20
    assert len(set(known(*keys).values())) == 20
    assert all(0 <= key.id < 2**32 for key in keys)


def test_a_moment_is_the_same_in_any_time_zone() -> None:
    in_paris = FIVE_PM.astimezone(timezone(timedelta(hours=2)))

    assert make_code(valid_from=in_paris) == make_code(valid_from=FIVE_PM)


@pytest.mark.parametrize(
    ("moment", "read"),
    [
        (datetime(1950, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
        (datetime(2200, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)),
    ],
)
def test_a_moment_beyond_the_format_is_the_nearest_one_in_it(moment: datetime, read: datetime) -> None:
    assert verify_ticket(make_code(valid_until=moment), known()).valid_until == read
