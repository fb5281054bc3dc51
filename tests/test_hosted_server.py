"""A hosted site's server, asked as strangers ask it: what it keeps shut, what it tells whom, and what becomes of somebody who leaves."""

import http.client
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.requests import HTTPConnection

from benchmarks.page_session import cookies
from kdrinks.config import Settings
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel
from kdrinks.services import open_services, save_choice, save_mode
from kdrinks.ui.doors import may_read_figures
from tests.support.running_app import App, free_port, running_app
from tests.support.tabs import open_tab
from tests.support.tiny_models import write_byte_model
from tests.support.wait import eventually

TOKEN = "let-me-watch"
QUESTION = "막걸리 이름이 어디서 왔는지 길게 말해 줘"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a home in which a model was chosen that writes freely, some dozens of tokens a second: whoever asks it sees it write."""
    folder = tmp_path_factory.mktemp("hosted")
    write_byte_model(folder / "slow.gguf", width=1024, layers=12, context_length=8192)
    settings = Settings(folder / "home", folder)
    services = open_services(settings)
    model = catalog.find_model("slow", settings)
    save_choice(services, ADMINISTRATOR, Choice(LocalModel(model.id, model.path), context_tokens=8192))
    save_mode(services, ADMINISTRATOR, model, "free")
    services.close()
    for path in (folder / "home", *(folder / "home").iterdir()):  # as an earlier version made them
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[App]:
    settings = {
        "KDRINKS_ADMINS": "boss@example.org",
        "KDRINKS_METRICS_TOKEN": TOKEN,
        "KDRINKS_FRAMES": "https://huggingface.co",
    }
    with running_app(folder / "home", folder, free_port(), **settings) as running:
        assert eventually(lambda: got(running, "/readyz")[0] == 200, 120)
        yield running


def got(app: App, place: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and text; names of headers with _ for -."""
    there = urlsplit(app.url)
    connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
    connection.request("GET", place, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    told = {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    connection.close()
    return answer.status, *told


def figures(app: App) -> str:
    status, _, text = got(app, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    return text


def test_a_load_balancer_hears_that_it_lives_and_that_it_can_answer(site: App) -> None:
    assert got(site, "/healthz")[::2] == (200, "ok")
    status, headers, text = got(site, "/readyz")
    assert (status, json.loads(text)) == (200, {"knowledge": True, "model": True, "store": True})
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("place", ["/metrics", "/_stcore/metrics"])
def test_figures_are_for_whoever_has_the_token(site: App, place: str) -> None:
    assert got(site, place)[0] == 404
    assert got(site, place, Authorization="Bearer wrong")[0] == 404
    assert got(site, place, Authorization=f"Bearer {TOKEN}")[0] == 200


def test_figures_hold_the_names_of_the_conventions_and_no_text(site: App) -> None:
    with open_tab(site) as visitor:
        visitor.ask("막걸리는 임신 중에 마셔도 돼?")
        assert visitor.until(lambda tab: tab.runs > 1 and "임신" in tab.text)
    text = figures(site)
    for name in (
        "gen_ai_client_operation_duration_seconds_bucket",
        "kdrinks_wait_seconds_count",
        "kdrinks_answers_total",
        "kdrinks_search_queue_length 0.0",
        "process_resident_memory_bytes",
    ):
        assert name in text, name
    assert "막걸리" not in text and "임신" not in text
    model_bytes = next(line for line in text.splitlines() if line.startswith("kdrinks_model_memory_bytes"))
    assert float(model_bytes.split()[1]) > 10e6


def test_every_answer_of_the_server_brings_the_headers_that_browsers_obey(site: App) -> None:
    for place in ("/", "/_stcore/health", "/metrics", "/app/static/logo.svg"):
        _, headers, _ = got(site, place)
        assert headers["x-content-type-options"] == "nosniff", place
        assert headers["referrer-policy"] == "same-origin", place
        assert headers["content-security-policy"].endswith("frame-ancestors 'self' https://huggingface.co"), place
        assert "strict-transport-security" not in headers, "over plain HTTP a browser takes no heed of it"
    _, over_tls, _ = got(site, "/", X_Forwarded_Proto="https")
    assert over_tls["strict-transport-security"].startswith("max-age=31536000")


def test_a_visitor_s_session_takes_no_files(site: App) -> None:
    with open_tab(site) as visitor:
        there = urlsplit(site.url)
        connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
        connection.request("PUT", f"/_stcore/upload_file/{visitor.tab.session_id}/mine", b"x" * 1000)
        assert connection.getresponse().status == 403
        connection.close()


def test_who_closes_the_last_tab_leaves_and_what_was_written_is_kept(site: App) -> None:
    cookie = cookies(site.url)
    with open_tab(site, cookie=cookie) as visitor:
        visitor.ask(QUESTION)
        assert visitor.until(lambda tab: len(tab.writing) > 20 and tab.query), visitor.tab
        written, query = len(visitor.tab.writing), visitor.tab.query
        text = figures(site)
        assert "kdrinks_answers_under_way 1.0" in text and 'finish="stopped"' not in text
    with open_tab(site, query, cookie=cookie) as reloaded:
        assert reloaded.until(lambda tab: len(tab.writing) > written + 20), "a reload ended it"
        assert 'finish="stopped"' not in figures(site)
    assert eventually(lambda: 'finish="stopped"' in figures(site), 60)
    assert "kdrinks_visitors 0.0" in figures(site)
    with open_tab(site, query, cookie=cookie) as back:
        assert back.until(lambda tab: tab.runs)
        assert QUESTION in back.tab.questions and not back.tab.writing
        assert len(max(back.tab.shown.values(), key=len)) > written


def test_nobody_s_words_are_in_the_log_and_each_answer_is_a_line(site: App, folder: Path) -> None:
    lines = (folder / "home" / "app.log").read_text(encoding="utf-8").splitlines()
    answered = [
        one for one in map(json.loads, (line for line in lines if line.startswith("{"))) if one["event"] == "answered"
    ]
    assert len(answered) >= 2 and {one["finish"] for one in answered} >= {"stopped"}
    assert all(isinstance(one["total_s"], float) for one in answered)
    whole = "\n".join(lines)
    assert QUESTION not in whole and "막걸리" not in whole and TOKEN not in whole


def test_the_folder_and_its_files_are_their_owner_s_alone_and_old_ones_were_tightened(site: App, folder: Path) -> None:
    home = folder / "home"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("kdrinks.duckdb", "kdrinks.duckdb.wal"):
        assert stat.S_IMODE((home / name).stat().st_mode) & 0o077 == 0, name


@pytest.mark.parametrize("proxied", [True, False])
def test_without_a_token_only_this_machine_reads_figures_and_no_proxy_on_it(proxied: bool) -> None:
    def asks(client: str | None, **headers: str) -> bool:
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "headers": raw, "client": (client, 1) if client else None}
        return may_read_figures(HTTPConnection(scope), "")

    forwarded = {"x_forwarded_for": "192.0.2.1"} if proxied else {}
    assert asks("127.0.0.1", **forwarded) == asks("::1", **forwarded) == (not proxied)
    assert not asks("192.0.2.1", **forwarded) and not asks(None, **forwarded) and not asks("testclient", **forwarded)
