"""What people see when something is wrong, or when they ask for help."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine

from intake.cli.main import app
from tests.factories import load
from tests.intake.cli.conftest import WILLCALL, Willcall, environment
from tests.processes import PATIENCE_SECONDS
from tests.troubles import TROUBLES


def _paths(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the words of all commands and groups."""
    commands = getattr(group, "commands", {})
    return [path, *(found for name, one in commands.items() for found in _paths(one, (*path, name)))]


ALL_COMMANDS = _paths(typer.main.get_command(app))


@pytest.mark.parametrize("words", ALL_COMMANDS, ids=" ".join)
def test_every_command_has_help_and_those_that_run_an_example(
    willcall: Willcall, words: tuple[str, ...]
) -> None:
    ran = willcall(*words, "--help")

    assert ran.code == 0
    assert f"Usage: willcall {' '.join(words)}".rstrip() in ran.out
    if "COMMAND [ARGS]" not in ran.out:
        assert "Example: " in ran.out


def test_every_command_of_the_contract_is_there() -> None:
    expected = {
        "demo", "up", "migrate", "catalog load", "submit", "orders list", "orders show", "requests show",
        "orders update", "orders cancel", "orders pay", "orders history", "tickets check-in",
        "holds take", "holds extend", "holds release", "holds list", "holds show",
        "events tail", "dead-letters list", "dead-letters show", "dead-letters replay",
        "dead-letters discard",
        "reconcile", "schedule list", "schedule run", "top",
        "keys create", "keys list", "keys revoke", "doctor", "tickets verify",
        "tickets public-keys", "tickets rotate-key",
        *(f"serve {process}" for process in ("intake", "worker", "relay", "beat", "flower")),
    }  # fmt: skip

    assert expected <= {" ".join(words) for words in ALL_COMMANDS}


@pytest.mark.parametrize(
    "words",
    [
        ["orders", "list"],
        ["holds", "list"],
        ["orders", "history", "1"],
        ["keys", "list"],
        ["dead-letters", "list"],
        ["migrate"],
        ["reconcile"],
    ],
    ids=" ".join,
)
def test_a_database_that_is_away_is_a_sentence_without_the_password(
    willcall: Willcall, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("WILLCALL_DATABASE_URL", "postgresql://someone:secret@127.0.0.1:1/none")

    ran = willcall(*words)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("willcall: the database postgresql+psycopg://someone:***@127.0.0.1:1/none ")
    assert "refused" in ran.err
    assert "secret" not in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("trouble", "words", "sentence"),
    [
        (
            "read only",
            ["keys", "create", "--tenant", "demo", "--scope", "admin"],
            " cannot do this now: 25006: ",
        ),
        (
            "column missing",
            ["orders", "list", "--email", "sam@example.com"],
            " does not match this program: 42703: ",
        ),
        ("table missing", ["doctor"], "bad schema: the database schema lacks outbox."),
        ("read only", ["doctor"], "bad writing: the database is read-only"),
        ("newer schema", ["doctor"], "bad schema: the database schema ("),
    ],
)
def test_a_database_that_cannot_do_it_is_a_sentence(
    willcall: Willcall, engine: Engine, trouble: str, words: list[str], sentence: str
) -> None:
    load(engine)
    with TROUBLES[trouble](engine):
        ran = willcall(*words)

    assert ran.code == 1
    assert sentence in ran.out + ran.err
    assert "Traceback" not in ran.err


def test_a_broker_that_is_away_is_a_sentence_without_the_password(
    willcall: Willcall, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("amqp://someone:secret@127.0.0.1:1//", "redis://someone:secret@127.0.0.1:1/0"):
        monkeypatch.setenv("WILLCALL_BROKER_URL", url)

        ran = willcall("events", "tail", "--timeout", 1)

        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"willcall: the broker {url.replace('secret', '**').rstrip('0')}")
        assert "does not answer: " in ran.err
        assert ran.err.count("\n") == 1


def test_a_wrong_setting_is_named_and_exits_with_2(tmp_path: Path) -> None:
    ran = subprocess.run(
        [WILLCALL, "orders", "list"],
        env=environment(WILLCALL_HOME=tmp_path, WILLCALL_INTAKE_PORT="http"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert ran.returncode == 2
    assert ran.stderr.startswith("willcall: the setting WILLCALL_INTAKE_PORT is wrong: ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["orders", "list", "--colour"], "no such option: --colour"),
        (["orders", "show"], "missing argument 'ORDER'"),
        (["frobnicate"], "no such command 'frobnicate'"),
        (["orders", "list", "--limit", "many"], "invalid value for '--limit'"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exits_with_2(
    willcall: Willcall, words: list[str], sentence: str
) -> None:
    ran = willcall(*words)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"willcall: {sentence}")
    assert "--help" in ran.err
    assert ran.err.count("\n") == 1


def test_a_reader_that_has_enough_is_no_error(home: Path, engine: object) -> None:
    ran = subprocess.run(
        f"'{WILLCALL}' orders list --help | head -n 1",
        shell=True,
        env=environment(WILLCALL_HOME=home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert ran.stderr == ""
