"""The cores that this process may use, and what other programs use of them. Knows no llama.cpp and no rule."""

import math
import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

SAMPLE_S = 0.25
"""The system counts in hundredths of a second: over this time a core's use is known to some hundredths."""
NEWEST = 0.5
"""Weight of the newest sample."""
NOT_BUSY = ("idle", "iowait", "nice", "guest", "guest_nice")
"""Programs in the background (nice) make room for this one; guests' time is counted in user time already."""
LOOKS, LOOK_S = 3, 0.002
"""What runs at each of these looks is no passing thing."""


def physical_cores() -> int:
    """Physical cores that this process may use: llama.cpp gains nothing from the second thread of a core."""
    allowed = len(allowed_cores())
    physical = min(psutil.cpu_count(logical=False) or allowed, allowed)
    return max(1, min(physical, math.ceil(quota_cores() or physical)))


def allowed_cores() -> list[int]:
    """Numbers of the logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def quota_cores(root: Path = Path("/sys/fs/cgroup")) -> float:
    """Processor time that a container may use, in cores; 0 where there is no limit.

    Source: cpu.max in https://docs.kernel.org/admin-guide/cgroup-v2.html, cpu.cfs_quota_us in version 1
    """
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
        return 0.0 if quota == "max" else float(quota) / float(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota_us, period_us = (
            float((root / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii")) for name in ("quota", "period")
        )
        return max(0.0, quota_us / period_us)
    return 0.0


class OtherLoad:
    """Cores that all other programs use, smoothed over about a second."""

    def __init__(self) -> None:
        self.cores = allowed_cores()
        self._at, self._busy_s, self._own_s = self._now()
        self._smooth: float | None = None

    def sample(self) -> float | None:
        """Cores in use by others lately; None until SAMPLE_S have passed since the last time."""
        if time.monotonic() - self._at < SAMPLE_S:
            return None
        before, self._at, busy_s, own_s = self._at, *self._now()
        seconds, used = self._at - before, (busy_s - self._busy_s) - (own_s - self._own_s)
        self._busy_s, self._own_s = busy_s, own_s
        found = max(0.0, used / seconds)
        self._smooth = found if self._smooth is None else self._smooth + NEWEST * (found - self._smooth)
        return self._smooth

    def begin(self) -> float:
        """Watches from now on; a first guess: the programs that run at this moment, this one left out."""
        self._at, self._busy_s, self._own_s = self._now()
        self._smooth = None
        return min(self._running() for _ in range(LOOKS))

    def _running(self) -> float:
        with suppress(OSError, ValueError, IndexError):
            time.sleep(LOOK_S)
            running = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[0]) - 1
            return max(0, running) * len(self.cores) / (os.cpu_count() or len(self.cores))
        with suppress(OSError, AttributeError):
            return float(os.getloadavg()[0])
        return 0.0

    def _now(self) -> tuple[float, float, float]:
        """(a monotonic clock, seconds that the allowed cores have worked, seconds of this process)."""
        every = psutil.cpu_times(percpu=True)
        busy_s = 0.0
        for core in self.cores:
            if core < len(every):
                times = every[core]._asdict()
                busy_s += sum(s for name, s in times.items() if name not in NOT_BUSY)
        return time.monotonic(), busy_s, time.process_time()
