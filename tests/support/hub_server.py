"""A small Hugging Face Hub on loopback: model info, redirects to a storage host, ranges, and everything that goes wrong.

Two addresses, like the real one: the Hub answers questions and redirects, the storage host sends the bytes. What it
does wrong is set on the object while it runs.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

PIECE_BYTES = 1 << 14
Answer = TypeVar("Answer")


@dataclass
class Request:
    host: str
    """`hub` or `storage`."""
    path: str
    headers: Mapping[str, str]
    sent_bytes: int = 0


@dataclass
class FakeHub:
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    license: str = "apache-2.0"
    gated: frozenset[str] = frozenset()
    """Repositories that need a token (401) that was let in (403)."""
    tokens: dict[str, bool] = field(default_factory=dict)
    """Token -> whether its owner accepted the licence."""
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers of the storage host, one each, before it sends bytes."""
    info_statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    cut_after_bytes: list[int] = field(default_factory=list)
    """The next answers with bytes break off after so many."""
    flipped_bytes: frozenset[int] = frozenset()
    pause_s: float = 0.0
    """Between two pieces of PIECE_BYTES."""
    ignores_ranges: bool = False
    requests: list[Request] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    """Cleared: the storage host waits in the middle of its answers."""
    hub_url: str = ""
    storage_url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sent_bytes(self, since: int = 0) -> int:
        """Bytes of files sent by the storage host since the request of that number."""
        with self.lock:
            return sum(one.sent_bytes for one in self.requests[since:] if one.host == "storage")

    def next(self, answers: list[Answer]) -> Answer | None:
        with self.lock:
            return answers.pop(0) if answers else None


@contextmanager
def running_hub(repos: dict[str, dict[str, bytes]]) -> Iterator[FakeHub]:
    hub = FakeHub(repos=repos)
    hub.gate.set()

    class Handler(_Handler):
        fake = hub

    servers = []
    for host in ("127.0.0.1", "localhost"):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        address = f"http://{host}:{server.server_address[1]}"
        hub.hub_url, hub.storage_url = (address, "") if host == "127.0.0.1" else (hub.hub_url, address)
    try:
        yield hub
    finally:
        hub.gate.set()
        for server in servers:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeHub

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        storage = self.headers.get("host", "") == urlsplit(self.fake.storage_url).netloc
        request = Request("storage" if storage else "hub", self.path, {k.lower(): v for k, v in self.headers.items()})
        with self.fake.lock:
            self.fake.requests.append(request)
        path = unquote(urlsplit(self.path).path)
        try:
            if storage:
                self._send_blob(path, request)
            elif path == "/api/models":
                self._send_found(parse_qs(urlsplit(self.path).query))
            elif path.startswith("/api/models/"):
                self._send_info(path.removeprefix("/api/models/"))
            else:
                self._send_redirect(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _refused(self, repo: str) -> bool:
        if repo not in self.fake.repos:
            self._answer(404, {"x-error-code": "RepoNotFound"})
        elif repo in self.fake.gated:
            token = self.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.fake.tokens:
                self._answer(401, {"x-error-code": "GatedRepo"})
            elif not self.fake.tokens[token]:
                self._answer(403, {"x-error-code": "GatedRepo"})
            else:
                return False
        else:
            return False
        return True

    def _send_found(self, asked: Mapping[str, list[str]]) -> None:
        if (answer := self.fake.next(self.fake.info_statuses)) is not None:
            self._answer(*answer)
            return
        words = asked.get("search", [""])[0].lower().split()
        found = [
            {
                "id": repo,
                "likes": 3,
                "downloads": 1000 - place,
                "gated": "manual" if repo in self.fake.gated else False,
                "tags": ["gguf", f"license:{self.fake.license}"],
            }
            for place, (repo, files) in enumerate(self.fake.repos.items())
            if all(word in repo.lower() for word in words)
            and (asked.get("filter") != ["gguf"] or any(name.lower().endswith(".gguf") for name in files))
        ]
        limit = int(asked.get("limit", ["1000"])[0])
        self._answer(200, {"content-type": "application/json"}, json.dumps(found[:limit]).encode())

    def _send_info(self, repo: str) -> None:
        if (answer := self.fake.next(self.fake.info_statuses)) is not None:
            self._answer(*answer)
            return
        if repo not in self.fake.repos:
            self._answer(404, {"x-error-code": "RepoNotFound"})
            return
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": "0" * 40,
                "lfs": {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 135},
            }
            for name, data in self.fake.repos[repo].items()
        ]
        info = {
            "id": repo,
            "sha": "a" * 40,
            "private": False,
            "gated": "manual" if repo in self.fake.gated else False,
            "cardData": {"license": self.fake.license},
            "siblings": [{"rfilename": "README.md", "size": 3, "blobId": "1" * 40}, *siblings],
        }
        self._answer(200, {"content-type": "application/json"}, json.dumps(info).encode())

    def _send_redirect(self, path: str) -> None:
        match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
        if not match:
            self._answer(404, {})
        elif not self._refused(match[1]):
            if match[2] not in self.fake.repos[match[1]]:
                self._answer(404, {"x-error-code": "EntryNotFound"})
            else:
                self._answer(302, {"location": f"{self.fake.storage_url}/{match[1]}/{match[2]}?signature=s"})

    def _send_blob(self, path: str, request: Request) -> None:
        if (answer := self.fake.next(self.fake.statuses)) is not None:
            self._answer(*answer)
            return
        owner, name, file = path.strip("/").split("/", 2)
        data = self.fake.repos[f"{owner}/{name}"][file]
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        start, end = (int(span[1]), int(span[2] or len(data) - 1) + 1) if span else (0, len(data))
        if self.fake.ignores_ranges:
            span, start, end = None, 0, len(data)
        self.send_response(206 if span else 200)
        self.send_header("content-length", str(end - start))
        if span:
            self.send_header("content-range", f"bytes {start}-{end - 1}/{len(data)}")
        self.end_headers()
        cut = self.fake.next(self.fake.cut_after_bytes)
        for at in range(start, end, PIECE_BYTES):
            self.fake.gate.wait(30)
            piece = bytearray(data[at : min(at + PIECE_BYTES, end)])
            for flipped in self.fake.flipped_bytes:
                if at <= flipped < at + len(piece):
                    piece[flipped - at] ^= 1
            if isinstance(cut, int) and at - start + len(piece) > cut:
                self.wfile.write(piece[: max(0, cut - (at - start))])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(piece)
            with self.fake.lock:
                request.sent_bytes += len(piece)
            if self.fake.pause_s:
                time.sleep(self.fake.pause_s)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
