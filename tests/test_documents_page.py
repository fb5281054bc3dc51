"""Your documents on the drinks page as a person gets them: add, refuse, list, preview, remove; at the end in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect
from streamlit.testing.v1 import AppTest

from kdrinks.documents import ingest
from kdrinks.jobs import Job
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import documents as store
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_page, shown
from tests.support.document_files import brewery_pdf, pdf
from tests.support.office_files import docx, para
from tests.support.running_app import App, answers, needs_chromium, visit

PATIENCE_S = 60


def pdf_file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    """Choose a file and wait until its job, where one began, has ended and the page told so."""
    page.file_uploader[0].upload(name, content, "application/octet-stream")
    page.run()
    assert all(job.wait(PATIENCE_S) for job in get_services().jobs.of(ingest.KIND))
    return page.run()


def added(name: str, content: bytes) -> Job[ingest.DocumentIngest]:
    work = ingest.DocumentIngest(get_services().db, ADMINISTRATOR, get_services().words, name, content)
    job = ingest.start(get_services().jobs, work)
    assert job.wait(PATIENCE_S) and job.error is None
    return job


@pytest.mark.parametrize(
    ("lang", "none", "one"),
    [("ko", "아직 넣은 문서가 없습니다", "문서 **1개**"), ("en", "No documents yet", "**1** document")],
)
def test_a_file_is_added_and_listed(home: Path, lang: str, none: str, one: str) -> None:
    page = open_page("drinks", lang, documents="1")
    assert none in "\n".join(str(title.value) for title in page.subheader)
    upload(page, "달빛 안내서.pdf", brewery_pdf())
    assert not page.exception and not page.error
    assert one in shown(page) and "달빛 안내서" in shown(page)
    assert "PDF · 2쪽 · 3개 대목" in shown(page) or "PDF · 2 pages · 3 passages" in shown(page)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("song.mp3", b"ID3", "읽을 수 있는 문서가 아닙니다"),
        ("빈 글.txt", b"  ", "읽을 글이 없습니다"),
        ("broken.pdf", b"%PDF-1.7 nothing", "깨졌거나"),
        ("locked.pdf", pdf([[(11, "x")]], locked=True), "암호가 걸려 있습니다"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_changes_nothing(
    home: Path, name: str, content: bytes, says: str
) -> None:
    page = open_page("drinks", documents="1")
    upload(page, name, content)
    assert says in page.error[0].value and name in page.error[0].value
    assert store.listed(get_services().db, ADMINISTRATOR) == []
    dismiss = [button for button in page.button if (button.key or "").startswith("dismiss-")]
    if dismiss:
        dismiss[0].click().run()
        assert not page.error


def test_a_document_is_previewed_with_headings_and_pages_and_searched(home: Path) -> None:
    open_page("drinks")  # opens the services
    job = added("달빛 안내서.pdf", brewery_pdf())
    page = open_page("drinks", document=job.work.id, at="3")
    text = shown(page)
    assert "달빛양조장 방문 안내서 › 술 보관" in text and "2쪽" in text and "섭씨 4도" in text
    page.text_input(key=f"find-{job.work.id}").set_value("누룩").run()
    assert "체험" in shown(page) and "섭씨 4도" not in shown(page)
    page.text_input(key=f"find-{job.work.id}").set_value("위스키").run()
    assert "찾지 못했습니다" in shown(page)


@pytest.mark.parametrize(
    ("lang", "says"),
    [("ko", "읽지 못한 것: 메모 1개, 그림 1개"), ("en", "Not read: 1 comment, 1 picture")],
)
def test_what_of_a_file_was_not_read_is_said_beside_it_and_over_its_preview(home: Path, lang: str, says: str) -> None:
    file = docx(
        para("달맞이 한 병은 만 원입니다."),
        para("<w:r><w:drawing><pic:pic/></w:drawing></w:r>"),
        comments=f'<w:comment w:id="0">{para("확인")}</w:comment>',
    )
    page = open_page("drinks", lang, documents="1")
    upload(page, "차림표.docx", file)
    assert says in shown(page)
    (document,) = store.listed(get_services().db, ADMINISTRATOR)
    preview = open_page("drinks", lang, document=document.id)
    assert says in preview.warning[0].value and "만 원입니다" in shown(preview)
    upload(page, "글.txt", "다 읽은 글입니다.".encode())
    (whole,) = [one for one in store.listed(get_services().db, ADMINISTRATOR) if one.id != document.id]
    assert not open_page("drinks", lang, document=whole.id).warning


def test_a_long_document_is_shown_a_page_at_a_time(home: Path) -> None:
    open_page("drinks")
    job = added("long.csv", b"name,price\n" + b"".join(b"tea %d,%d won\n" % (n, n) for n in range(100)))
    page = open_page("drinks", "en", document=job.work.id, at="95")
    assert "tea 94" in shown(page) and "tea 3," not in shown(page)
    assert "Passages 91–100 of 100" in shown(page)


@pytest.mark.parametrize(
    "address", [{"document": "no-such"}, {"document": "'; DROP TABLE documents"}, {"document": "x", "at": "<b>"}]
)
def test_an_unknown_document_gets_a_way_back(home: Path, address: dict[str, str]) -> None:
    page = open_page("drinks", "en", **address)
    assert "There is no such document" in shown(page)
    assert "documents=1" in [link.proto.query_string for link in page.get("page_link")]


def test_a_document_is_removed_with_everything_it_was_found_by(home: Path) -> None:
    open_page("drinks")
    job = added("a.txt", b"The second house pours oolong.")
    page = open_page("drinks", "en", documents="1")
    page.button(key=f"remove-{job.work.id}").click().run()
    assert not page.exception
    assert (
        store.listed(get_services().db, ADMINISTRATOR) == []
        and store.parts(get_services().db, ADMINISTRATOR, job.work.id) == []
    )
    assert "No documents yet" in "\n".join(str(title.value) for title in page.subheader)


@pytest.mark.browser
@needs_chromium
def test_a_document_is_added_asked_about_and_opened_at_its_citation(browser: Browser, app: App) -> None:
    with visit(browser, app, "/drinks", width=390) as page:
        expect(page.get_by_role("link", name="내 문서")).to_be_visible()
        page.get_by_role("link", name="내 문서").click()
        expect(page).to_have_url(re.compile("documents=1"))
        page.locator("input[type=file]").set_input_files(
            [pdf_file("달빛 안내서.pdf", brewery_pdf()), pdf_file("깨진.pdf", b"%PDF-1.7")]
        )
        expect(page.get_by_text("깨졌거나")).to_be_visible()
        expect(page.get_by_text("PDF · 2쪽 · 3개 대목")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.goto(app.url)
        page.get_by_test_id("stChatInputTextArea").fill("달빛 스물은 어떻게 보관해야 해?")
        page.keyboard.press("Enter")
        expect(answers(page)).to_have_count(1)
        expect(page.get_by_test_id("stChatMessage").last).to_contain_text("섭씨 4도")
        page.get_by_role("button", name="달빛 안내서, 2쪽").click()
        page.get_by_role("link", name="문서에서 보기").click()
        expect(page.locator("[class*='st-key-cited-']")).to_contain_text("섭씨 4도")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
@needs_chromium
def test_a_long_file_goes_on_while_its_reader_is_elsewhere_and_can_be_cancelled(browser: Browser, app: App) -> None:
    line = "{}쪽 {}번째 항아리의 막걸리는 쌀과 누룩과 물로 빚어 체에 거칠게 걸러 낸 뿌연 술입니"
    long = pdf([[(9, line.format(page, n)) for n in range(12)] for page in range(900)])
    with visit(browser, app, "/drinks?documents=1") as page:
        page.locator("input[type=file]").set_input_files([pdf_file("long.pdf", long)])
        expect(page.locator("[class*='st-key-job-']").filter(has_text="long.pdf")).to_contain_text("long.pdf")
        page.goto(f"{app.url}/models")
        expect(page.get_by_role("heading").first).to_be_visible()
        page.goto(f"{app.url}/drinks?documents=1")
        expect(page.locator("[class*='st-key-job-']").filter(has_text="long.pdf")).to_contain_text("long.pdf")
        page.get_by_role("button", name="그만두기").dispatch_event("click")  # its row moves twice a second
        expect(page.locator("[class*='st-key-job-']").filter(has_text="long.pdf")).to_have_count(0)
        expect(page.get_by_text("넣기를 그만두었습니다")).to_be_visible()
        expect(page.locator(".st-key-documents").get_by_text("long")).to_have_count(0)
