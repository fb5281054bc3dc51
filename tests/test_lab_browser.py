"""The evaluation page in a real browser: its keys, every control clicked twice, Back, and a phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kdrinks.config import Settings
from kdrinks.measure import run
from kdrinks.store.db import Database
from kdrinks.store.evaluations import Setting
from tests.support.running_app import App, needs_chromium, running_app, visit
from tests.support.stored_runs import QUESTIONS, store_run, write_set

pytestmark = [pytest.mark.browser, needs_chromium]

TABS = {"results": "결과", "read": "답 읽기", "compare": "둘 견주기", "new": "새 평가"}
INSIDE = {"results": "lab-one", "read": "lab-verdicts", "compare": "lab-difference", "new": "lab-start"}

TO_JUDGE = [{**question, "id": f"judged-{question['id']}"} for question in QUESTIONS]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with two runs of one set, without a model and with one that gets others wrong, and a run of another set to judge."""
    folder = tmp_path_factory.mktemp("lab")
    db = Database.open(Settings(folder / "home", folder).database)
    judged = write_set(folder / "home", "judged", questions=TO_JUDGE)
    store_run(db, judged, run.NO_MODEL, [True, False, True, True])
    asked = write_set(folder / "home")
    store_run(db, asked, run.NO_MODEL, [True, False, True, True])
    store_run(db, asked, Setting("built-in"), [True, True, False, False])
    db.close()
    with running_app(folder / "home", folder) as running:
        yield running


def place(page: Page, text: str) -> None:
    expect(page.locator(".st-key-lab-place")).to_contain_text(text)


def open_tab(page: Page, section: str) -> None:
    page.get_by_role("tab", name=TABS[section], exact=True).click()
    expect(page.locator(f".st-key-{INSIDE[section]}")).to_be_visible()
    expect(page.get_by_role("tab", selected=True)).to_have_text(TABS[section])


def test_answers_are_judged_and_walked_through_by_keys_alone(app: App, browser: Browser, tmp_path: Path) -> None:
    same = write_set(tmp_path, questions=TO_JUDGE)
    with visit(browser, app, f"/lab?section=read&set={same.hash}") as page:
        place(page, "4개 중 1번째 · 손으로 판정 0/4")
        page.keyboard.press("3")
        place(page, "4개 중 2번째 · 손으로 판정 1/4")
        page.keyboard.press("1")
        place(page, "4개 중 3번째 · 손으로 판정 2/4")
        page.keyboard.press("ArrowLeft")
        place(page, "4개 중 2번째")
        page.keyboard.press("ArrowRight")
        place(page, "4개 중 3번째")
        page.keyboard.press("ArrowRight")
        place(page, "4개 중 4번째")
        page.keyboard.press("6")
        place(page, "4개 중 3번째 · 손으로 판정 3/4")
        page.reload()
        place(page, "4개 중 3번째 · 손으로 판정 3/4")


def test_every_control_takes_each_click_and_back_brings_the_view_before(app: App, browser: Browser) -> None:
    with visit(browser, app, "/lab?section=compare") as page:
        for section in ("results", "read", "new", "compare", "results", "compare"):
            open_tab(page, section)
        page.locator(".st-key-flips-worse button").first.click()
        expect(page.get_by_test_id("stChatMessage")).to_have_count(3)
        shows = page.locator("[class*='st-key-lab-show-'] [data-variant]")
        for at in (1, 3, 0, 3):
            shows.nth(at).click()
            expect(shows.nth(at)).to_have_attribute("aria-checked", "true")
            expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page.locator(".st-key-lab-list button")).to_have_count(3)
        for at in (1, 2, 0):
            page.locator(".st-key-lab-list button").nth(at).click()
            place(page, f"3개 중 {at + 1}번째")
        page.go_back()
        place(page, "3개 중 3번째")
        page.go_back()
        place(page, "3개 중 2번째")
        open_tab(page, "compare")
        page.go_back()
        expect(page.locator(".st-key-lab-verdicts")).to_be_visible()
        open_tab(page, "results")
        pills = page.locator("[class*='st-key-lab-measures-'] [data-variant]")
        for _ in range(2):
            for at, pressed in ((1, "false"), (1, "true")):
                pills.nth(at).click()
                expect(pills.nth(at)).to_have_attribute("aria-pressed", pressed)
                expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page).to_have_url(re.compile("section=results"))


@pytest.mark.parametrize("section", INSIDE)
def test_nothing_is_wider_than_a_phone(app: App, browser: Browser, section: str) -> None:
    with visit(browser, app, f"/lab?section={section}", width=390) as page:
        expect(page.locator(f".st-key-{INSIDE[section]}")).to_be_visible()
        assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
