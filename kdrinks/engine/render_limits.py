"""Foreign code within bounds: so much processor time, so much memory. For what runs in this thread and does not wait.

A chat template is a program that came with a file. One doubled a string 28 times and took 12 GB, one counted for ever: each held up
everybody's questions. Two guards, for neither sees all: the system refuses memory above the bound (RLIMIT_AS, where it knows that), and a
thread looks at time and memory and raises LimitReached in the thread that is at work, on every system, but only between two of its steps.
One step that never ends is left to whoever supervises the process.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import psutil

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

FIRST_LOOK_S = 0.1
"""A real template is done within some milliseconds: nobody looks before this."""
LOOK_EVERY_S = 0.02
Result = TypeVar("Result")


class LimitReached(BaseException):
    """Raised between any two steps of the work; no `except Exception` in it catches this."""


def within(work: Callable[[], Result], *, cpu_s: float, memory_bytes: int) -> Result:
    """What work returns; bounded to cpu_s of this process's processor time and memory_bytes more memory than it has now.

    Raises LimitReached, and whatever work raises: MemoryError where the system refused it more.
    """
    worker, over, guard = threading.get_ident(), threading.Event(), threading.Lock()
    began_s = time.process_time()

    def watch() -> None:
        if over.wait(FIRST_LOOK_S):
            return
        process = psutil.Process()
        most_bytes = process.memory_info().rss + memory_bytes
        while True:
            if time.process_time() - began_s > cpu_s or process.memory_info().rss > most_bytes:
                with guard:
                    if not over.is_set():
                        _raise_in(worker, LimitReached)
                return
            if over.wait(LOOK_EVERY_S):
                return

    watcher = threading.Thread(target=watch, name="render-limits", daemon=True)
    watcher.start()
    before = _bound_memory(memory_bytes)
    late = False
    try:
        result = work()
    finally:
        while True:  # once more where LimitReached, raised at most once, comes only here
            try:
                with guard:
                    over.set()
                watcher.join()
                break
            except LimitReached:
                late = True
        _raise_in(worker, None)
        if before is not None:
            resource.setrlimit(resource.RLIMIT_AS, before)
    if late:
        raise LimitReached
    return result


def _bound_memory(more_bytes: int) -> tuple[int, int] | None:
    """The bound before, to be set again; None where the system bounds no memory of a process."""
    if resource is None or not hasattr(resource, "RLIMIT_AS"):
        return None
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + more_bytes
    if before[0] != resource.RLIM_INFINITY and before[0] < most:
        return None  # somebody bounds it more tightly already
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    except (OSError, ValueError):  # macOS knows the name and refuses
        return None
    return before


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raises kind in a thread before its next step; None takes back what was not raised yet.

    Source: PyThreadState_SetAsyncExc in https://docs.python.org/3/c-api/init.html
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)
