"""Waiting on the command line for a job: a line of progress now and then, and Ctrl-C ends it cleanly."""

from collections.abc import Callable
from typing import Any

from kdrinks.jobs import Job

EVERY_S = 0.5
"""Between two looks at a job."""


def watch(job: Job[Any], tell: Callable[[], None]) -> None:
    """Returns when the job is done. tell: prints how far it is. Ctrl-C pauses it where it can be paused and cancels it where not.

    Raises the job's error, or KeyboardInterrupt when nothing of the job runs any more.
    """
    try:
        while not job.wait(EVERY_S):
            tell()
    except KeyboardInterrupt:
        job.halt()
        job.wait()
        raise
    if job.error:
        raise job.error
