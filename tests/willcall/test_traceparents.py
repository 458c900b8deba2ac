"""Trace contexts in messages: which are valid, and how a message carries them."""

import pytest

from willcall.messages import task_message
from willcall.packing import outgoing, pack
from willcall.traceparents import TRACEPARENT, TRACEPARENTS, checked, headers_of, read_headers, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
ONE = f"00-{TRACE}-b7ad6b7169203331-01"
OTHER = f"00-{TRACE}-00f067aa0ba902b7-00"

MALFORMED = [
    None,
    7,
    b"00",
    "",
    ONE[:-1],
    f"{ONE}0",
    f"{ONE}-01",  # version 00 has four fields
    f"ff{ONE[2:]}",
    f"0g{ONE[2:]}",
    ONE.upper(),
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-b7ad6b7169203331_01",
    f" {ONE}",
    f"{ONE}\n",
    f"01{ONE[2:]}-{'x' * 500}",
]


def test_a_valid_trace_context_is_taken_as_it_is() -> None:
    assert [checked(one) for one in (ONE, OTHER)] == [ONE, OTHER]
    assert trace_id_of(ONE) == TRACE


def test_of_a_later_version_the_first_four_fields_are_read() -> None:
    assert checked(f"cc{ONE[2:]}-what-the-future-brings") == ONE
    assert checked(f"cc{ONE[2:]}") == ONE


@pytest.mark.parametrize("malformed", MALFORMED, ids=repr)
def test_a_malformed_trace_context_is_ignored(malformed: object) -> None:
    assert checked(malformed) is None
    assert read_headers({TRACEPARENT: malformed}, 2) == [None, None]
    assert read_headers({TRACEPARENTS: [malformed, ONE]}, 2) == [None, ONE]


def test_requests_of_one_trace_context_share_the_standard_header() -> None:
    assert headers_of([ONE] * 100) == {TRACEPARENT: ONE}
    assert read_headers({TRACEPARENT: ONE}, 3) == [ONE] * 3


@pytest.mark.parametrize("several", [[ONE, OTHER], [ONE, None], [None, ONE], [OTHER, None, ONE]])
def test_requests_of_several_have_each_its_own(several: list[str | None]) -> None:
    headers = headers_of(several)

    assert headers.keys() == {TRACEPARENTS}
    assert read_headers(headers, len(several)) == several


def test_a_message_without_a_trace_context_has_no_header_for_it() -> None:
    plain = task_message("orders.create", b"{}", queue="orders", summary="", traceparents=[None, None])

    assert not {TRACEPARENT, TRACEPARENTS} & plain.headers.keys()


@pytest.mark.parametrize("sent", [[ONE], [ONE] * 5, "x", {}, None])
def test_a_list_of_another_length_gives_no_request_a_wrong_one(sent: object) -> None:
    each = read_headers({TRACEPARENTS: sent}, 3)

    assert len(each) == 3
    assert each == (
        [ONE, ONE, ONE] if sent == [ONE] * 5 else [ONE, None, None] if sent == [ONE] else [None] * 3
    )


def test_the_header_of_a_message_is_bounded() -> None:
    requests = [
        outgoing("orders.create", {}, tenant="demo", traceparent=(ONE, OTHER)[n % 2]) for n in range(500)
    ]

    messages = pack(requests)

    assert max(len(message.headers[TRACEPARENTS]) for message in messages) == 100
    assert [one for message in messages for one in message.headers[TRACEPARENTS]] == [ONE, OTHER] * 250
