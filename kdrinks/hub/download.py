"""Downloads of GGUF files in the background: one transfer a file, whoever asks; pause, resume, cancel, progress.

A lock file keeps other processes out: they wait, show the progress of the one that works, and find the file in the end.
"""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
from huggingface_hub.errors import OfflineModeIsEnabled

from kdrinks.errors import HubError
from kdrinks.hub.part import PartFile, Source, part_path, read_state, sha256_of, state_path
from kdrinks.hub.ranges import fetch
from kdrinks.hub.remote import Hub, RemoteFile
from kdrinks.jobs import Cancelled, Job, Jobs
from kdrinks.permissions import administrators_only, owner_of
from kdrinks.records import Visitor
from kdrinks.store import file_hashes
from kdrinks.store.db import Database

KIND = "download"
RESERVE_BYTES = 512 << 20
"""Left free on the disk: the database and the system need some."""
SPEED_WINDOW_S = 5.0


def disk_free_bytes(folder: Path) -> int:
    """Of the disk that a folder, there or not yet, is on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


class Download:
    """The work of fetching one file, all parts of it. Every attribute may be read from any thread."""

    def __init__(
        self,
        file: RemoteFile,
        folder: Path,
        hub: Hub,
        *,
        db: Database | None = None,
        disk_free: Callable[[Path], int] = disk_free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.file = file
        self.targets = [folder / one.origin.rpartition(":")[2].rpartition("/")[2] for one in file.parts]
        self.size_bytes = file.size_bytes
        self.done_bytes = 0
        self.verified_bytes = 0
        self._db = db
        self._hub = hub
        self._disk_free = disk_free
        self._clock = clock
        self._counting = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque()
        self._report: Callable[[str, float], None] = lambda step, fraction: None

    @property
    def target(self) -> Path:
        """Where the file, or its first part, will be."""
        return self.targets[0]

    @property
    def bytes_per_s(self) -> float:
        """Over the last seconds; 0 before the first bytes."""
        with self._counting:
            if len(self._samples) < 2:
                return 0.0
            (first_s, _), (last_s, _) = self._samples[0], self._samples[-1]
            count = sum(count for _, count in list(self._samples)[1:])
        return count / (last_s - first_s) if last_s > first_s else 0.0

    @property
    def left_s(self) -> float | None:
        """None while there is no speed to tell it from."""
        speed = self.bytes_per_s
        return (self.size_bytes - self.done_bytes) / speed if speed else None

    def __call__(self, job: Job[Any]) -> Path:
        """Where the file is. Raises HubError, Cancelled."""
        self._report = job.report
        try:
            self._fetch_all(job)
        except OfflineModeIsEnabled as exc:
            raise HubError("hub_offline") from exc
        except OSError as exc:
            raise HubError("download_not_written", folder=self.target.parent, cause=exc.strerror or exc) from exc
        for target, source in self.pairs():
            stamp = file_hashes.stamp_of(target)
            if self._db and stamp:  # it was verified a moment ago: nobody need read it again to know it
                file_hashes.keep(self._db, target, source.sha256, stamp)
        return self.target

    def received(self, count: int) -> None:
        """From the transfer: new bytes are on the disk."""
        now = self._clock()
        with self._counting:
            self.done_bytes += count
            self._samples.append((now, count))
            while now - self._samples[0][0] > SPEED_WINDOW_S:
                self._samples.popleft()
        self._tell("downloading", self.done_bytes)

    def waiting(self, seconds: float) -> None:
        """From the transfer: it tries again later, because the Hub asked for it or the connection failed."""
        self._tell("retrying", self.done_bytes)

    def verified(self, count: int) -> None:
        """From the transfer: bytes whose hash was taken."""
        self.verified_bytes += count
        self._tell("verifying", self.verified_bytes)

    def discard(self) -> None:
        """Throws away what is there."""
        for target, source in self.pairs():
            PartFile(target, source).discard()
        self.done_bytes = 0

    def _fetch_all(self, job: Job[Any]) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        lock_path = self.target.with_name(self.target.name + ".lock")
        lock = self._locked(lock_path, job)
        try:
            self._fetch_locked(job)
        finally:
            # Unlinked while held, or a third process could hold a lock on a name that is gone.
            lock_path.unlink(missing_ok=True)
            lock.release()

    def _locked(self, path: Path, job: Job[Any]) -> filelock.BaseFileLock:
        """The lock; until another process gives it, its progress is ours."""
        lock = filelock.FileLock(path, thread_local=False)
        while True:
            try:
                return lock.acquire(timeout=0).lock
            except filelock.Timeout:
                self.done_bytes = sum(_done_on_disk(target, one) for target, one in self.pairs())
                self._tell("elsewhere", self.done_bytes)
                if job.stop.wait(0.3):
                    raise Cancelled from None

    def _tell(self, step: str, done_bytes: int) -> None:
        self._report(step, done_bytes / self.size_bytes if self.size_bytes else 1.0)

    def pairs(self) -> Sequence[tuple[Path, Source]]:
        return list(zip(self.targets, self.file.parts, strict=True))

    def _fetch_locked(self, job: Job[Any]) -> None:
        self.verified_bytes = 0
        wanted = [(target, source) for target, source in self.pairs() if not self._is_there(target, source, job.stop)]
        parts = [PartFile(target, source) for target, source in wanted]
        self.done_bytes = self.size_bytes - sum(part.source.size_bytes - part.done_bytes for part in parts)
        self.verified_bytes = self.size_bytes - sum(part.source.size_bytes for part in parts)
        self._samples.clear()
        self._check_disk(sum(part.source.size_bytes - part.done_bytes for part in parts))
        self._tell("downloading", self.done_bytes)
        for part in parts:
            part.create()
            try:
                fetch(part, job.stop, self, lambda status: self._hub.refusal(self.file.repo_id, status))
            except Cancelled:
                raise
            except Exception:
                if not part.done_bytes:
                    part.discard()
                raise
        for part in parts:
            try:
                part.verify(job.stop, self)
            except HubError:
                self.done_bytes -= part.source.size_bytes
                raise
        # The first part last: a split model is listed by it, and must be whole then.
        for part in reversed(parts):
            part.finish()

    def _is_there(self, target: Path, source: Source, stop: threading.Event) -> bool:
        """Whether the file is there already. Raises HubError when another file has its name."""
        if not target.exists():
            return False
        if target.stat().st_size != source.size_bytes or sha256_of(target, stop, self) != source.sha256:
            raise HubError("download_name_taken", file=target.name, folder=target.parent)
        return True

    def _check_disk(self, needed_bytes: int) -> None:
        folder = self.target.parent
        free = self._disk_free(folder)
        if needed_bytes and needed_bytes + RESERVE_BYTES > free:
            others = sorted(((path.lstat().st_size, path.name) for path in folder.glob("*.gguf*")), reverse=True)
            removable = ", ".join(f"{name} ({size / 1e9:.1f} GB)" for size, name in others[:4] if size > 50_000_000)
            raise HubError(
                "download_disk_full",
                file=self.target.name,
                needed=f"{(needed_bytes + RESERVE_BYTES) / 1e9:.2f} GB",
                free=f"{free / 1e9:.2f} GB",
                removable=removable or "-",
                folder=folder,
            )


class Downloads:
    """The downloads into a folder; two who ask for the same file get the same one."""

    def __init__(self, hub: Hub, folder: Path, jobs: Jobs, db: Database | None = None) -> None:
        """db: where the hashes of the files are kept, so that nobody need take them again."""
        self.hub = hub
        self._db = db
        self.folder = folder
        self._all = jobs

    def start(self, who: Visitor, file: RemoteFile) -> Job[Download]:
        """The download of a file, started or going on. Raises NotAllowed, StoreError."""
        administrators_only(who)
        work = Download(file, self.folder, self.hub, db=self._db)
        return start(self._all, work, owner=owner_of(who))

    def jobs(self) -> list[Job[Download]]:
        """Those asked for since the start, cancelled ones left out."""
        return [job for job in self._all.of(KIND) if job.phase != "cancelled"]

    def interrupted(self) -> list["Interrupted"]:
        """Files that an earlier run left incomplete and nobody fetches now."""
        known = {target for job in self.jobs() for target in job.work.targets}
        found = []
        for note in sorted(self.folder.glob("*.gguf.part.json")):
            target = note.with_name(note.name.removesuffix(".part.json"))
            state = read_state(target)
            if state and target not in known:
                found.append(Interrupted(target, state["origin"], sum(state["done"]), state["size_bytes"]))
        return found


@dataclass(frozen=True, slots=True)
class Interrupted:
    target: Path
    origin: str
    """`owner/name:path`: what to fetch to go on."""
    done_bytes: int
    size_bytes: int

    def discard(self, who: Visitor) -> None:
        """Throws the bytes away. Raises NotAllowed."""
        administrators_only(who)
        part_path(self.target).unlink(missing_ok=True)
        state_path(self.target).unlink(missing_ok=True)


def start(jobs: Jobs, work: Download, *, owner: str | None = None) -> Job[Download]:
    """Fetch in the background; the job that does, or goes on to, when there is one. Raises StoreError."""
    origin = work.file.parts[0].origin
    return jobs.start(KIND, work, subject=work.target.name, key=origin, owner=owner, discard=work.discard)


def _done_on_disk(target: Path, source: Source) -> int:
    if target.exists():
        return source.size_bytes
    state = read_state(target)
    return sum(state["done"]) if state else 0
