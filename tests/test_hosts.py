"""Who is answered: the app under the names that lead to it, on real sockets and in a browser, and nobody under another name."""

import base64
import http.client
import os
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from kdrinks.config import from_environment
from kdrinks.ui import hosts
from tests.support.running_app import CHROMIUM, App, answers, ask, needs_chromium, open_tab, running_app

NAMES = " Demo.Example.org:443 ,*.tea.example,https://막걸리.example/, "
MACHINE = socket.gethostname()
KNOWN = [
    "localhost",
    "LocalHost:1234",
    "localhost.",
    "a.b.localhost:80",
    "127.0.0.1",
    "10.1.2.3:8501",
    "0.0.0.0",
    "[::1]",
    "[2001:db8::5]:8501",
    "[::ffff:127.0.0.1]",
    MACHINE,
    MACHINE.upper() + ".:8501",
    MACHINE.partition(".")[0],
    MACHINE.partition(".")[0] + ".local",
    "demo.example.org",
    "DEMO.example.ORG.:8443",
    "a.tea.example",
    "b.a.tea.example:1",
    "xn--369ak4wpc.example",
]
UNKNOWN = [
    "evil.example",
    "evil.example:8501",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "notlocalhost",
    "1.2.3.4.5",
    "2130706433",
    "0x7f.1",
    "tea.example",
    "eviltea.example",
    "a.demo.example.org",
    MACHINE + ".evil.example",
]
MALFORMED = [
    "",
    "localhost..",
    ".localhost",
    "localhost:99999",
    "localhost:80x",
    "localhost:-1",
    "::1",
    "[127.0.0.1]",
    "[::1",
    "[::1].evil.example",
    "me@localhost",
    "localhost/evil",
    "localhost, evil.example",
    "local host",
    '"><script>alert(1)</script>',
]
PLACES = ("/", "/_stcore/health", "/_stcore/host-config", "/app/static/logo.svg", "/documents", "/media/none")


@pytest.fixture(scope="module")
def asked_outside() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy for all that the app's process asks of the internet: its port and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(1000))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, asked_outside: tuple[int, list[bytes]]) -> Iterator[App]:
    """The app as a container runs it: on every interface, headless, with names of its own."""
    folder = tmp_path_factory.mktemp("named")
    proxy = f"http://127.0.0.1:{asked_outside[0]}"
    settings = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "KDRINKS_HOSTS": NAMES}
    proxies = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "http_proxy": proxy, "https_proxy": proxy, "NO_PROXY": ""}
    with running_app(folder / "home", folder, **settings, **proxies) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for whom two names lead to this machine, as a name server of somebody else's may say."""
    rules = "MAP evil.example 127.0.0.1, MAP demo.example.org 127.0.0.1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-dev-shm-usage", f"--host-resolver-rules={rules}"],
        )
        yield chromium
        chromium.close()


