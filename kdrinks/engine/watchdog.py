"""When a worker that says nothing is given up, and when it holds more memory than it may: limits, and what the system tells of a process.

Ends nothing itself: process.py does, and local.py says which limits hold for a model.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

SILENT_S = 30.0
"""A step of the work that brings no line. While it computes a worker says about once a second that it goes on (worker.Beat): what is left
is a driver, a tensor that is read from a slow disk, a vocabulary of 262,144 words (about a second)."""
SLOW_DISK_BYTES_PER_S = 100e6
"""Beside SILENT_S the whole file may be read once at this speed: a tensor is at most some tenths of it, so a disk may be slower by as much."""
GPU_S = 300.0
"""Beside it where a GPU takes part: a driver compiles its programs at their first use, without a word."""
START_S = 60.0
"""Beside it before a worker's first line: Python, numpy and llama.cpp's libraries come from the disk."""
STOPPED_S = 2.0
"""One that the system has stopped (SIGSTOP) goes on only if somebody tells it to."""
LOOK_S = 0.25
"""How often a silent worker is looked at."""
MARGIN_BYTES = 2**30
"""What a worker may hold beside what its model takes: a template's text, adapters' scratch, the allocator's own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one worker and the model in it."""

    silent_s: float = SILENT_S
    memory_bytes: int = 0
    """Private memory (private_bytes); 0 sets no limit."""


def limits_for_load(size_bytes: int, *, gpu: bool, predicted_bytes: int) -> Limits:
    """Of a model that is to be loaded. size_bytes: of its file; predicted_bytes: its peak on the CPU, 0 when nobody knows.

    Twice the prediction: one that is wrong must not make a model impossible. Once it is there the worker tells what it takes.
    """
    silent_s = SILENT_S + size_bytes / SLOW_DISK_BYTES_PER_S + (GPU_S if gpu else 0.0)
    return Limits(silent_s, 2 * (predicted_bytes + MARGIN_BYTES) if predicted_bytes else 0)


class Silence:
    """Seconds since a worker was last heard, as far as this process could listen.

    Ctrl-Z, a laptop's sleep and a debugger stop the listener too: what passes between two looks counts as two of them at most.
    """

    def __init__(self, now_s: float) -> None:
        self.seconds = 0.0
        self._looked_s = now_s

    def heard(self, now_s: float) -> None:
        self.seconds, self._looked_s = 0.0, now_s

    def look(self, now_s: float) -> None:
        self.seconds += min(now_s - self._looked_s, 2 * LOOK_S)
        self._looked_s = now_s


def private_bytes(pid: int) -> int:
    """What a process holds for itself, in memory or swapped out, without what is mapped from files; 0 when it is gone.

    Source: RssAnon, VmSwap in https://docs.kernel.org/filesystems/proc.html
    """
    with suppress(OSError, ValueError, IndexError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return sum(int(status.split(f"{name}:", 1)[1].split(maxsplit=1)[0]) * 1024 for name in ("RssAnon", "VmSwap"))
    with suppress(psutil.Error):
        memory = psutil.Process(pid).memory_info()
        return int(getattr(memory, "private", 0) or memory.rss - getattr(memory, "shared", 0))
    return 0


def is_stopped(pid: int) -> bool:
    """Whether the system has stopped it (SIGSTOP, SIGTSTP); not one that a debugger holds."""
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False
