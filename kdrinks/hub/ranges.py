"""Fetches the missing bytes of one file in ranges, several at a time, and tries again as long as it makes sense.

Knows URLs, statuses and waits; part.py keeps the bytes. Nothing of repositories, models or pages.
"""

import io
import random
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

import httpx2
from huggingface_hub import get_session

from kdrinks.errors import HubError
from kdrinks.hub.answers import TIMEOUT, check_range, told, unexpected
from kdrinks.hub.part import PartFile, Watcher
from kdrinks.jobs import Cancelled

CONNECTIONS = 4
ATTEMPTS = 8
"""Tries without a new byte before a range gives up; with the waits between them about a minute and a half."""
LONGEST_WAIT_S = 30.0
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Again(Exception):
    """Try again after wait_s seconds; cause says why, for whoever sees it fail in the end."""

    def __init__(self, wait_s: float, cause: str) -> None:
        super().__init__(cause)
        self.wait_s, self.cause = wait_s, cause


def fetch(part: PartFile, stop: threading.Event, watcher: Watcher, refusal: Callable[[int], HubError]) -> None:
    """Fetches what is missing. refusal: the error for a final HTTP status such as 401, 403 or 404.

    Raises HubError, OSError (disk), Cancelled.
    """
    queue = part.missing
    failures: list[BaseException] = []
    taking = threading.Lock()
    halt = threading.Event()

    def work() -> None:
        try:
            with part.path.open("r+b", buffering=0) as raw:
                while not halt.is_set():
                    with taking:
                        if not queue:
                            return
                        index = queue.pop(0)
                    _fetch_segment(part, index, raw, _Either(stop, halt), watcher, refusal)
        except BaseException as failure:
            # A thread has nobody above it: whatever it was is raised again where fetch was called.
            failures.append(failure)
            halt.set()

    threads = [threading.Thread(target=work, name="range", daemon=True) for _ in range(min(CONNECTIONS, len(queue)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    part.save()
    for failure in failures:
        if not isinstance(failure, Cancelled):
            raise failure
    if failures:
        raise Cancelled


class _Either:
    """Set when one of two events is."""

    def __init__(self, one: threading.Event, other: threading.Event) -> None:
        self._one, self._other = one, other

    def is_set(self) -> bool:
        return self._one.is_set() or self._other.is_set()

    def wait(self, seconds: float) -> bool:
        ends = time.monotonic() + seconds
        while not self.is_set() and (left := ends - time.monotonic()) > 0:
            self._one.wait(min(left, 0.1))
        return self.is_set()


def _fetch_segment(
    part: PartFile,
    index: int,
    raw: io.FileIO,
    stop: _Either,
    watcher: Watcher,
    refusal: Callable[[int], HubError],
) -> None:
    """One segment, from where it stands. Raises HubError after ATTEMPTS tries in a row that brought nothing."""
    tries = 0
    while part.done[index] < part.length(index):
        before = part.done[index]
        try:
            _stream_once(part, index, raw, stop, refusal, watcher)
            again = _Again(0.0, "cut")
        except (httpx2.UnsupportedProtocol, httpx2.TooManyRedirects):
            # a redirect that leads nowhere leads nowhere the next time, too
            with told(part.source.url):
                raise
        except httpx2.TransportError as exc:
            again = _Again(0.0, type(exc).__name__)
        except _Again as asked:
            again = asked
        if stop.is_set():
            raise Cancelled
        if part.done[index] >= part.length(index):
            return
        tries = 1 if part.done[index] > before else tries + 1
        if tries > ATTEMPTS:
            raise HubError("download_gave_up", file=part.source.origin, tries=ATTEMPTS, cause=again.cause)
        wait_s = max(again.wait_s, min(LONGEST_WAIT_S, 0.25 * 2**tries) * random.uniform(0.5, 1.0))
        watcher.waiting(wait_s)
        if stop.wait(wait_s):
            raise Cancelled


def _stream_once(
    part: PartFile,
    index: int,
    raw: io.FileIO,
    stop: _Either,
    refusal: Callable[[int], HubError],
    watcher: Watcher,
) -> None:
    """One request. Raises _Again, HubError for a status that no waiting helps, httpx2.TransportError for a cut."""
    start = index * part.segment_bytes + part.done[index]
    end = index * part.segment_bytes + part.length(index)
    headers = {**part.source.headers(), "range": f"bytes={start}-{end - 1}", "accept-encoding": "identity"}
    with get_session().stream("GET", part.source.url, headers=headers, timeout=TIMEOUT) as response:
        status = response.status_code
        elsewhere = response.url.host != httpx2.URL(part.source.url).host
        if status in RETRIED or (elsewhere and status in (401, 403)):
            # A signed address of the storage host runs out: the next request gets a new one.
            raise _Again(retry_after_s(response.headers), f"HTTP {status}")
        if status not in (200, 206):
            raise refusal(status)
        if status == 200 and response.headers.get("content-length") not in (None, str(part.source.size_bytes)):
            # a page in the file's place, as of a network that wants a log-in first: its bytes would be kept as the file's
            raise unexpected(str(response.url), response.headers.get("content-type", "HTTP 200"))
        total = response.headers.get("content-range", "").rpartition("/")[2]
        if total.isdigit() and int(total) != part.source.size_bytes:
            raise HubError("download_changed", file=part.source.origin)
        if status == 206:
            check_range(response, start)
        at = start if status == 206 else 0  # 200: the server knows no ranges and begins at the beginning
        for piece in response.iter_raw():
            if stop.is_set():
                return
            wanted = piece[max(0, start - at) :][: part.length(index) - part.done[index]]
            at += len(piece)
            if wanted:
                part.write(raw, index, wanted)
                watcher.received(len(wanted))
            if at >= end:
                return


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds of a Retry-After header, a number or a date; at most 10 minutes, 0 without one.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text), 600.0)
    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - time.time()), 600.0)
    except ValueError:
        return 0.0
