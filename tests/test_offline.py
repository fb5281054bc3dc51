"""No network is needed and none is asked: at the start, on every page, while a question is answered and by the command line.

Told by the kernel where strace is (Debian: apt install strace), which sees libraries that are not Python too, and by Python everywhere.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kdrinks.config import ROOT
from tests.support.running_app import App, answers, ask, needs_chromium, running_app, visit

TRACE = [shutil.which("strace") or "", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg"]
if not TRACE[0] or subprocess.run([*TRACE, "-o", os.devnull, "true"], capture_output=True).returncode != 0:
    TRACE = []  # not there, or nobody may trace here, as in some containers
LOCAL = re.compile(r"127\.[\d.]+|::1|::ffff:127\.[\d.]+|0\.0\.0\.0|::|localhost")
GUARD = """
import socket, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        address = arguments[:1]
    else:
        return
    if isinstance(address, tuple) and address[0] not in (None, ""):
        with open({log!r}, "a") as log:
            print(event, address[0], file=log)

sys.addaudithook(watch)
"""


class Watched:
    """What the app and its children asked the network for."""

    def __init__(self, app: App, folder: Path) -> None:
        self.app, self._folder = app, folder

    def asked(self) -> list[str]:
        """What left this machine, or would have: addresses that are not its own, and names that were looked up."""
        told = [line.split() for line in (self._folder / "python").read_text().splitlines()]
        return [*self.by_kernel(), *(f"{event} {place}" for event, place in told if not LOCAL.fullmatch(place))]

    def by_kernel(self) -> list[str]:
        lines = (self._folder / "kernel").read_text(errors="replace").splitlines()
        places = [
            place
            for line in lines
            for place in re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', line)
        ]
        return [place for pair in places for place in pair if place and not LOCAL.fullmatch(place)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The app as a container runs it, watched; sitecustomize is what Python reads before anything else, in children too."""
    folder = tmp_path_factory.mktemp("watched")
    (folder / "guard").mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD.format(log=str(folder / "python")))
    (folder / "python").touch()
    (folder / "kernel").touch()
    # -D: the app stays this process's child, and strace is beside it
    before = [*TRACE, "-D", "-o", str(folder / "kernel")] if TRACE else []
    settings = {"PYTHONPATH": str(folder / "guard"), "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with running_app(folder / "home", folder, before=before, **settings) as app:
        yield Watched(app, folder)


def test_the_watch_would_have_noticed(tmp_path: Path) -> None:
    """Addresses that are never routed (RFC 5737), and a name that never exists (RFC 2606)."""
    (tmp_path / "sitecustomize.py").write_text(GUARD.format(log=str(tmp_path / "python")))
    (tmp_path / "kernel").touch()
    code = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 9))\n"
        "try: socket.getaddrinfo('kdrinks.invalid', 80)\n"
        "except OSError: pass"
    )
    traced = [*TRACE, "-o", str(tmp_path / "kernel")] if TRACE else []
    subprocess.run([*traced, sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, check=False, timeout=60)
    asked = Watched(App("", 0), tmp_path)
    assert "socket.connect 192.0.2.1" in asked.asked() and "socket.getaddrinfo kdrinks.invalid" in asked.asked()
    assert not TRACE or "192.0.2.1" in asked.by_kernel()


@pytest.mark.browser
@needs_chromium
def test_the_start_every_page_and_an_answer_ask_the_network_for_nothing(browser: Browser, watched: Watched) -> None:
    with visit(browser, watched.app, locale="en-US") as page:
        ask(page, "What is sikhye?")
        expect(answers(page)).to_have_count(1)
        for address, sight in (
            ("/drinks?drink=sikhye", ".st-key-similar"),
            ("/drinks?documents=1", "[data-testid=stFileUploader]"),
            ("/models", ".st-key-machine"),
            ("/analytics", ".st-key-analytics-top"),
            ("/analytics?section=data", ".st-key-backup"),
            ("/lab", "h1"),
        ):
            page.goto(watched.app.url + address)
            expect(page.locator(sight).first).to_be_visible()
    assert watched.asked() == []
    assert watched.app.foreign == []


def without_network(*command: str) -> list[str]:
    """The command where there is nothing but loopback, which lies down at first."""
    return ["unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]


needs_unshare = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run(without_network("true"), capture_output=True).returncode != 0,
    reason="this system gives nobody a network namespace (or has no ip: Debian's iproute2)",
)
OPEN = """
import sys
from pathlib import Path
from urllib.request import urlopen

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from tests.support.running_app import running_app

folder = Path(sys.argv[1])
with running_app(folder / "home", folder) as app:
    assert urlopen(app.url).status == 200
    with connect(app.url.replace("http", "ws") + "/_stcore/stream", subprotocols=["streamlit"], max_size=None) as page:
        hello = BackMsg()
        hello.rerun_script.SetInParent()
        page.send(hello.SerializeToString())
        told = ForwardMsg()
        while told.WhichOneof("type") != "script_finished":
            told.ParseFromString(page.recv(60))
        assert told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
print("drawn")
"""


@needs_unshare
def test_the_app_starts_and_draws_its_page_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    command = without_network(sys.executable, "-c", OPEN, str(tmp_path))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout) == (0, "drawn\n"), done.stderr


@needs_unshare
def test_a_question_is_answered_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    command = without_network(sys.executable, "-m", "kdrinks", "ask", "식혜가 뭐야?", "--json", "--no-record")
    done = subprocess.run(
        ["env", f"KDRINKS_HOME={tmp_path}", *command], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "식혜" in json.loads(done.stdout)["answer"]
