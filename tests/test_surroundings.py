"""What the environment says about the way to the Hub: a slip there is told in a sentence, with what to do, and the app goes on."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from kdrinks.config import ROOT
from kdrinks.errors import HubError
from kdrinks.hub import surroundings
from kdrinks.hub.download import Downloads
from kdrinks.hub.remote import Hub, Token
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR
from kdrinks.store.db import Database
from tests.support.app_pages import models_page, services_in
from tests.support.hub_server import FakeHub, running_hub

REPO = "acme/tea-GGUF"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in (*PROXIES, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with running_hub({REPO: {"tea-Q4_K_M.gguf": b"GGUF"}}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub_url)
        yield running


def refused() -> HubError:
    with pytest.raises(HubError) as told:
        Hub().model(REPO)
    for lang in ("ko", "en"):
        assert "Error" not in told.value.message(lang) and len(told.value.message(lang).splitlines()) == 1
        assert told.value.hint(lang)
    return told.value


@pytest.mark.parametrize(
    "token",
    ["hf_abc\u200b", "hf_한글", "“hf_abc”", "hf abc", "hf_\u00a0a", "\ufeffhf_abc", "hf_é", "hf_\x7f", "hf_\udcff"],
)
def test_a_token_that_no_header_can_hold_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    error = refused()
    assert error.key == "hub_token_unfit" and "hf_" not in str(error).replace("HF_TOKEN", "")
    with pytest.raises(HubError):
        Token().set(ADMINISTRATOR, f"{token}x")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00t", "hf_한글".encode(), None], ids=["bytes", "hangul", "folder"])
def test_a_broken_token_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(file))
    assert Token("hf_typed").headers() == {"authorization": "Bearer hf_typed"}
    with pytest.raises(HubError) as told:
        Hub().model(REPO)
    assert told.value.key in ("hub_token_unfit", "hub_token_unreadable")


@pytest.mark.parametrize("name", ["ALL_PROXY", "https_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize(
    "address",
    [
        *(
            "socks5://127.0.0.1:1080",
            "socks://127.0.0.1:1080",
            "socks5h://me:secret@h:1",
            "socks4://h:1",
            "ftp://h",
            "://",
        ),
        *("http://", "http://[", "http://h:99999", "http://h:port", "http:// h:1", "http://h\u200b:1"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    error = refused()
    assert (error.key, error.values["variable"]) == ("hub_variable_unfit", name)
    assert "secret" not in str(error) and "http://proxy.example.org:3128" in error.hint()


@pytest.mark.parametrize(
    "address", ["http://h:3128", "https://me:secret@h", "h:3128", "http://[::1]:3128", "http://프록시.한국:1"]
)
def test_a_proxy_that_can_be_used_is_let_through(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    surroundings.check("https://huggingface.co")


ENDPOINTS = [
    *(
        "https://hub .example.org",
        "hub.example.org",
        "http://",
        "ftp://h",
        "http://[",
        "http://h:99999",
        "http://h:port",
    ),
    *("file:///etc", "http://a..b", f"http://{'a' * 300}.org", "“https://huggingface.co”", "http://h\u200b"),
]


@pytest.mark.parametrize("address", ENDPOINTS)
def test_an_endpoint_that_cannot_be_asked_is_named(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    assert (refused().key, refused().values["variable"]) == ("hub_variable_unfit", "HF_ENDPOINT")


@pytest.mark.parametrize("around", ["{} ", " {}", "{}/", "{}/ \n"])
def test_blanks_around_an_endpoint_do_no_harm(hub: FakeHub, monkeypatch: pytest.MonkeyPatch, around: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", around.format(hub.hub_url))
    assert Hub().model(REPO).files


@pytest.mark.parametrize(
    ("env", "variable"),
    [
        ({"HF_ENDPOINT": "http://["}, "HF_ENDPOINT"),
        ({"HF_ENDPOINT": "http://127.0.0.1:99999"}, "HF_ENDPOINT"),
        ({"HF_ENDPOINT": "https://hub .example.org"}, "HF_ENDPOINT"),
        ({"HF_HUB_ETAG_TIMEOUT": "ten"}, "HF_HUB_ETAG_TIMEOUT"),
        ({"HF_HUB_DOWNLOAD_TIMEOUT": ""}, "HF_HUB_DOWNLOAD_TIMEOUT"),
        ({"SSL_CERT_FILE": "/no/such.pem"}, "SSL_CERT_FILE"),
    ],
)
def test_a_variable_that_the_hubs_client_cannot_read_stops_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, env: Mapping[str, str], variable: str
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    code = "from kdrinks.hub.remote import Hub\ntry: Hub().model('a/b')\nexcept Exception as error: print(error.key, error)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith(f"hub_variable_unfit The environment variable {variable}"), done.stdout + done.stderr
    assert "/no/" not in done.stdout


def test_a_page_in_the_hubs_place_is_told_as_such(hub: FakeHub) -> None:
    hub.info_statuses = [(200, {"content-type": "text/html"})]
    error = refused()
    assert error.key == "hub_unexpected" and "no JSON" in error.message()


def test_a_page_in_a_files_place_is_told_as_such_and_its_bytes_are_not_kept(hub: FakeHub, tmp_path: Path) -> None:
    file = Hub().file(REPO, "tea-Q4_K_M.gguf")
    page = (200, {"content-type": "text/html"})
    hub.statuses = [page]
    with pytest.raises(HubError) as told:
        Hub().header(file)
    assert told.value.key == "hub_unexpected" and "text/html" in told.value.message()
    hub.statuses = [page] * 20
    with closing(Database.open(None)) as db:
        job = Downloads(Hub(), tmp_path, Jobs(db)).start(ADMINISTRATOR, file)
        assert job.wait(60) and job.phase == "failed"
        assert isinstance(job.error, HubError) and job.error.key == "hub_unexpected"
    assert not list(tmp_path.glob("*.gguf*"))


@pytest.mark.parametrize("token", ["hf_abc\u200b", "hf_한글"])
def test_the_token_field_stays_on_the_page_when_the_token_is_unfit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    from kdrinks.ui.models import downloads, remote

    monkeypatch.setenv("HF_TOKEN", token)
    with services_in(tmp_path / "home", tmp_path, monkeypatch, downloads.hub, remote.answers):
        app = models_page("en-US")
        app.text_input(key="catalog-repo").set_value(REPO).run(timeout=30)
        assert not app.exception
        assert [field.key for field in app.text_input if field.key == "catalog-token-text"]
        assert any("no token has" in error.value for error in app.error)
        monkeypatch.delenv("HF_TOKEN")
        app.text_input(key="catalog-token-text").set_value(token)
        app.button(key="catalog-token-use").click().run(timeout=30)
        assert not app.exception and any("no token has" in error.value for error in app.error)
