"""Memory of large buffers is returned to the operating system as soon as they are freed."""

import ctypes
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""`M_MMAP_THRESHOLD` of mallopt(3): blocks of at least this size are mapped, and unmapped when freed."""

_LARGE_BYTES: Final = 64 * 1024


def return_large_buffers() -> None:
    """Set up the C library's allocator; another library than glibc is left as it is.

    By default glibc raises this threshold to the largest block that was freed, up to 32 MiB, and smaller
    blocks stay in the process: bodies given up by slow clients occupied six times the limit for all of them.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