def said(app: App, head: Sequence[str], version: str = "1.1") -> str:
    """What the server answers to these lines, sent as they are."""
    with socket.create_connection(("127.0.0.1", port_of(app)), timeout=30) as connection:
        connection.sendall("\r\n".join([f"{head[0]} HTTP/{version}", *head[1:], "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer and (more := connection.recv(65536)):
            answer += more
        text = answer.decode()
        length = re.search(r"content-length: (\d+)", text, re.IGNORECASE)
        if length and not head[0].startswith("HEAD "):  # which has no body, whatever its length
            whole = answer.index(b"\r\n\r\n") + 4 + int(length[1])
            while len(answer) < whole and (more := connection.recv(65536)):
                answer += more
        return answer.decode(errors="replace")


def port_of(app: App) -> int:
    return urlsplit(app.url).port or 0


def got(app: App, host: str, place: str = "/_stcore/health", method: str = "GET") -> str:
    return said(app, [f"{method} {place}", f"Host: {host}", "Content-Length: 0"])


def opened(app: App, host: str, *more: str) -> str:
    """The answer to a WebSocket's request."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    return said(app, ["GET /_stcore/stream", f"Host: {host}", *upgrade, *more])


@pytest.mark.parametrize("host", KNOWN)
def test_the_app_answers_under_every_name_that_is_its_own(named: App, host: str) -> None:
    assert got(named, host).startswith("HTTP/1.1 200")
    assert opened(named, host).startswith("HTTP/1.1 101")
    assert opened(named, host, f"Origin: http://{host}").startswith("HTTP/1.1 101")


def test_at_home_no_browser_is_given_a_visitors_cookie(named: App) -> None:
    page = got(named, "localhost", "/")
    assert page.startswith("HTTP/1.1 200") and "kdrinks_visitor" not in page


@pytest.mark.parametrize("host", UNKNOWN)
def test_a_name_that_is_not_known_gets_a_page_that_says_how_to_make_it_known(named: App, host: str) -> None:
    for answer in (got(named, host), opened(named, host, f"Origin: http://{host}")):
        assert answer.startswith("HTTP/1.1 421")
        name = host.partition(":")[0].lower()
        assert f"<code>KDRINKS_HOSTS={name}</code>" in answer
        assert f"{name}이라는 이름" in answer and f"answer to the name {name}" in answer


@pytest.mark.parametrize("host", MALFORMED)
def test_what_is_no_name_is_refused_and_cannot_write_the_page(named: App, host: str) -> None:
    for answer in (got(named, host), opened(named, host)):
        assert answer.startswith(("HTTP/1.1 421", "HTTP/1.1 400"))
        assert "<script" not in answer and "KDRINKS_HOSTS=" not in answer


@pytest.mark.parametrize("place", PLACES)
def test_no_place_of_the_server_is_left_out(named: App, place: str) -> None:
    for method in ("GET", "HEAD", "PUT", "POST", "OPTIONS"):
        assert got(named, "evil.example", place, method).startswith("HTTP/1.1 421")
    assert got(named, "evil.example", "/_stcore/upload_file/a/b", "PUT").startswith("HTTP/1.1 421")


def test_other_headers_make_no_name_known(named: App) -> None:
    for more in ("X-Forwarded-Host: localhost", "Forwarded: host=localhost", "X-Host: localhost"):
        answer = said(named, ["GET /", "Host: evil.example", more])
        assert answer.startswith("HTTP/1.1 421")
    assert said(named, ["GET /_stcore/health", "Host: localhost", "X-Forwarded-Host: evil.example"]).startswith(
        "HTTP/1.1 200"
    )


def test_a_request_without_one_name_is_refused_but_for_an_old_health_check(named: App) -> None:
    refused = ("HTTP/1.1 421", "HTTP/1.1 400")
    for version in ("1.0", "1.1"):
        assert said(named, ["GET /"], version).startswith(refused)
        assert said(named, ["GET /", "Host: localhost", "Host: localhost"], version).startswith(refused)
        assert said(named, ["GET /", "Host: localhost", "Host: evil.example"], version).startswith(refused)
    assert said(named, ["GET /_stcore/health"], "1.1").startswith(refused)
    assert said(named, ["GET /_stcore/health"], "1.0").startswith("HTTP/1.1 200")
    assert said(named, ["GET /_stcore/health", "Host: evil.example"], "1.0").startswith("HTTP/1.1 421")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:8501", "https://demo.example.org"),
        ("demo.example.org", "https://demo.example.org:8443"),
        ("a.tea.example", "https://a.tea.example:8443"),
        ("127.0.0.1:8501", "http://localhost"),
        ("localhost:8501", "http://LOCALHOST:8501"),
    ],
)
def test_a_proxy_may_send_its_own_host_or_leave_out_the_port(named: App, host: str, origin: str) -> None:
    assert opened(named, host, f"Origin: {origin}").startswith("HTTP/1.1 101")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://203.0.113.9",
        "http://[2001:db8::9]:8501",
        "http://b.tea.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "chrome-extension://abcdefgh",
        "null",
        "",
        "http://[",
        "http://demo.example.org\r\nOrigin: http://evil.example",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8501", "demo.example.org"])
def test_a_page_from_elsewhere_gets_no_connection(named: App, host: str, origin: str) -> None:
    answer = opened(named, host, f"Origin: {origin}")
    assert answer.startswith(("HTTP/1.1 403", "HTTP/1.1 400")) and "<script" not in answer


def test_the_app_asks_nothing_of_the_internet(named: App, asked_outside: tuple[int, list[bytes]]) -> None:
    """Streamlit would: at the start on every interface, and for each WebSocket from elsewhere."""
    opened(named, "127.0.0.1", "Origin: http://evil.example")
    opened(named, "demo.example.org", "Origin: https://demo.example.org:8443")
    assert asked_outside[1] == []


def test_a_file_above_what_the_documents_page_takes_is_refused_by_the_server(named: App) -> None:
    with connect(
        f"ws://localhost:{port_of(named)}/_stcore/stream", subprotocols=[Subprotocol("streamlit")], max_size=None
    ) as page:
        hello = BackMsg()
        hello.rerun_script.SetInParent()
        page.send(hello.SerializeToString())
        told = ForwardMsg()
        while told.WhichOneof("type") != "new_session":
            told.ParseFromString(page.recv(60))
        place = f"/_stcore/upload_file/{told.new_session.initialize.session_id}"
        assert put(named, f"{place}/small", 19 << 20) == 204
        assert put(named, f"{place}/large", (20 << 20) + 1) == 413
        assert put(named, f"{place}/untold", 40 << 20, chunked=True) == 413


def put(app: App, place: str, size: int, *, chunked: bool = False) -> int:
    """Status of an upload as the browser makes it, from this app's own page; chunked: without saying the size first."""
    connection = http.client.HTTPConnection("localhost", port_of(app), timeout=60)
    connection.request("GET", "/_stcore/health")
    answer = connection.getresponse()
    answer.read()
    token = (answer.getheader("Set-Cookie") or "").partition("_streamlit_xsrf=")[2].partition(";")[0]
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "X-Xsrftoken": token,
        "Cookie": f"_streamlit_xsrf={token}",
    }
    pieces: Any = iter([head, *[bytes(1 << 20)] * (size >> 20), bytes(size % (1 << 20)), tail])
    if not chunked:
        headers["Content-Length"] = str(len(head) + size + len(tail))
    try:
        connection.request("PUT", place, pieces, headers, encode_chunked=chunked)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has said no already
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.browser
@needs_chromium
def test_a_web_site_whose_name_leads_here_shows_the_refusal_and_nothing_of_the_app(
    named: App, browser: Browser
) -> None:
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"http://evil.example:{port_of(named)}/?c=1")
    assert answer is not None and answer.status == 421
    expect(page.get_by_text("KDRINKS_HOSTS=evil.example")).to_have_count(2)
    assert page.get_by_test_id("stApp").count() == 0
    outcome = page.evaluate(
        "() => new Promise(done => { const one = new WebSocket(location.origin.replace('http', 'ws') + '/_stcore/stream');"
        " one.onopen = () => done('open'); one.onerror = () => done('refused'); })"
    )
    assert outcome == "refused"
    context.close()


@pytest.mark.browser
@needs_chromium
def test_under_a_name_of_the_setting_the_app_answers_a_question(named: App, browser: Browser) -> None:
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(60_000)
    here = App(f"http://demo.example.org:{port_of(named)}", named.pid)
    page = open_tab(context, here, "/")
    ask(page, "What is sikhye?")
    expect(answers(page)).to_have_count(1)
    assert here.foreign == []
    context.close()


def test_the_setting_takes_commas_spaces_capitals_and_a_star(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, host, known in [
        ("", "evil.example", False),
        (" , ", "evil.example", False),
        ("A.example , b.EXAMPLE", "b.example", True),
        ("a.example:8501", "a.example:1", True),
        ("a.example.", "a.example", True),
        ("*", "evil.example", True),
        ("a.example, *", "evil.example", True),
        ("*", "evil.example..", False),
        ("*.a.example", "b.a.example", True),
        ("*.a.example", "a.example", False),
        ("a.example", "b.a.example", False),
        ("a..example", "a.example", False),
    ]:
        monkeypatch.setenv("KDRINKS_HOSTS", text)
        assert (status(host) == 200) == known, (text, host)


def status(host: str, kind: str = "http") -> int:
    """What the middleware alone answers, on a server that can refuse a WebSocket only by closing it: 403 stands for that."""
    sent: list[Any] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"status": 200})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {"type": kind, "http_version": "1.1", "path": "/", "headers": [(b"host", host.encode())]}
    call = hosts.KnownHosts(inside, from_environment().hosts)(scope, receive, send)
    with pytest.raises(StopIteration):
        call.send(None)  # it waits for nothing here, and the browser's loop runs in this thread
    return 403 if sent[0].get("type") == "websocket.close" else int(sent[0]["status"])


