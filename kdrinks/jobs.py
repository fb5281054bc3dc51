"""Long work in the background: one class of jobs and one registry of them, whatever is done.

Work is a callable that is handed its job: it reports how far it is and asks whether to go on. Pages and the command line start a job
and look at it; none of them owns one, so a rerun, another page or a closed tab ends nothing. Knows no kind of work and no widget.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from kdrinks.errors import KdrinksError, NotAllowed
from kdrinks.permissions import is_theirs
from kdrinks.records import Visitor
from kdrinks.store import jobs as store
from kdrinks.store.db import Database, new_id
from kdrinks.store.jobs import CutJob

Phase = Literal["waiting", "running", "paused", "cancelled", "done", "failed"]
OVER: frozenset[Phase] = frozenset({"cancelled", "done", "failed"})
REMEMBERED = 100
"""Jobs of a kind that are kept when they are over; the oldest go first."""
CLOSE_S = 3.0
"""How long the end of the app waits for its jobs, and a new job for the end of the same one that was cancelled."""
CAUSE_CHARACTERS = 200
NOTHING: Mapping[str, object] = MappingProxyType({})

W = TypeVar("W", bound=Callable[..., object])

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised inside the work of a job that shall not go on: a pause or a cancel was asked for."""


class Progress(NamedTuple):
    """How far a job is; replaced as a whole, so that its parts fit together whenever they are read."""

    step: str = ""
    """What it is doing now: the string jobs.KIND.STEP of i18n."""
    values: Mapping[str, object] = NOTHING
    """What fills that string."""
    fraction: float = 0.0
    """Of the whole work, in [0, 1]."""


