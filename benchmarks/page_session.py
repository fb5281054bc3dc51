"""What a browser tab and Streamlit say to one another, without the browser: 200 Chromium tabs are more than the machine that is measured.

Each tab is a page request for the cookie and a WebSocket with Streamlit's own messages (protobuf BackMsg and ForwardMsg), as its frontend
sends them. What a browser draws is left out; what the server does for it is all there. Plain HTTP would not do: the app has no address that
answers a question.
"""

import http.client
import random
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

CURSOR = " ▌"
"""What stands behind an answer that is being written (ui/chat/view.py)."""


@dataclass
class Tab:
    """One tab's state, from what the server sent it so far."""

    session_id: str = ""
    query: str = ""
    """What stands behind the ? of the tab's address."""
    page: str = ""
    """Hash of the page's script, to be sent back."""
    chat_input: str = ""
    """Id of the box for questions."""
    questions: set[str] = field(default_factory=set)
    """Texts that the page shows as typed by its person."""
    shown: dict[tuple[int, ...], str] = field(default_factory=dict)
    """Markdown by its place on the page."""
    writing: str = ""
    """The answer that is being written, as last drawn."""
    refused: str = ""
    """An error that the page shows."""
    runs: int = 0
    """Whole runs of the page that have ended."""

    def read(self, data: bytes) -> None:
        """Take in one message."""
        message = ForwardMsg.FromString(data)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session_id = message.new_session.initialize.session_id or self.session_id
            self.page = message.new_session.page_script_hash
            self.shown.clear()
            self.questions.clear()
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "script_finished":
            self.runs += message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            place = tuple(message.metadata.delta_path)
            match element.WhichOneof("type"):
                case "chat_input":
                    self.chat_input = element.chat_input.id
                case "text":
                    self.questions.add(element.text.body)
                case "alert":
                    self.refused = element.alert.body
                case "markdown":
                    body = element.markdown.body
                    self.shown[place] = body
                    if body.endswith(CURSOR.strip()):
                        self.writing = body.removesuffix(CURSOR.strip()).strip()

    @property
    def text(self) -> str:
        """All that the page shows in Markdown."""
        return "\n".join(self.shown.values())


def opening(query: str = "") -> bytes:
    """What a tab says first. query: behind the ? of its address."""
    hello = BackMsg()
    hello.rerun_script.query_string = query
    hello.rerun_script.SetInParent()
    return bytes(hello.SerializeToString())


def asking(tab: Tab, question: str) -> bytes:
    """What Enter in the box sends."""
    message = BackMsg()
    message.rerun_script.page_script_hash = tab.page
    message.rerun_script.query_string = tab.query
    state = message.rerun_script.widget_states.widgets.add()
    state.id = tab.chat_input
    state.chat_input_value.data = question
    return bytes(message.SerializeToString())


def cookies(url: str, address: str = "") -> str:
    """The cookies that the page gives a new browser. address: as a proxy on this machine would name it."""
    there = urlsplit(url)
    connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
    forwarded = {"X-Forwarded-For": address} if address else {}
    connection.request("GET", "/", headers={"Accept": "text/html", **forwarded})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return "; ".join(one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or [])


def an_address(number: int) -> str:
    """One of a household's, no two the same (the block for documentation and the one beside it)."""
    return f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"


def a_pause_s(chance: random.Random, least_s: float, most_s: float) -> float:
    return chance.uniform(least_s, most_s)
