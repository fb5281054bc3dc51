"""Long work in the background as a person meets it: one of a kind, seen from every tab, ended cleanly, and told when it was cut."""

import logging
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from kdrinks import i18n, jobs
from kdrinks.config import ROOT, Settings
from kdrinks.documents import ingest
from kdrinks.errors import BadInput, HubError, StoreError
from kdrinks.hub import catalog, download
from kdrinks.hub.remote import Hub
from kdrinks.jobs import Cancelled, Job, Jobs
from kdrinks.measure import compare
from kdrinks.records import ADMINISTRATOR, Choice
from kdrinks.services import Services, last_choice, load_model, open_services
from kdrinks.store import documents as documents_store
from kdrinks.store import jobs as jobs_store
from kdrinks.store.db import Database
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_page, shown
from tests.support.document_files import pdf
from tests.support.hub_server import FakeHub, running_hub
from tests.support.running_app import needs_chromium, open_tab, running_app, visit
from tests.support.wait import eventually

PATIENCE_S = 60.0
REPO = "acme/drink-GGUF"
FILE = "drink-Q4_K_M.gguf"
LONG_PDF = """
import sys
from pathlib import Path
from kdrinks.config import Settings
from kdrinks.documents import ingest
from kdrinks.records import ADMINISTRATOR
from kdrinks.services import open_services
from tests.support.document_files import pdf
from tests.support.wait import eventually

services = open_services(Settings(Path(sys.argv[1]), Path(sys.argv[1])))
long = pdf([[(9, f"Line {n} of page.") for n in range(60)]] * 900)
job = ingest.start(services.jobs, ingest.DocumentIngest(services.db, ADMINISTRATOR, services.words, "안내서.pdf", long))
assert eventually(lambda: job.progress.step == "reading_pages", 60)
print("reading", flush=True)
job.wait()
"""


