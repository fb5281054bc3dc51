"""Waiting on the command line for work that goes on elsewhere: a line of progress now and then, and Ctrl-C ends it cleanly."""

from collections.abc import Callable
from typing import Protocol

from kdrinks.errors import KdrinksError

EVERY_S = 0.5
"""Between two looks at a job."""


class Job(Protocol):
    """A download, a quantization, a document on its way in."""

    error: KdrinksError | None

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is over within the time."""


def watch(job: Job, tell: Callable[[], None], stop: Callable[[], None]) -> None:
    """Returns when the job is done. tell: prints how far it is; stop: what Ctrl-C does to the job before it is waited for.

    Raises the job's error, or KeyboardInterrupt when nothing of the job runs any more.
    """
    try:
        while not job.wait(EVERY_S):
            tell()
    except KeyboardInterrupt:
        stop()
        job.wait()
        raise
    if job.error:
        raise job.error
