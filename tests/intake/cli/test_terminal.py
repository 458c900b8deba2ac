"""What strangers write steers no terminal: every command shows it written out, and tables stay straight."""

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine, text
from wcwidth import wcswidth

from intake.cli.main import app
from intake.cli.output import print_json_text, print_table
from orders.recovery.dead_letters import DeadLetter, bury, list_dead_letters
from tests.factories import NOW, make_event, make_ticket_class
from tests.intake.cli.conftest import Ran, Willcall, running_willcall
from tests.processes import ROOT, wait_until
from willcall.kinds import CREATE
from worker.runtime.printable import printable, printable_json

_DIRECTIONS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _steers(character: str) -> bool:
    """Say whether a terminal obeys the character, by Unicode's own categories."""
    return unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") or character in _DIRECTIONS


STEERING = [chr(number) for number in range(sys.maxunicode + 1) if _steers(chr(number))]
# What the database can store; an identifier has room for 64 characters.
_STORABLE = "".join(character for character in STEERING if character != "\0" and not character >= "\ud800")
HALVES = [_STORABLE[:38], _STORABLE[38:]]


def test_every_character_that_steers_is_written_out_and_no_other() -> None:
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        shown = printable(character)
        if _steers(character):
            assert shown.isascii()
            assert shown.isprintable()
            assert shown.startswith("\\")
        elif unicodedata.category(character) != "Cf":
            assert shown == character


def test_json_stays_the_same_document(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.dumps({"name": ".".join(STEERING) + 'é"\\'}, ensure_ascii=False)

    print_json_text(document)

    out = capsys.readouterr().out
    assert json.loads(out) == json.loads(document)
    assert not any(_steers(character) for character in out.removesuffix("\n"))
    assert printable_json('{"a":1}') == '{"a":1}'


@pytest.mark.parametrize("colour", [False, True])
def test_columns_begin_at_one_place_whatever_is_in_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    names = ["plain", "日本語の名前", "Zoë", "ｆｕｌｌ", "e\u0301\u0301", "한국어", *HALVES, "a\tb\nc"]
    if colour:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "400")

    print_table(("name", "mark"), [(name, "MARK") for name in names], title="Ti\x1btle")

    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    rows = [line for line in lines if line.rstrip().endswith("MARK")]
    assert len(rows) == len(names)
    assert len({wcswidth(row[: row.index("MARK")]) for row in rows}) == 1


@pytest.mark.parametrize("path", sorted((ROOT / "intake").rglob("*.py")), ids=lambda path: path.name)
def test_only_one_place_writes_to_a_terminal(path: Path) -> None:
    allowed = {
        "output.py": ".*",
        "foreground.py": r"sys\.stdout\.(write|flush|isatty)",
        # Bytes of a PDF, and a reader that has gone.
        "documents.py": r"sys\.stdout\.buffer",
        "main.py": r"sys\.stdout\.fileno",
        # What is in the bar is ours.
        "progress.py": r".*",
        "serve.py": r"sys\.stdout\.isatty",
    }
    writes = re.findall(
        r"sys\.stdout\S*|sys\.stderr\S*|\bprint\(|typer\.s?echo|\bConsole\(|\bconsole\(\)", path.read_text()
    )

    assert [one for one in writes if not re.match(allowed.get(path.name, "(?!)"), one)] == []


def _commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    group = group or typer.main.get_command(app)
    for name, command in getattr(group, "commands", {}).items():
        found = (*words, name)
        yield from _commands(command, found) if hasattr(command, "commands") else [found]


NO_STRANGERS = {("up",), ("demo",), ("migrate",), ("tickets", "public-keys"), ("secrets", "generate")}
"""Commands that show nothing of anybody; `serve …` logs, which has tests of its own."""


WAIT = ("--wait", "--timeout", "300")


class Watched:
    """Runs commands, looks at all that they write, and remembers which ran."""

    def __init__(self, willcall: Willcall) -> None:
        self._willcall = willcall
        self.seen: set[tuple[str, ...]] = set()

    def __call__(self, *words: object, stdin: bytes = b"", code: int | None = 0) -> Ran:
        ran = self._willcall(*words, stdin=stdin)
        assert code is None or ran.code == code, (words, ran)
        self.look(words, ran.out + ran.err)
        if "--json" not in words and words[-1] != "-":
            # Some take what they have shown once; asking again for JSON must be harmless then.
            again = self._willcall(*words, "--json", stdin=stdin)
            assert not [one for one in again.out + again.err if _steers(one) and one != "\n"], words
        return ran

    def look(self, words: tuple[object, ...], shown: str) -> None:
        steering = [character for character in shown if _steers(character) and character != "\n"]
        assert steering == [], words
        assert not re.search(r"^FORGED", shown, re.MULTILINE), words
        names = {command for command in _commands() if command == words[: len(command)]}
        self.seen |= names


def _file(folder: Path, name: str, content: Any) -> Path:
    file = folder / name
    file.write_text(json.dumps(content))
    return file