class Held:
    """Work that reports half, then waits until the test lets it go, or it is asked to stop."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.runs = 0

    def __call__(self, job: Job[Any]) -> str:
        self.runs += 1
        job.report("reading_pages", 0.5, done=2, pages=4)
        while not self.go_on.wait(0.005):
            job.check()
        return "made"


def half(job: Job[Any]) -> bool:
    return eventually(lambda: job.fraction == 0.5, PATIENCE_S)


def rows(db: Database) -> list[tuple[Any, ...]]:
    with db.cursor() as cursor:
        return cursor.execute("SELECT kind, subject, owner, phase, error FROM jobs ORDER BY created_at").fetchall()


def test_a_job_says_what_it_does_and_what_came_of_it(db: Database) -> None:
    work = Held()
    job = Jobs(db).start("document", work, subject="a.pdf", owner="me")
    assert half(job)
    assert (job.phase, job.running, job.over) == ("running", True, False)
    assert job.progress == jobs.Progress("reading_pages", {"done": 2, "pages": 4}, 0.5)
    assert rows(db) == [("document", "a.pdf", "me", "running", None)]
    work.go_on.set()
    assert job.wait(PATIENCE_S)
    assert (job.phase, job.running, job.over, job.result, job.error) == ("done", False, True, "made", None)
    assert job.fraction == 1.0
    assert rows(db)[1:] == [("document", "a.pdf", "me", "done", None)]


def test_whoever_asks_for_the_same_gets_the_job_that_runs() -> None:
    registry, work = Jobs(), Held()
    found: list[Job[Held]] = []
    threads = [
        threading.Thread(target=lambda: found.append(registry.start("quantize", work, subject="tea")))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert half(found[0])
    other = registry.start("quantize", Held(), subject="tea", key="another")
    assert {job.id for job in found} == {found[0].id} and work.runs == 1 and other.id != found[0].id
    work.go_on.set()
    assert found[0].wait(PATIENCE_S)
    again = registry.start("quantize", work, subject="tea")
    assert again.id != found[0].id and again.wait(PATIENCE_S)
    assert registry.of("quantize") == [other, again], "the one that is over made place"


def test_what_is_started_right_after_a_cancel_is_a_job_of_its_own() -> None:
    registry, leaving = Jobs(), threading.Event()

    def slow_to_end(job: Job[Any]) -> None:
        assert job.stop.wait(PATIENCE_S) and not leaving.wait(0.2)
        raise Cancelled

    first = registry.start("document", slow_to_end, subject="a.pdf")
    first.cancel()
    work = Held()
    work.go_on.set()
    second = registry.start("document", work, subject="a.pdf")
    assert second.wait(PATIENCE_S) and (first.phase, second.phase) == ("cancelled", "done")


def test_a_cancel_calls_what_kills_the_child_and_what_breaks_then_is_no_failure(db: Database) -> None:
    killed = threading.Event()

    def work(job: Job[Any]) -> None:
        with job.when_stopped(killed.set):
            job.report("making", 0.5)
            assert killed.wait(PATIENCE_S)
        raise BadInput("document_too_complex", file="the child was killed")

    job = Jobs(db).start("quantize", work, subject="tea")
    assert half(job)
    job.cancel()
    assert job.wait(PATIENCE_S) and (job.phase, job.error) == ("cancelled", None)
    assert [row[3] for row in rows(db)] == ["running", "cancelled"]


def test_a_pause_keeps_what_is_there_and_a_cancel_throws_it_away() -> None:
    registry, work, thrown = Jobs(), Held(), threading.Event()
    job = registry.start("download", work, subject="tea.gguf", discard=thrown.set)
    assert half(job)
    job.pause()
    assert job.wait(PATIENCE_S) and (job.phase, job.over, thrown.is_set()) == ("paused", False, False)
    assert registry.start("download", Held(), subject="tea.gguf", discard=thrown.set) is job
    assert eventually(lambda: work.runs == 2 and job.phase == "running", PATIENCE_S), "it went on with its own work"
    job.pause()
    assert job.wait(PATIENCE_S)
    job.cancel()
    assert (job.phase, thrown.is_set()) == ("cancelled", True)


@pytest.mark.parametrize("bug", [ZeroDivisionError("by nothing"), SystemExit(3), MemoryError()])
def test_a_job_that_breaks_ends_with_a_reason_in_the_reader_s_language_and_its_traceback_in_the_log(
    db: Database, caplog: pytest.LogCaptureFixture, bug: BaseException
) -> None:
    def work(job: Job[Any]) -> None:
        raise bug

    job = Jobs(db).start("document", work, subject="안내서.pdf")
    assert job.wait(PATIENCE_S) and job.phase == "failed" and job.error
    assert "뜻밖의" in job.error.message("ko") and "unexpected" in job.error.message("en")
    for lang in i18n.LANGUAGES:
        assert "안내서.pdf" in job.error.message(lang) and type(bug).__name__ in job.error.message(lang)
    assert "Traceback" in caplog.text and "raise bug" in caplog.text
    assert rows(db)[-1][3] == "failed" and "job_failed" in rows(db)[-1][4]


def test_a_job_that_gets_no_thread_has_failed_and_can_be_started_again(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    registry, work = Jobs(db), Held()
    work.go_on.set()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        job = registry.start("document", work, subject="a.pdf")
    assert job.wait(0) and job.phase == "failed" and job.error and "new thread" in job.error.message("ko")
    assert registry.start("document", work, subject="a.pdf").wait(PATIENCE_S)
    assert [row[3] for row in rows(db)] == ["running", "failed", "running", "done"]


def test_every_kind_of_job_has_its_words() -> None:
    kinds = {}
    for path in (ROOT / "kdrinks").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        for kind in re.findall(r'^(?:KIND|LOADING) = "(\w+)"', source, re.M):
            kinds[kind] = set(re.findall(r'(?:report|_tell)\((?:job, )?"(\w+)"', source))
    assert {"download", "quantize", "compare", "document", "load", "recount"} <= set(kinds) and all(kinds.values())
    for lang in i18n.LANGUAGES:
        for kind, steps in kinds.items():
            assert "tea" in i18n.text(f"jobs.{kind}.interrupted", lang, subject="tea")
            assert all(i18n.text(f"jobs.{kind}.{step}", lang) for step in steps)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "/nonexistent")
    with running_hub({REPO: {FILE: bytes(3_000_000)}}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.hub_url)
        yield running


def test_a_hub_whose_storage_leads_back_to_itself_ends_the_download_and_says_so(hub: FakeHub, tmp_path: Path) -> None:
    hub.statuses = [(302, {"location": f"{hub.storage_url}/{REPO}/{FILE}"})] * 1000
    downloads = download.Downloads(Hub(), tmp_path, Jobs())
    job = downloads.start(ADMINISTRATOR, downloads.hub.file(REPO, FILE))
    assert job.wait(PATIENCE_S) and job.phase == "failed" and job.error
    assert job.error.key == "hub_unexpected" and "TooManyRedirects" in job.error.message("ko")
    assert list(tmp_path.iterdir()) == []
    hub.statuses = []
    again = downloads.start(ADMINISTRATOR, downloads.hub.file(REPO, FILE))
    assert again.wait(PATIENCE_S) and again.id == job.id and again.phase == "done" and (tmp_path / FILE).exists()


def test_answers_that_no_hub_gives_are_told_as_such(hub: FakeHub) -> None:
    hub.info_statuses = [(200, {"content-type": "text/html"})]
    with pytest.raises(HubError) as told:
        Hub().model(REPO)
    assert told.value.key == "hub_unexpected"
    hub.info_statuses = [(302, {"location": f"{hub.hub_url}/api/models/{REPO}"})] * 1000
    with pytest.raises(HubError) as told:
        Hub().model(REPO)
    assert told.value.key == "hub_unexpected"


def test_a_job_whose_start_cannot_be_stored_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = Database.open(tmp_path / "k.duckdb")
    registry, work = Jobs(db), Held()

    def full(*arguments: Any, **values: Any) -> None:
        raise StoreError("store_failed", cause="disk full")

    monkeypatch.setattr(jobs_store, "record", full)
    with pytest.raises(StoreError):
        registry.start("document", work, subject="a.pdf")
    assert work.runs == 0 and registry.of("document") == []
    monkeypatch.undo()
    job = registry.start("document", work, subject="a.pdf")
    assert half(job)
    db.close()  # the end cannot be stored any more
    work.go_on.set()
    assert job.wait(PATIENCE_S) and job.phase == "done"


def tab(lang: str = "ko") -> AppTest:
    return open_page("drinks", lang, documents="1")


def buttons(page: AppTest, job: Job[Any]) -> set[str]:
    return {str(button.key).rpartition(job.id)[0] for button in page.button if job.id in str(button.key)}


def test_a_rerun_another_page_and_a_second_tab_find_the_same_job(home: Path) -> None:
    page = tab()
    job = get_services().jobs.start(ingest.KIND, Held(), subject="안내서.pdf")
    assert half(job)
    for _ in range(3):
        page.run()
    assert page.get("progress")[0].proto.text == "읽는 중: 4쪽 가운데 2쪽"
    page.switch_page("../../pages/chat.py").run()
    assert not page.exception and job.running
    page.switch_page("../../pages/drinks.py").run()
    second = tab("en")
    assert "안내서.pdf" in shown(second) and second.get("progress")[0].proto.text == "Reading: page 2 of 4"
    assert buttons(second, job) == {"cancel-"} and job.work.runs == 1
    second.button(key=f"cancel-{job.id}").click().run()
    assert job.wait(PATIENCE_S) and job.phase == "cancelled"
    assert not tab().get("progress")


def test_a_failed_job_stays_on_the_page_until_it_is_closed(home: Path) -> None:
    page = tab()

    def work(job: Job[Any]) -> None:
        raise ZeroDivisionError

    job = get_services().jobs.start(ingest.KIND, work, subject="안내서.pdf")
    assert job.wait(PATIENCE_S)
    page.run()
    assert "ZeroDivisionError" in page.error[0].value and "안내서.pdf" in page.error[0].value
    assert "ZeroDivisionError" in tab("en").error[0].value
    page.button(key=f"dismiss-{job.id}").click().run()
    assert not page.exception and not page.error and not tab("en").error


def test_what_a_kill_cut_is_told_once_in_both_languages(home: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", LONG_PDF, str(home)], cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout and child.stdout.readline() == b"reading\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    page = tab()
    assert [cut.subject for cut in get_services().jobs.cut(ingest.KIND)] == ["안내서.pdf"]
    assert "앱이 꺼지면서 ‘안내서.pdf’ 넣기가 중단되었습니다" in shown(page)
    english = tab("en")
    assert "Adding “안내서.pdf” was interrupted when the app closed" in shown(english)
    cut = get_services().jobs.cut(ingest.KIND)[0]
    english.button(key=f"dismiss-{cut.id}").click().run()
    assert not english.exception and "interrupted" not in shown(english) and "중단되었습니다" not in shown(tab())
    assert [row[3] for row in rows(get_services().db)] == ["running", "interrupted"]
    get_services().close()
    get_services.clear()
    assert "중단되었습니다" not in shown(tab())


def test_trying_again_what_was_cut_is_an_answer_to_being_told(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path)
    first = open_services(settings)
    cut = first.jobs.start("document", Held(), subject="a.pdf")
    other = first.jobs.start("document", Held(), subject="b.pdf", key="b")
    assert half(cut) and half(other)
    first.close()
    second = open_services(settings)
    assert [one.id for one in second.jobs.cut("document")] == [cut.id, other.id]
    work = Held()
    work.go_on.set()
    assert second.jobs.start("document", work, subject="a.pdf").wait(PATIENCE_S)
    second.close()
    third = open_services(settings)
    assert [one.id for one in third.jobs.cut("document")] == [other.id]
    third.close()


def test_a_removed_document_is_gone_from_the_jobs_too(db: Database, words: Any) -> None:
    job = ingest.start(
        Jobs(db), ingest.DocumentIngest(db, ADMINISTRATOR, words, "secret.txt", b"The second house pours oolong.")
    )
    assert job.wait(PATIENCE_S) and len(rows(db)) == 2
    documents_store.remove(db, ADMINISTRATOR, job.work.id)
    assert rows(db) == []


def test_work_that_does_not_listen_cannot_hold_the_end_of_the_app_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "CLOSE_S", 0.2)
    caplog.set_level(logging.CRITICAL)
    services, end = open_services(Settings(tmp_path, tmp_path)), threading.Event()
    job = services.jobs.start("document", lambda job: end.wait(PATIENCE_S), subject="a.pdf")
    began = time.monotonic()
    services.close()
    assert time.monotonic() - began < 5 and job.running
    end.set()
    assert job.wait(PATIENCE_S)


def loading(services: Services, folder: Path, slow_model: Choice) -> Job[Any]:
    return load_model(services, ADMINISTRATOR, slow_model)


def downloading(services: Services, folder: Path, slow_model: Choice) -> Job[Any]:
    downloads = download.Downloads(Hub(), folder, services.jobs)
    return downloads.start(ADMINISTRATOR, downloads.hub.file(REPO, FILE))


def comparing(services: Services, folder: Path, slow_model: Choice) -> Job[Any]:
    model = catalog.find_model(catalog.BUILT_IN, services.settings)
    found = compare.Candidate(model, last_choice(services))
    return compare.start(services.jobs, compare.Comparison(services.db, ADMINISTRATOR, services.engine, [found]))


def indexing(services: Services, folder: Path, slow_model: Choice) -> Job[Any]:
    long = pdf([[(9, f"Line {n} of page.") for n in range(60)]] * 300)
    return ingest.start(
        services.jobs, ingest.DocumentIngest(services.db, ADMINISTRATOR, services.words, "long.pdf", long)
    )


@pytest.mark.parametrize("begin", [loading, downloading, comparing, indexing])
def test_the_app_ends_at_once_whatever_is_under_way(
    hub: FakeHub,
    tmp_path: Path,
    slow_model: Choice,
    begin: Callable[[Services, Path, Choice], Job[Any]],
) -> None:
    hub.pause_s = 0.05
    services = open_services(Settings(tmp_path, tmp_path))
    job = begin(services, tmp_path, slow_model)
    assert eventually(lambda: job.progress.step or job.over, PATIENCE_S)
    began = time.monotonic()
    services.close()
    assert time.monotonic() - began < 8
    assert not job.running and job.phase in ("paused", "cancelled", "done")


@pytest.mark.browser
@needs_chromium
def test_the_app_that_is_ended_stops_its_jobs_at_once_and_tells_them_when_it_is_opened_again(
    browser: Browser, tmp_path: Path
) -> None:
    long = pdf([[(9, f"Line {n} of page.") for n in range(60)]] * 900)
    files = [tmp_path / name for name in (*(f"{number}.pdf" for number in range(10)), "long.pdf")]
    for path in files:  # 3 s each, one after the other: the last one is not done whatever else takes time
        path.write_bytes(long + f"\n% {path.name}".encode())
    with running_app(tmp_path / "home", tmp_path) as app:
        with visit(browser, app, "/drinks?documents=1") as page:
            page.locator("input[type=file]").set_input_files(files)
            job = page.locator("[class*='st-key-job-']").filter(has_text="long.pdf")
            expect(job).to_be_visible()
            second = open_tab(page.context, app, "/drinks?documents=1")
            expect(second.locator("[class*='st-key-job-']").filter(has_text="long.pdf")).to_be_visible()
            page.goto(f"{app.url}/analytics")
            expect(page.get_by_role("heading").first).to_be_visible()
            page.goto(f"{app.url}/drinks?documents=1")
            expect(job).to_be_visible()
        children = psutil.Process(app.pid).children(recursive=True)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    psutil.wait_procs(children, timeout=PATIENCE_S)
    assert not [child for child in children if child.is_running()]
    with running_app(tmp_path / "home", tmp_path) as app, visit(browser, app, "/drinks?documents=1") as page:
        cut = page.locator("[class*='st-key-cut-']").filter(has_text="‘long.pdf’ 넣기가 중단되었습니다")
        expect(cut).to_be_visible()
        cut.get_by_role("button", name="닫기").click()
        expect(cut).to_have_count(0)
