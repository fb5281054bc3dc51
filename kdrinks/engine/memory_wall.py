"""The worker's own wall: what its process may hold beside what the loaded model takes, set by the system for itself.

A template that doubles a text 28 times takes 12 GB within seconds, faster than anybody outside can look: here its next allocation fails
and the worker answers that it did. Linux only, and not with a GPU, whose driver reserves address space as it likes; elsewhere
process.py looks from outside (watchdog.private_bytes).
"""

from contextlib import suppress
from pathlib import Path

from kdrinks.engine.watchdog import MARGIN_BYTES

try:
    import resource
except ImportError:  # Windows
    _LIMIT = None
else:
    _LIMIT = resource.RLIMIT_DATA


def private_address_bytes() -> int:
    """What RLIMIT_DATA counts of this process: writable memory that is mapped from no file, used or not yet; 0 where nobody tells.

    Source: VmData in https://docs.kernel.org/filesystems/proc.html, RLIMIT_DATA in getrlimit(2): since Linux 4.7 with private mappings
    """
    with suppress(OSError, ValueError, IndexError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.split("VmData:", 1)[1].split(maxsplit=1)[0]) * 1024
    return 0


def around(extra_bytes: int) -> int:
    """Where the wall should stand: at what the process has now, extra_bytes and MARGIN_BYTES; 0 where nobody tells what it has."""
    held = private_address_bytes()
    return held + extra_bytes + MARGIN_BYTES if held else 0


def raise_at(limit_bytes: int) -> None:
    """Lets no allocation reach above it; 0 raises none."""
    if limit_bytes:
        _set(limit_bytes)


def lift() -> None:
    """Takes the wall away: a model or an adapter is to be loaded."""
    _set(-1)


def _set(limit_bytes: int) -> None:
    if _LIMIT is not None and private_address_bytes():
        hard = resource.getrlimit(_LIMIT)[1]
        if limit_bytes < 0 or hard < 0 or limit_bytes <= hard:
            resource.setrlimit(_LIMIT, (hard if limit_bytes < 0 else limit_bytes, hard))
