"""A site behind nginx, set up as deploy/nginx/kdrinks.conf says: a real nginx, the real app, a real browser, and a server that repeats
what nginx sends on."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.nginx import NAME, Front, needs_nginx, nginx_before
from tests.support.running_app import CHROMIUM, App, answers, ask, free_port, needs_chromium, open_tab, running_app

pytestmark = needs_nginx

LIMIT_BYTES = 20 << 20


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The app, and nginx in front of it."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    with running_app(folder / "home", folder, port, KDRINKS_HOSTS=NAME), nginx_before(port, folder) as front:
        yield front


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx in front of a server that answers with the headers it was sent, and sets a cookie as large as the address asks for."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with nginx_before(server.server_port, tmp_path_factory.mktemp("echo")) as front:
            yield front
        server.shutdown()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith("/cookie/"):
            self.send_header("Set-Cookie", "one=" + "x" * int(self.path.rpartition("/")[2]))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def asked(
    front: Front, path: str = "/", *, host: str = NAME, method: str = "GET", body: Any = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request over TLS; host: what its Host says, the certificate's name all the same."""
    connection = http.client.HTTPSConnection(NAME, front.tls_port, context=front.trust, timeout=60)
    with closing(connection):
        connection.sock = tls(front)
        try:
            connection.request(method, path, body, {"Host": host, **headers})
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # it has said no already
        answer = connection.getresponse()
        return answer, answer.read()


def tls(front: Front, name: str = NAME) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", front.tls_port), 60)
    try:
        return front.trust.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def opened(front: Front) -> ClientConnection:
    """A page's WebSocket."""
    return connect(
        f"wss://{NAME}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", front.tls_port), 60),
        ssl=front.trust,
        server_hostname=NAME,
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
    )


def test_what_a_visitor_writes_about_where_they_come_from_never_reaches_the_app(echo: Front) -> None:
    forged = {
        "X-Forwarded-For": "10.0.0.1",
        "X-Real-IP": "10.0.0.1",
        "Forwarded": "for=10.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
    }
    _, body = asked(echo, **forged)
    sent = json.loads(body)
    assert [value for name, value in sent if name == "x-forwarded-for"] == ["127.0.0.1"]
    assert [value for name, value in sent if name == "x-forwarded-proto"] == ["https"]
    assert [value for name, value in sent if name == "host"] == [NAME]
    assert "10.0.0.1" not in str(sent) and "evil.example" not in str(sent)


def test_the_large_cookies_of_a_log_in_pass_in_both_directions(echo: Front) -> None:
    """nginx's own 8 kB would answer 400 to the browser, and 502 to the app's Set-Cookie."""
    cookies = "; ".join(f"_streamlit_user_tokens_{number}={'x' * 3900}" for number in range(4))
    answer, body = asked(echo, Cookie=cookies)
    assert answer.status == 200 and ["cookie", cookies] in json.loads(body)
    answer, _ = asked(echo, "/cookie/16000")
    assert answer.status == 200 and len(answer.headers["Set-Cookie"]) > 16000


def test_who_floods_the_site_is_told_to_wait_and_the_files_of_a_page_are_not_counted(echo: Front) -> None:
    """900 requests as fast as they go: at 30 a second beyond the first 400 all would be allowed only if they took longer than 16 s."""
    statuses: dict[str, set[int]] = {"/static/js/index.js": set(), "/drinks": set()}
    for path, seen in statuses.items():
        connection = http.client.HTTPSConnection(NAME, echo.tls_port, context=echo.trust, timeout=60)
        with closing(connection):
            connection.sock = tls(echo)
            for _ in range(900):
                connection.request("HEAD", path)
                answer = connection.getresponse()
                answer.read()
                seen.add(answer.status)
    assert statuses == {"/static/js/index.js": {200}, "/drinks": {200, 429}}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "www.drinks.example.org"])
def test_another_name_gets_nothing_of_the_app(site: Front, host: str) -> None:
    answer, body = asked(site, host=host)
    assert answer.status == 421 and b"Streamlit" not in body


