"""Disks of a few megabytes that can be filled (Linux, root)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


@cache
def can_mount() -> bool:
    """Say whether a small disk can be mounted here."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with TemporaryDirectory(prefix="willcall-disk-") as folder:
        if _mount(Path(folder), 1).returncode:
            return False
        unmount(Path(folder))
    return True


def mount(folder: Path, megabytes: int) -> None:
    """Put a disk of this size over a folder, which keeps its owner."""
    owner = folder.stat()
    done = _mount(folder, megabytes)
    assert done.returncode == 0, done.stderr
    os.chown(folder, owner.st_uid, owner.st_gid)


def unmount(folder: Path) -> None:
    """Take the disk away, whoever has files of it open."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[Path]:
    """Leave no byte of the disk while the block lasts."""
    filling = folder / "filling"
    try:
        with filling.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
        yield filling
    finally:
        filling.unlink(missing_ok=True)


def room(folder: Path) -> int:
    """Return how many bytes are left on the disk."""
    return shutil.disk_usage(folder).free


def _mount(folder: Path, megabytes: int) -> "subprocess.CompletedProcess[str]":
    words = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=False)