def test_a_server_that_sends_no_page_to_a_websocket_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KDRINKS_HOSTS", raising=False)
    assert (status("localhost", "websocket"), status("evil.example", "websocket")) == (200, 403)


@pytest.mark.parametrize("name", ["Box", "box.home.example", "box.local"])
def test_this_machine_s_own_names_are_known_with_and_without_its_domain(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hosts"
    file.write_text("127.0.0.1 localhost\n127.0.1.1\tbox.office.example box # box.evil.example\n0.0.0.0 ads.example\n")
    monkeypatch.setattr(hosts, "HOSTS_FILE", file)
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    monkeypatch.delenv("KDRINKS_HOSTS", raising=False)
    for host in ("box", "BOX.local:8501", "box.office.example", name, name.lower() + "."):
        assert status(host) == 200
    for host in ("box.evil.example", "ads.example", "other", "other.local"):
        assert status(host) == 421


def test_settings_may_stand_in_the_secrets_file_which_is_all_that_some_hosts_offer(tmp_path: Path) -> None:
    """Streamlit hands them on as environment variables, but only once it has read the file."""
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text('KDRINKS_HOSTS = "site.example"\n')
    with running_app(tmp_path / "home", tmp_path, HOME=str(tmp_path)) as app:
        assert got(app, "site.example").startswith("HTTP/1.1 200")
        assert got(app, "other.example").startswith("HTTP/1.1 421")
