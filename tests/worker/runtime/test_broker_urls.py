"""The broker's URL may name several servers; what people read of it has no password."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils.url import parse_url
from pydantic import ValidationError

from willcall.broker_urls import checked, nodes_in, servers_in, without_passwords
from worker.runtime.settings import Settings

_words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
_hosts = st.sampled_from(["rabbit-1", "10.0.0.2", "[::1]", "broker.example"])
_ports = st.one_of(st.just(""), st.integers(1, 65535).map(lambda port: f":{port}"))


@given(
    scheme=st.sampled_from(["amqp", "amqps", "sentinel"]),
    password=_words.map(lambda word: f"§{word}§"),
    places=st.lists(st.tuples(_hosts, _ports), min_size=1, max_size=4, unique=True),
    place=st.sampled_from(["", "/", "//", "/shop"]),
    space=st.sampled_from(["", " "]),
)
def test_every_server_of_a_list_is_kept_and_no_password_is_shown(
    scheme: str, password: str, places: list[tuple[str, str]], place: str, space: str
) -> None:
    written = [f"{scheme}://user:{quote(password, safe='')}@{host}{port}{place}" for host, port in places]

    url = checked(f"{space};{space}".join(written))

    assert list(servers_in(url)) == written
    assert {parse_url(server)["password"] for server in servers_in(url)} == {password}
    assert len(nodes_in(url)) == (1 if scheme == "sentinel" else len(places))
    shown = without_passwords(url)
    assert shown.count("user:**@") == len(places)
    assert quote(password, safe="") not in shown
    assert all(f"{host}{port}" in shown for host, port in places)


@pytest.mark.parametrize(
    "url",
    [
        "",
        ";",
        "secret",
        "http://secret@host",
        "amqp://secret@a;b",
        "amqp://a;//secret@b",
        "amqp://user:sec;ret@host//",
        "amqp://secret@a;redis://b",
        "amqp://secret@a;amqps://b",
        "amqp://secret@a/shop;amqp://b/other",
        "redis://secret@a;redis://b",
        "rediss://secret@a;rediss://b",
        "redis+socket:///secret;redis+socket:///b",
        "sentinel://secret@a/0;sentinel://b/1",
    ],
)
def test_a_list_that_cannot_be_one_broker_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings(broker_url=url)

    [detail] = raised.value.errors()
    assert "sec" not in detail["msg"]


def test_a_server_that_is_named_twice_is_one() -> None:
    assert checked("amqp://a//;amqp://b//;amqp://a//;") == "amqp://a//;amqp://b//"