def test_another_name_is_shown_no_certificate(site: Front) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        tls(site, "evil.example")


def test_who_comes_without_tls_is_sent_to_it_and_a_foreign_name_nowhere(site: Front) -> None:
    for host, status, place in ((NAME, 301, f"https://{NAME}/drinks?drink=sikhye"), ("evil.example", 421, None)):
        connection = http.client.HTTPConnection("127.0.0.1", site.plain_port, timeout=60)
        with closing(connection):
            connection.request("GET", "/drinks?drink=sikhye", headers={"Host": host})
            answer = connection.getresponse()
            assert (answer.status, answer.headers.get("Location")) == (status, place)


@pytest.mark.parametrize("path", ["/metrics", "/_stcore/metrics", "/readyz"])
def test_figures_of_the_server_are_not_for_the_world(site: Front, path: str) -> None:
    assert asked(site, path)[0].status == 404
    assert asked(site, "/_stcore/health")[0].status == 200


def test_what_the_app_takes_gets_through_and_a_byte_more_ends_at_nginx(site: Front) -> None:
    with opened(site) as page:
        hello = BackMsg()
        hello.rerun_script.SetInParent()
        page.send(hello.SerializeToString())
        told = ForwardMsg()
        while told.WhichOneof("type") != "new_session":
            message = page.recv(60)
            assert isinstance(message, bytes)
            told.ParseFromString(message)
        place = f"/_stcore/upload_file/{told.new_session.initialize.session_id}"
        taken, _ = put(site, f"{place}/small", LIMIT_BYTES)
        assert taken.status == 204
        refused, said = put(site, f"{place}/large", LIMIT_BYTES + 1)
        assert refused.status == 413 and b"nginx" in said


def put(front: Front, path: str, size_bytes: int) -> tuple[http.client.HTTPResponse, bytes]:
    """An upload as the browser makes it from the app's own page; size_bytes: with the form around the file."""
    answer, _ = asked(front, "/_stcore/health")
    token = (answer.getheader("Set-Cookie") or "").partition("_streamlit_xsrf=")[2].partition(";")[0]
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    return asked(
        front,
        path,
        method="PUT",
        body=head + bytes(size_bytes - len(head) - len(tail)) + tail,
        **{
            "Content-Type": "multipart/form-data; boundary=b",
            "X-Xsrftoken": token,
            "Cookie": f"_streamlit_xsrf={token}",
        },
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One to which the site's name leads here."""
    names = f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP evil.example 127.0.0.1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", names]
        )
        yield chromium
        chromium.close()


@pytest.mark.browser
@needs_chromium
def test_a_visitor_opens_the_site_asks_and_opens_the_other_pages(browser: Browser, site: Front) -> None:
    """The answer comes over the WebSocket; opening every page at once stays below the limit of requests."""
    context = browser.new_context(locale="en-US", ignore_https_errors=True)
    context.set_default_timeout(60_000)
    here = App(f"https://{NAME}:{site.tls_port}", 0)
    page = open_tab(context, here, "/")
    refused: list[str] = []
    # 404 is the app's own answer to Streamlit, which asks under a page's address first
    page.on("response", lambda answer: refused.append(answer.url) if answer.status in (413, 421, 429, 502) else None)
    ask(page, "What is sikhye?")
    expect(answers(page)).to_have_count(1)
    for address, sight in (("/drinks", ".st-key-cards"), ("/models", ".st-key-machine"), ("/analytics", "h1")):
        page.goto(here.url + address)
        expect(page.locator(sight).first).to_be_visible()
    assert (here.foreign, refused) == ([], [])
    context.close()


@pytest.mark.browser
@needs_chromium
def test_a_web_site_whose_name_leads_here_shows_nothing_of_the_app(browser: Browser, site: Front) -> None:
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    answer = page.goto(f"http://evil.example:{site.plain_port}/")
    assert answer is not None and answer.status == 421 and page.get_by_test_id("stApp").count() == 0
    context.close()
