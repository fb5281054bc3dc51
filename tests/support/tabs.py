"""A tab of the app without a browser: its WebSocket, and what Streamlit sent it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.page_session import Tab, asking, cookies, opening
from tests.support.running_app import App
from tests.support.wait import eventually


@dataclass
class OpenTab:
    connection: ClientConnection
    tab: Tab

    def ask(self, question: str) -> None:
        self.tab.writing, self.tab.refused = "", ""
        self.connection.send(asking(self.tab, question))

    def until(self, seen: Callable[[Tab], object], patience_s: float = 60) -> bool:
        """Whether the page showed it within the time."""

        def look() -> bool:
            with suppress(TimeoutError):
                while not seen(self.tab):
                    data = self.connection.recv(0.05)
                    self.tab.read(data if isinstance(data, bytes) else data.encode())
            return bool(seen(self.tab))

        return eventually(look, patience_s)


@contextmanager
def open_tab(app: App, query: str = "", *, cookie: str = "", address: str = "") -> Iterator[OpenTab]:
    """A new visitor's, unless a cookie is given. query: of the page's address. address: as a proxy on this machine would name it."""
    headers = {"Cookie": cookie or cookies(app.url), **({"X-Forwarded-For": address} if address else {})}
    with connect(
        app.url.replace("http", "ws", 1) + "/_stcore/stream",
        subprotocols=[Subprotocol("streamlit")],
        additional_headers=headers,
        max_size=None,
    ) as connection:
        connection.send(opening(query))
        opened = OpenTab(connection, Tab(query=query))
        assert opened.until(lambda tab: tab.chat_input)
        yield opened