class Job(Generic[W]):
    """One piece of work in a thread of its own. Every attribute may be read from any thread."""

    def __init__(
        self,
        kind: str,
        work: W,
        *,
        subject: str,
        key: str = "",
        owner: str | None = None,
        discard: Callable[[], None] | None = None,
        turn: threading.Lock,
        record: Callable[["Job[Any]", str], None],
    ) -> None:
        """Begins nothing: Jobs.start does.

        kind: names its strings (jobs.KIND in i18n).   subject: what a person calls what it is about.
        key: two jobs of one kind and key are the same job.   owner: the visitor whose it is.
        discard: throws away what a pause or a failure left; only with it can the job be paused and go on.
        turn: what turn() holds.   record: told of each start and each end; raises StoreError.
        """
        self.id = new_id()
        self.kind = kind
        self.work = work
        """Its own attributes say more than any job has to tell, such as the speed of a download."""
        self.subject = subject
        self.key = key
        self.owner = owner
        self.phase: Phase = "waiting"
        self.progress = Progress()
        self.error: KdrinksError | None = None
        self.result: Any = None
        """What the work returned."""
        self.closing = False
        """The app ends: nothing need be put back as it was."""
        self.stop = threading.Event()
        """Set when a pause or a cancel is asked for: for work that waits."""
        self._discard = discard
        self._turn = turn
        self._record = record
        self._changing = threading.RLock()
        self._hooks: list[Callable[[], object]] = []
        self._running = False
        self._cancelled = False
        self._ended = threading.Event()

    @property
    def over(self) -> bool:
        """Whether it has ended for good, or failed; not while it is paused."""
        return self.phase in OVER

    @property
    def running(self) -> bool:
        """Whether something of it runs, or waits for its turn."""
        return self._running

    @property
    def fraction(self) -> float:
        return self.progress.fraction

    @property
    def can_pause(self) -> bool:
        return self._discard is not None

    # What the command line calls, and Jobs for those who asked whether they may.

    def begin(self) -> None:
        """Start, or go on after a pause or a failure; nothing while it runs or where it is done or cancelled. Raises StoreError."""
        with self._changing:
            if self._running or (self._ended.is_set() and not (self.can_pause and self.phase in ("paused", "failed"))):
                return
            self._record(self, store.STARTED)
            self.stop.clear()
            self._ended.clear()
            self.error, self.phase, self._running = None, "waiting", True
            try:
                threading.Thread(target=self._run, name=f"{self.kind}-{self.id[-6:]}", daemon=True).start()
            except RuntimeError as exc:  # the system gives no more threads
                self._end("failed", self._unexpected(exc))

    def pause(self) -> None:
        """Stop where it is, so that begin() goes on from there."""
        if self.can_pause:
            self._ask_to_stop()

    def cancel(self) -> None:
        """Stop within its step; nothing of it stays but what the work says."""
        with self._changing:
            if not self._running:
                if self.can_pause and self.phase in ("paused", "failed"):
                    self.phase, self.error = "cancelled", None
                    self._throw_away()
                return
            self._cancelled = True
        self._ask_to_stop()

    def halt(self) -> None:
        """Stop it so that as little as possible is lost: a pause where it can be paused, a cancel where not."""
        self.pause() if self.can_pause else self.cancel()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether nothing of it runs any more, within the time."""
        return self._ended.wait(timeout_s)

    # What the work calls.

    def report(self, step: str | None = None, fraction: float | None = None, **values: object) -> None:
        """Tell how far the work is; what is left out stays as it was. values: fill the step's string."""
        before = self.progress
        self.progress = Progress(
            before.step if step is None else step,
            values if step is not None or values else before.values,
            before.fraction if fraction is None else max(0.0, min(1.0, fraction)),
        )

    def check(self) -> None:
        """Raises Cancelled when a pause or a cancel was asked for."""
        if self.stop.is_set():
            raise Cancelled

    @contextmanager
    def when_stopped(self, hook: Callable[[], object]) -> Iterator[None]:
        """Call the hook when the job shall stop inside this block, from another thread: it kills a child process, for example."""
        with self._changing:
            self._hooks.append(hook)
            due = self.stop.is_set()
        try:
            if due:
                hook()
            yield
        finally:
            with self._changing:
                self._hooks.remove(hook)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Inside this block no other job of the kind is in its own; until then it waits. Raises Cancelled."""
        self.phase = "waiting"
        while not self._turn.acquire(timeout=0.1):
            self.check()
        try:
            self.phase = "running"
            yield
        finally:
            self._turn.release()

    def _ask_to_stop(self) -> None:
        with self._changing:
            if not self._running or self.stop.is_set():
                return
            self.stop.set()
            for hook in tuple(self._hooks):
                with suppress(OSError):  # a child that has ended by itself
                    hook()

    def _run(self) -> None:
        phase: Phase = "failed"
        error: KdrinksError | None = None
        try:
            self.check()
            self.phase = "running"
            self.result = self.work(self)
            phase = "done"
            self.report(fraction=1.0)
        except Cancelled:
            phase = "paused" if self.can_pause else "cancelled"
        except KdrinksError as problem:
            error = problem
        except BaseException as bug:
            # A thread has nobody above it: unless it ends here, its job is under way for ever.
            error = self._unexpected(bug)
        self._end(phase, error)

    def _unexpected(self, bug: BaseException) -> KdrinksError:
        log.error("%s of %s ended unexpectedly", self.kind, self.subject, exc_info=bug)
        cause = traceback.format_exception_only(bug)[-1].strip()[:CAUSE_CHARACTERS]
        return KdrinksError("job_failed", subject=self.subject, cause=cause)

    def _end(self, phase: Phase, error: KdrinksError | None) -> None:
        with self._changing:
            if self._cancelled and phase != "done":
                # What went wrong because its child was killed is no failure.
                phase, error = "cancelled", None
                self._throw_away()
            self.error, self.phase, self._running, self._cancelled = error, phase, False, False
            try:
                self._record(self, phase)
            except Exception:
                # It is told at the next start as cut: better than a job that never ends.
                log.exception("the end of %s of %s was not stored", self.kind, self.subject)
            self._ended.set()

    def _throw_away(self) -> None:
        if self._discard:
            try:
                self._discard()
            except OSError:
                log.exception("what %s of %s left could not be removed", self.kind, self.subject)


def _check_owner(who: Visitor, job: "Job[Any] | CutJob") -> None:
    if not is_theirs(job.owner, who):
        raise NotAllowed("not_yours")


class Jobs:
    """Every job of this process: pages, tabs and commands find the same ones here."""

    def __init__(self, db: Database | None = None) -> None:
        """db: where starts and ends are kept, so that a cut job is told at the next start; None keeps nothing. Raises StoreError."""
        self._db = db
        self._cut = store.cut(db) if db else []
        self._jobs: dict[str, Job[Any]] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.RLock()

    def start(
        self,
        kind: str,
        work: W,
        *,
        subject: str,
        key: str = "",
        owner: str | None = None,
        discard: Callable[[], None] | None = None,
    ) -> Job[W]:
        """The job of this kind and key that runs, or is paused or failed and now goes on; else a new one, started.

        The values are those of Job. Raises StoreError.
        """
        if (leaving := self._find(kind, key)) and leaving.stop.is_set():
            leaving.wait(CLOSE_S)  # cancelled a moment ago: what starts now shall not get that one, nor meet it
        with self._lock:
            job = self._find(kind, key)
            if job is None or not (job.running or (job.can_pause and job.phase in ("paused", "failed"))):
                job = Job(
                    kind,
                    work,
                    subject=subject,
                    key=key,
                    owner=owner,
                    discard=discard,
                    turn=self._turns.setdefault(kind, threading.Lock()),
                    record=self._record,
                )
            job.begin()
            self._jobs[job.id] = job
            over = [one for one in self.of(kind) if one.over]
            replaced = [one for one in over if one.key == key and one is not job]
            for gone in {*replaced, *over[:-REMEMBERED]}:
                del self._jobs[gone.id]
        for cut in self.cut(kind):
            if cut.subject == subject:
                self._forget_cut(cut)  # trying it again is an answer to being told
        return job

    def of(self, kind: str) -> list[Job[Any]]:
        """Oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.kind == kind]

    def latest(self, kind: str) -> Job[Any] | None:
        return next(reversed(self.of(kind)), None)

    def under_way(self, kind: str) -> Job[Any] | None:
        """The latest one of which something runs."""
        return next((job for job in reversed(self.of(kind)) if job.running), None)

    def cut(self, kind: str) -> list[CutJob]:
        """Those that the end of an earlier process cut and nobody dismissed, oldest first."""
        with self._lock:
            return [job for job in self._cut if job.kind == kind]

    # What people do with a job. Each raises NotAllowed where it is not theirs, before anything else.

    def pause(self, who: Visitor, job: Job[Any]) -> None:
        """Stop it where it is, so that it can go on from there."""
        _check_owner(who, job)
        job.pause()

    def resume(self, who: Visitor, job: Job[Any]) -> None:
        """Let one go on that was paused or failed. Raises StoreError."""
        _check_owner(who, job)
        job.begin()

    def cancel(self, who: Visitor, job: Job[Any]) -> None:
        """Stop it for good, within its step."""
        _check_owner(who, job)
        job.cancel()

    def dismiss(self, who: Visitor, job: Job[Any] | CutJob) -> None:
        """Take one that is over, or was cut, off the list; nothing for one that runs. Raises StoreError."""
        _check_owner(who, job)
        if isinstance(job, CutJob):
            self._forget_cut(job)
        else:
            with self._lock, job._changing:
                if job.over:
                    self._jobs.pop(job.id, None)

    def _forget_cut(self, cut: CutJob) -> None:
        with self._lock:
            if cut not in self._cut:
                return
            if self._db:
                store.record(
                    self._db, job_id=cut.id, kind=cut.kind, subject=cut.subject, owner=cut.owner, phase="interrupted"
                )
            self._cut.remove(cut)

    def close(self) -> None:
        """Stop everything and wait shortly; what is stopped by this is told at the next start."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.running]
        for job in running:
            job.closing = True
            job.halt()
        ends = time.monotonic() + CLOSE_S
        for job in running:
            job.wait(max(0.0, ends - time.monotonic()))

    def _find(self, kind: str, key: str) -> Job[Any] | None:
        return next((one for one in reversed(self.of(kind)) if one.key == key), None)

    def _record(self, job: Job[Any], phase: str) -> None:
        if self._db and not (job.closing and phase in ("paused", "cancelled")):
            store.record(
                self._db,
                job_id=job.id,
                kind=job.kind,
                subject=job.subject,
                owner=job.owner,
                phase=phase,
                error=job.error,
            )
