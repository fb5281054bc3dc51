"""Waiting for what happens elsewhere: in a thread, a child process, a browser."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], object], within_s: float = 10.0) -> bool:
    """Whether it holds within the time; looks often, so that nothing waits longer than it must."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.005)
    return False
