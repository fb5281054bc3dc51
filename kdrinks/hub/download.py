"""Downloads of GGUF files in the background: one transfer a file, whoever asks; pause, resume, cancel, progress.

A Download is a plain object that pages and the command line watch; it lives as long as its Downloads. A lock file
keeps other processes out: they wait, show the progress of the one that works, and find the file in the end.
"""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import filelock
from huggingface_hub.errors import OfflineModeIsEnabled

from kdrinks.errors import HubError, KdrinksError
from kdrinks.hub.part import PartFile, Source, Stopped, part_path, read_state, sha256_of, state_path
from kdrinks.hub.ranges import fetch
from kdrinks.hub.remote import Hub, RemoteFile

Phase = Literal["starting", "elsewhere", "downloading", "waiting", "verifying", "paused", "cancelled", "done", "failed"]
OVER: frozenset[Phase] = frozenset({"paused", "cancelled", "done", "failed"})
RESERVE_BYTES = 512 << 20
"""Left free on the disk: the database and the system need some."""
SPEED_WINDOW_S = 5.0


def disk_free_bytes(folder: Path) -> int:
    """Of the disk that a folder, there or not yet, is on."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


class Download:
    """One file on its way, all parts of it. Every attribute may be read from any thread."""

    def __init__(
        self,
        file: RemoteFile,
        folder: Path,
        hub: Hub,
        *,
        disk_free: Callable[[Path], int] = disk_free_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.file = file
        self.targets = [folder / one.origin.rpartition(":")[2].rpartition("/")[2] for one in file.parts]
        self.size_bytes = file.size_bytes
        self.done_bytes = 0
        self.verified_bytes = 0
        self.phase: Phase = "starting"
        self.wait_s = 0.0
        """While waiting: how long, because the Hub asked for it or the connection failed."""
        self.error: KdrinksError | None = None
        self._hub = hub
        self._disk_free = disk_free
        self._clock = clock
        self._counting = threading.Lock()
        self._samples: deque[tuple[float, int]] = deque()
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._cancelled = False
        self._thread: threading.Thread | None = None

    @property
    def target(self) -> Path:
        """Where the file, or its first part, will be."""
        return self.targets[0]

    @property
    def fraction(self) -> float:
        done = self.verified_bytes if self.phase == "verifying" else self.done_bytes
        return min(1.0, done / self.size_bytes) if self.size_bytes else 1.0

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

    def start(self) -> None:
        """Begins, or goes on after a pause or a failure; does nothing while it runs or when it is done."""
        if (self._thread and self._thread.is_alive()) or self.phase == "done":
            return
        self._stop.clear()
        self._ended.clear()
        self._cancelled = False
        self.error, self.phase = None, "starting"
        self._thread = threading.Thread(target=self._run, name="download", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Stops as soon as the bytes under way are written; what is there stays."""
        self._stop.set()

    def cancel(self) -> None:
        """Stops and throws away what is there."""
        self._cancelled = True
        self._stop.set()
        if self._thread is None or not self._thread.is_alive():
            self._discard()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is over (done, failed, paused, cancelled) within the time."""
        return self._ended.wait(timeout_s)

    def received(self, count: int) -> None:
        """From the transfer: new bytes are on the disk."""
        now = self._clock()
        with self._counting:
            self.done_bytes += count
            self._samples.append((now, count))
            while now - self._samples[0][0] > SPEED_WINDOW_S:
                self._samples.popleft()
        self.phase = "downloading"

    def waiting(self, seconds: float) -> None:
        """From the transfer: it tries again later."""
        self.wait_s, self.phase = seconds, "waiting"

    def verified(self, count: int) -> None:
        """From the transfer: bytes whose hash was taken."""
        self.verified_bytes += count
        self.phase = "verifying"

    def _run(self) -> None:
        try:
            self._fetch_all()
            self.phase = "done"
        except Stopped:
            self.phase = "paused"
            if self._cancelled:
                self._discard()
        except KdrinksError as error:
            self.error, self.phase = error, "failed"
        except OfflineModeIsEnabled:
            self.error, self.phase = HubError("hub_offline"), "failed"
        except OSError as exc:
            self.error = HubError("download_not_written", folder=self.target.parent, cause=exc.strerror or exc)
            self.phase = "failed"
        finally:
            self._ended.set()

    def _fetch_all(self) -> None:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        lock_path = self.target.with_name(self.target.name + ".lock")
        lock = self._locked(lock_path)
        try:
            self._fetch_locked()
        finally:
            # Unlinked while held, or a third process could hold a lock on a name that is gone.
            lock_path.unlink(missing_ok=True)
            lock.release()

    def _locked(self, path: Path) -> filelock.BaseFileLock:
        """The lock; until another process gives it, its progress is ours."""
        lock = filelock.FileLock(path, thread_local=False)
        while True:
            try:
                return lock.acquire(timeout=0).lock
            except filelock.Timeout:
                self.phase = "elsewhere"
                self.done_bytes = sum(_done_on_disk(target, one) for target, one in self.pairs())
                if self._stop.wait(0.3):
                    raise Stopped from None

    def pairs(self) -> Sequence[tuple[Path, Source]]:
        return list(zip(self.targets, self.file.parts, strict=True))

    def _fetch_locked(self) -> None:
        wanted = [(target, source) for target, source in self.pairs() if not self._is_there(target, source)]
        parts = [PartFile(target, source) for target, source in wanted]
        self.done_bytes = self.size_bytes - sum(part.source.size_bytes - part.done_bytes for part in parts)
        self.verified_bytes = self.size_bytes - sum(part.source.size_bytes for part in parts)
        self._samples.clear()
        self._check_disk(sum(part.source.size_bytes - part.done_bytes for part in parts))
        self.phase = "downloading"
        for part in parts:
            part.create()
            try:
                fetch(part, self._stop, self, lambda status: self._hub.refusal(self.file.repo_id, status))
            except HubError:
                if not part.done_bytes:
                    part.discard()
                raise
        for part in parts:
            try:
                part.verify(self._stop, self)
            except HubError:
                self.done_bytes -= part.source.size_bytes
                raise
        # The first part last: a split model is listed by it, and must be whole then.
        for part in reversed(parts):
            part.finish()

    def _is_there(self, target: Path, source: Source) -> bool:
        """Whether the file is there already. Raises HubError when another file has its name."""
        if not target.exists():
            return False
        if target.stat().st_size != source.size_bytes or sha256_of(target, self._stop, self) != source.sha256:
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

    def _discard(self) -> None:
        for target, source in self.pairs():
            PartFile(target, source).discard()
        self.done_bytes = 0
        self.phase = "cancelled"


class Downloads:
    """The downloads of this process by file; two who ask for the same file get the same one."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub = hub
        self.folder = folder
        self._jobs: dict[str, Download] = {}
        self._lock = threading.Lock()

    def start(self, file: RemoteFile) -> Download:
        """The download of a file, started or going on."""
        key = file.parts[0].origin
        with self._lock:
            job = self._jobs.get(key)
            if job is None or job.phase in ("cancelled", "done"):
                job = self._jobs[key] = Download(file, self.folder, self.hub)
            job.start()
            return job

    def jobs(self) -> list[Download]:
        """Those asked for since the start, cancelled ones left out."""
        with self._lock:
            return [job for job in self._jobs.values() if job.phase != "cancelled"]

    def forget(self, job: Download) -> None:
        """Takes one that is over off the list."""
        with self._lock:
            self._jobs.pop(job.file.parts[0].origin, None)

    def interrupted(self) -> list["Interrupted"]:
        """Files that an earlier run left incomplete and nobody fetches now."""
        known = {target for job in self.jobs() for target in job.targets}
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

    def discard(self) -> None:
        """Throws the bytes away."""
        part_path(self.target).unlink(missing_ok=True)
        state_path(self.target).unlink(missing_ok=True)


def _done_on_disk(target: Path, source: Source) -> int:
    if target.exists():
        return source.size_bytes
    state = read_state(target)
    return sum(state["done"]) if state else 0