@pytest.mark.usefixtures("crew")
@pytest.mark.xdist_group("crew")
@pytest.mark.parametrize("steering", HALVES, ids=["first half", "second half"])
def test_no_command_passes_a_strangers_control_characters_on(
    willcall: Willcall, engine: Engine, home: Path, tmp_path: Path, steering: str
) -> None:
    watched = Watched(willcall)
    hostile = f"{steering}\nFORGED"
    tenant, class_id, event_id = f"t{hostile}", f"c{hostile}", f"e{hostile}"
    event = make_event(event_id, name=hostile, ticket_classes=[make_ticket_class(class_id, name=hostile)])
    catalogue = _file(tmp_path, "catalogue.json", {"tenant": tenant, "events": [event]})
    watched("catalog", "load", catalogue)
    watched("keys", "create", "--tenant", tenant, "--scope", "orders.read")
    watched("keys", "list")
    watched("keys", "revoke", willcall("keys", "list", "--json").json[0]["id"])

    buyer = {"first_name": f"Ada{hostile}", "last_name": hostile, "email": "ada@example.com"}
    line = {"ticket_class_id": class_id, "quantity": 2}
    body = {"buyer": buyer, "line_items": [line], "reference": hostile, "idempotency_key": f"k{hostile}"}
    good = _file(tmp_path, "good.json", body)
    bad = _file(
        tmp_path, "bad.json", {"buyer": buyer, "line_items": [line | {"ticket_class_id": f"no{hostile}"}]}
    )
    with running_willcall(
        "events", "tail", "--count", "1", variables={"WILLCALL_HOME": home}, log=tmp_path / "tail"
    ) as tail:
        wait_until(lambda: _listens(home), what="a tail")
        watched("submit", good, "--tenant", tenant, "--wait")
        tail.process.wait(300)
        watched.look(("events", "tail"), tail.output())
        assert tail.output()
    rejected = watched("submit", bad, "--tenant", tenant, "--wait", code=1)
    assert "no" in rejected.out
    request_id = willcall("submit", bad, "--tenant", tenant, "--wait", "--json").json["request_id"]
    watched("requests", "show", request_id)

    order = willcall("orders", "list", "--json").json["items"][0]
    id_ = order["id"]
    watched("orders", "list", "--tenant", tenant, "--event", event_id)
    watched("orders", "show", id_)
    for dialect in ("zoho_backstage", "acme", "eventbookings", "ticket_evolution"):
        watched("orders", "show", id_, "--dialect", dialect)
    patch = _file(tmp_path, "patch.json", {"reference": f"new{hostile}", "buyer": {"last_name": hostile}})
    watched("orders", "update", id_, "--patch", f"@{patch}", *WAIT)
    watched("orders", "pay", id_, "--type", "cash", "--amount", "1.00", "--reference", hostile, *WAIT)
    watched("orders", "pay", id_, "--type", hostile, "--amount", hostile, *WAIT, code=1)
    watched("orders", "history", id_)
    watched("orders", "pdf", id_, "-o", tmp_path / "order.pdf")
    watched("tickets", "verify", order["tickets"][0]["code"])
    watched("tickets", "verify", f"x{hostile}", code=1)
    watched("tickets", "check-in", order["tickets"][0]["code"], "--timeout", "300")
    watched("tickets", "check-in", f"x{hostile}", "--timeout", "300", code=1)
    watched("tickets", "rotate-key", "--tenant", tenant)
    watched("orders", "cancel", id_, "--ticket", order["tickets"][1]["id"], *WAIT)
    watched("orders", "cancel", id_, "--ticket", hostile, *WAIT, code=1)
    watched("orders", "history", id_)

    watched("holds", "take", class_id, "--quantity", "2", "--tenant", tenant, *WAIT)
    watched("holds", "take", f"no{hostile}", "--quantity", "2", "--tenant", tenant, *WAIT, code=1)
    hold_id = willcall("holds", "list", "--json").json["items"][0]["id"]
    watched("holds", "list")
    watched("holds", "show", hold_id)
    watched("holds", "extend", hold_id, *WAIT)
    watched("holds", "release", hold_id, *WAIT)

    with engine.begin() as connection:
        letter = DeadLetter(CREATE, hostile.encode(), hostile, details=hostile, tenant=tenant)
        bury(connection, [letter, letter], NOW)
        dead = [str(one.id) for one in list_dead_letters(connection, 2)]
        connection.execute(text("UPDATE ticket_classes SET sold = sold + 1"))
    watched("dead-letters", "list")
    watched("dead-letters", "show", dead[0])
    watched("dead-letters", "discard", dead[1], "--json")
    watched("dead-letters", "replay", dead[0], "--json")
    # The worker makes it a dead letter again: here, and not in the middle of another test.
    wait_until(lambda: bool(willcall("dead-letters", "list", "--json").json), what="the dead letter again")
    watched("top", "--once")
    watched("reconcile", code=1)
    watched("schedule", "list")
    watched("schedule", "run", "holds.sweep", "--timeout", "300")
    watched("schedule", "run", hostile, code=1)
    watched("doctor", code=None)  # whatever it finds
    watched("secrets", "rotate", "--tenant", tenant)
    commands = (("orders", "show"), ("requests", "show"), ("holds", "show"), ("catalog", "load"))
    for words in (*commands, ("requests", "replay")):
        watched(*words, hostile, code=1)
    watched("dialects", "record", hostile, "--to", hostile, code=1)
    watched("dialects", "replay", hostile, "--tenant", tenant, code=1)
    watched("orders", "list", "--tenant", f"no{hostile}", code=1)
    watched("orders", "list", f"--{hostile}", code=2)

    missing = {one for one in _commands() if one[0] != "serve"} - watched.seen - NO_STRANGERS
    assert missing == set()


def _listens(home: Path) -> bool:
    from tests.intake.cli.commands.test_events import _bound

    return len(_bound(home)) == 1


def test_an_error_that_nobody_foresaw_is_shown_written_out(tmp_path: Path) -> None:
    import subprocess

    program = (
        "import sys; from intake.cli.output import print_unexpected; sys.excepthook = print_unexpected\n"
        f"raise ValueError({''.join(HALVES)!r} + '\\nFORGED')"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)

    assert ran.returncode == 1
    assert "ValueError" in ran.stderr
    assert not [one for one in ran.stderr if _steers(one) and one != "\n"]
