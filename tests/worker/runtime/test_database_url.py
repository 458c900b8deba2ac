"""URLs of PostgreSQL, with one host or several."""

import pytest
from sqlalchemy import create_engine, make_url

from worker.runtime.database_url import parse_database_url, parse_read_database_url


def _arguments(url: str) -> dict[str, str]:
    """Return what the driver is given."""
    made = create_engine(parse_database_url(url))
    arguments = dict(made.dialect.create_connect_args(made.url)[1])
    del arguments["context"]
    return arguments


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@a:5432,b:5433/shop",
        "postgres://u:p@a,b:5433/shop",
        "postgresql+psycopg://u:p@/shop?host=a,b&port=5432,5433",
        "postgresql://u:p@/shop?host=a:5432&host=b:5433",
        "postgresql://u:p@/shop?host=a&host=b:5433",
        "postgresql://u:p@/shop?host=a,b&port=5432&port=5433",
        "postgresql://u:p@a,b:5433/shop?target_session_attrs=read-write",
    ],
)
def test_all_forms_of_several_hosts_are_one(url: str) -> None:
    assert _arguments(url) == {
        "user": "u",
        "password": "p",
        "dbname": "shop",
        "host": "a,b",
        "port": "5432,5433",
        "target_session_attrs": "read-write",
    }
    assert parse_database_url(parse_database_url(url)) == parse_database_url(url)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://[::1]:7,[fe80::1]/shop", "::1,fe80::1", "7,5432"),
        ("postgresql:///shop?host=/run/a,/run/b", "/run/a,/run/b", "5432,5432"),
        ("postgresql:///shop?host=::1,::2&port=6432", "::1,::2", "6432,6432"),
    ],
)
def test_addresses_and_sockets_can_be_several(url: str, host: str, port: str) -> None:
    found = _arguments(url)
    assert (found["host"], found["port"]) == (host, port)


@pytest.mark.parametrize(
    "rest",
    [
        "u:p@h/shop",
        "u:p,w/x?y@h:7/shop?sslmode=require",
        "@/shop?host=/run/a&port=7",
        "/shop",
        "u:p@h/shop?target_session_attrs=primary",
    ],
)
def test_one_host_stays_as_it_was_written(rest: str) -> None:
    assert parse_database_url(f"postgresql://{rest}") == f"postgresql+psycopg://{rest}"


def test_a_login_stays_as_it_was_written() -> None:
    for login in ("u:p,w", "u:a/b?c,d", "u:%40%2C", "u,v"):
        single = make_url(parse_database_url(f"postgresql://{login}@a/shop"))
        several = make_url(parse_database_url(f"postgresql://{login}@a,b/shop"))
        assert (several.username, several.password) == (single.username, single.password)


def test_what_the_url_says_else_is_kept() -> None:
    found = _arguments(
        "postgresql://a,b/shop?sslmode=verify-full&target_session_attrs=any&sslrootcert=/x%20y"
    )
    assert (found["sslmode"], found["sslrootcert"]) == ("verify-full", "/x y")
    assert found["target_session_attrs"] == "any"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://a,b/shop", "must be a URL like"),
        ("a,b", "must be a URL like"),
        ("postgresql://a,b:x/shop", "port"),
        ("postgresql://a,b:70000/shop", "port"),
        ("postgresql://a,,b/shop", "host"),
        ("postgresql://[::1,b/shop", "bracket"),
        ("postgresql://a,b/shop?host=c", "one place"),
        ("postgresql:///shop?host=a,b,c&port=1,2", "3 hosts"),
        ("postgresql://a,b/shop?target_session_attrs=standby", "read-write, primary, any"),
        ("postgresql://a/shop?target_session_attrs=read-only", "read-write, primary, any"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as raised:
        parse_database_url(url.replace("://", "://u:s3cret@", 1))
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://a,b/shop", "prefer-standby"),
        ("postgresql://a,b/shop?target_session_attrs=any", "any"),
        ("postgresql://a/shop?target_session_attrs=prefer-standby", "prefer-standby"),
        ("postgresql://a/shop", None),
    ],
)
def test_where_is_only_read_a_standby_is_preferred(url: str, wanted: str | None) -> None:
    assert make_url(parse_read_database_url(url)).query.get("target_session_attrs") == wanted


@pytest.mark.parametrize("attributes", ["read-write", "primary", "standby", "read-only"])
def test_what_would_exclude_a_standby_or_a_promoted_one_is_refused(attributes: str) -> None:
    with pytest.raises(ValueError, match="use prefer-standby, any"):
        parse_read_database_url(f"postgresql://u:secret@a,b/shop?target_session_attrs={attributes}")
