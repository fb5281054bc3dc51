"""A server on loopback in the Hub's place that answers each address with whatever it was told to: pages, circles, too much."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Said:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    endless: bytes = b""
    """Sent again and again after the body, until nobody listens any more."""


@dataclass
class AnyHub:
    answer: Callable[[str], Said]
    """What is said at an address, path and question."""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    sent_bytes: int = 0


@contextmanager
def any_hub(answer: Callable[[str], Said]) -> Iterator[AnyHub]:
    hub = AnyHub(answer)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Silent."""

        def do_GET(self) -> None:
            hub.asked.append(self.path)
            said = hub.answer(self.path)
            # written by hand: http.server refuses headers that a person can get all the same
            head = [f"HTTP/1.1 {said.status} Said", "connection: close"]
            head += [f"{name}: {value}" for name, value in said.headers.items()]
            if not said.endless and "content-length" not in said.headers:
                head.append(f"content-length: {len(said.body)}")
            try:
                self.wfile.write("\r\n".join([*head, "", ""]).encode() + said.body)
                while said.endless:
                    self.wfile.write(said.endless)
                    hub.sent_bytes += len(said.endless)
            except (BrokenPipeError, ConnectionResetError):
                pass
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
