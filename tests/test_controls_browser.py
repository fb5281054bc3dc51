"""Controls in a real browser: every click counts, whatever was clicked before, in both languages, after a reload, Back or a shared address."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kdrinks.config import Settings
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import chats
from kdrinks.store.db import Database
from tests.support.counted_answers import CPU, say
from tests.support.running_app import App, needs_chromium, running_app, visit

pytestmark = [pytest.mark.browser, needs_chromium]

TABS = {
    "ko-KR": {"drinks": "음료", "data": "데이터", "words": "말", "speed": "속도와 답"},
    "en-US": {"drinks": "Drinks", "data": "Data", "words": "Words", "speed": "Speed and answers"},
}
INSIDE = {"drinks": "chart-drinks", "data": "sql-run", "words": "chart-words", "speed": "chart-memory"}
"""A part of each section of the analytics page that no other has."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with answers of two models in two languages, and 40 conversations in all."""
    folder = tmp_path_factory.mktemp("controls")
    db = Database.open(Settings(folder / "home", folder).database)
    say(db, {"식혜": 3, "쌀": 2}, pos="drink", text="식혜는 쌀로 만듭니다.")
    say(db, {"rice": 2}, pos="english", text="Rice.", lang="en", loaded=replace(CPU, model_id="other"))
    for number in range(38):
        chats.record_question(db, ADMINISTRATOR, chats.start_conversation(db, ADMINISTRATOR), f"질문 {number}", "ko")
    db.close()
    with running_app(folder / "home", folder) as running:
        yield running


def choices(page: Page, key: str) -> Locator:
    """Of a segmented control or of pills."""
    return page.locator(f".st-key-{key} [data-variant]")


def chosen(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-{key} [data-variant]:is([aria-checked=true], [aria-pressed=true])")


def pick(page: Page, key: str, place: int) -> None:
    """Click one choice of a segmented control and see that it alone is taken, in whatever language it is written when that is done."""
    choices(page, key).nth(place).click()
    expect(choices(page, key).nth(place).and_(chosen(page, key))).to_be_visible()
    expect(chosen(page, key)).to_have_count(1)


def select(page: Page, key: str, place: int) -> None:
    page.locator(f"[class*='st-key-{key}']").get_by_role("combobox").click()
    page.get_by_role("option").nth(place).click()


def speak(page: Page, language: str) -> None:
    page.get_by_role("radio", name=language).click()
    code = {"한국어": "ko", "English": "en"}[language]
    expect(page.locator(f"html[lang={code}]")).to_be_attached()
    # a choice that is clicked while its words change is one of the other language
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


@pytest.mark.parametrize("locale", TABS)
def test_each_tab_of_the_analytics_page_opens_however_many_were_opened_before(
    app: App, browser: Browser, locale: str
) -> None:
    with visit(browser, app, "/analytics", locale=locale) as page:
        for section in ("drinks", "data", "words", "speed", "drinks"):
            page.get_by_role("tab", name=TABS[locale][section], exact=True).click()
            expect(page.locator(f".st-key-{INSIDE[section]}")).to_be_visible()
            expect(page.get_by_role("tab", selected=True)).to_have_text(TABS[locale][section])
        expect(page).to_have_url(re.compile(r"section=drinks$"))
        page.go_back()
        expect(page.locator(f".st-key-{INSIDE['speed']}")).to_be_visible()
        expect(page.get_by_role("tab", selected=True)).to_have_text(TABS[locale]["speed"])
        page.get_by_role("tab", name=TABS[locale]["data"], exact=True).click()
        expect(page.locator(f".st-key-{INSIDE['data']}")).to_be_visible()
        page.reload()
        expect(page.locator(f".st-key-{INSIDE['data']}")).to_be_visible()


def test_each_analytics_filter_takes_every_click_and_keeps_it_in_the_other_language_and_in_the_address(
    app: App, browser: Browser
) -> None:
    with visit(browser, app, "/analytics?section=drinks") as page:
        answers = page.get_by_test_id("stMetricValue").nth(1)
        for key, places in {"period": (0, 1, 3, 2, 4), "said": (1, 2, 1), "who": (1, 2, 0, 1)}.items():
            for place in places:
                pick(page, f"analytics-{key}", place)
        expect(answers).to_have_text("1")
        for place in (3, 4, 0):
            choices(page, "analytics-pos").nth(place).click()
        expect(chosen(page, "analytics-pos")).to_have_text(["명사", "영어", "동사", "형용사"])
        select(page, "analytics-model", 1)
        expect(answers).to_have_text("0")
        select(page, "analytics-model", 0)
        expect(answers).to_have_text("1")

        speak(page, "English")
        expect(chosen(page, "analytics-period")).to_have_text(["All"])
        expect(chosen(page, "analytics-said")).to_have_text(["Korean"])
        expect(chosen(page, "analytics-pos")).to_have_text(["Nouns", "English", "Verbs", "Adjectives"])
        expect(page.get_by_role("tab", selected=True)).to_have_text("Drinks")
        expect(answers).to_have_text("1")
        pick(page, "analytics-said", 2)
        expect(answers).to_have_text("0")
        pick(page, "analytics-said", 0)
        expect(answers).to_have_text("1")
        address = page.url.removeprefix(app.url)
        assert "period=all" in address and "who=question" in address and "model=built-in" in address
    with visit(browser, app, address) as other:
        expect(chosen(other, "analytics-period")).to_have_text(["전체"])
        expect(chosen(other, "analytics-pos")).to_have_text(["명사", "영어", "동사", "형용사"])
        expect(other.get_by_role("tab", selected=True)).to_have_text("음료")
        expect(other.get_by_test_id("stMetricValue").nth(1)).to_have_text("1")


def test_a_word_and_the_number_of_words_come_from_the_address_and_back_brings_them_again(
    app: App, browser: Browser
) -> None:
    with visit(browser, app, "/analytics?word=식혜&top=30") as page:
        let_go = page.locator(".st-key-analytics-word button").filter(visible=True)
        expect(let_go).to_contain_text("식혜")
        expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", "30")
        page.get_by_role("slider").press("ArrowRight")
        expect(page).to_have_url(re.compile("top=40"))
        page.get_by_role("slider").press("ArrowRight")
        expect(page).to_have_url(re.compile("top=50"))
        let_go.click()
        expect(let_go).to_have_count(0)
        for name in ("식혜", "쌀"):
            bar = page.locator(f".st-key-chart-words path[aria-roledescription=bar][aria-label*='label: {name};']")
            expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
            expect(bar).to_have_count(1)  # not while the next chart is drawn over the last one
            bar.click()
            expect(let_go).to_contain_text(name)
        page.go_back()
        expect(let_go).to_contain_text("식혜")


def test_filters_of_the_drinks_take_clicks_that_come_faster_than_the_address_and_back_undoes_the_last(
    app: App, browser: Browser
) -> None:
    with visit(browser, app, "/drinks") as page:
        expect(choices(page, "drinks-season")).to_have_count(5)
        for place in range(4):
            choices(page, "drinks-season").nth(place).click()
        expect(chosen(page, "drinks-season")).to_have_count(4)
        expect(page).to_have_url(re.compile("spring.*summer.*autumn.*winter"))
        for place in (3, 2, 1, 0):
            choices(page, "drinks-season").nth(place).click()
        expect(chosen(page, "drinks-season")).to_have_count(0)
        expect(page).to_have_url(app.url + "/drinks")
        page.reload()
        choices(page, "drinks-family").nth(0).click()
        expect(page).to_have_url(re.compile("family=makgeolli$"))
        page.go_back()
        expect(chosen(page, "drinks-family")).to_have_count(0)
        expect(page.get_by_text("음료 105가지")).to_be_visible()
        expect(page).to_have_url(app.url + "/drinks")
        for place in (1, 0):
            choices(page, "drinks-view").nth(place).click()
            expect(chosen(page, "drinks-view")).to_have_text([choices(page, "drinks-view").nth(place).inner_text()])


def test_a_choice_of_words_outlives_a_change_of_language_and_the_click_after_it(app: App, browser: Browser) -> None:
    with visit(browser, app, "/drinks?without=honey") as page:
        page.get_by_test_id("stPopoverButton").filter(has_text="(1)").click()
        for place, region in ((1, "nationwide"), (2, "seoul")):
            select(page, "drinks-region", place)
            expect(page).to_have_url(re.compile(f"region={region}"))
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        speak(page, "English")
        choices(page, "drinks-season").nth(0).click()
        expect(chosen(page, "drinks-season")).to_have_text(["spring"])
        expect(page).to_have_url(re.compile("season=spring&region=nationwide&region=seoul&without=honey$"))
        page.get_by_test_id("stPopoverButton").filter(has_text="(3)").click()
        expect(page.locator("[data-tag]")).to_have_text(["all of Korea", "Seoul", re.compile("honey")])
        select(page, "drinks-region", 3)
        expect(page.locator("[data-tag]")).to_have_count(4)
        expect(page).to_have_url(re.compile("region=nationwide&region=seoul&region="))


def test_what_answers_is_chosen_twice_and_stays_in_the_other_language(app: App, browser: Browser) -> None:
    with visit(browser, app, "/models") as page:
        for place in (2, 1, 0, 1):
            pick(page, "choice-device", place)
        context = page.locator("[class*='st-key-choice-context']").get_by_role("combobox")
        for place, name in ((1, "1,024토큰"), (0, "모델에 맞춤"), (1, "1,024토큰")):
            select(page, "choice-context", place)
            expect(context).to_have_value(name)
        for place, names in ((1, ["모델에 맞춤", "1,024"]), (2, ["모델에 맞춤", "1,024", "2,048"])):
            choices(page, "compare-contexts").nth(place).click()
            expect(chosen(page, "compare-contexts")).to_have_text(names)
        speak(page, "English")
        pick(page, "choice-device", 0)
        expect(context).to_have_value("1,024 tokens")
        expect(page.locator("[class*='st-key-choice-model'] input")).to_be_checked()
        expect(page.locator("[class*='st-key-compare-models'] [data-tag]")).to_have_text(["Built-in model"])
        expect(chosen(page, "compare-contexts")).to_have_text(["the model's own", "1,024", "2,048"])
        select(page, "choice-context", 0)
        expect(context).to_have_value("the model's own")


def test_any_of_forty_conversations_is_opened_and_deleted_and_the_language_stays_in_sight(
    app: App, browser: Browser
) -> None:
    with visit(browser, app) as page:
        page.set_viewport_size({"width": 1280, "height": 600})
        rows = page.locator(".st-key-conversations [data-testid=stButton] button")
        opened = page.locator("[class*='st-key-row-open-']")
        asked = page.locator("[class*='st-key-asked-']")
        expect(rows).to_have_text([f"질문 {number}" for number in range(37, 7, -1)])
        expect(page.get_by_role("radio", name="English")).to_be_in_viewport()
        page.get_by_role("button", name="더 보기").click()
        expect(rows).to_have_text([*(f"질문 {number}" for number in range(37, -1, -1)), "질문?", "질문?"])
        expect(page.get_by_role("button", name="더 보기")).to_have_count(0)
        rows.nth(15).click()
        expect(opened).to_have_text([re.compile("질문 22")])
        expect(asked).to_have_text(re.compile("질문 22$"))
        rows.nth(28).click()
        expect(opened).to_have_text([re.compile("질문 9")])
        expect(opened).to_have_count(1)
        for name in ("질문 0", "질문 1"):
            page.get_by_role("button", name=f"‘{name}’ 대화 메뉴").click()
            page.get_by_role("menu").get_by_text("지우기").click()
            expect(page.get_by_role("button", name=f"‘{name}’ 대화 메뉴")).to_have_count(0)
            expect(page.get_by_text(f"‘{name}’ 대화를 지웠습니다")).to_be_visible()
        page.get_by_role("button", name="되돌리기").first.click()  # of the last one
        expect(rows).to_have_count(39)
        expect(page.get_by_role("button", name="‘질문 1’ 대화 메뉴")).to_be_visible()
        expect(asked).to_have_text(re.compile("질문 9$"))
        box = page.get_by_placeholder("대화 찾기")
        box.fill("쌀로")
        box.press("Enter")
        expect(page.locator(".st-key-conversations .stMarkdownColoredBackground")).to_have_text("쌀로")
        expect(rows).to_have_count(1)
        box.fill("")
        box.press("Enter")
        expect(rows).to_have_count(30)
        speak(page, "English")
        page.get_by_role("button", name="Menu of “질문 9”").click()
        page.get_by_role("menu").get_by_text("Rename").click()
        title = page.get_by_label("New name of “질문 9”")
        title.fill("Not this one")
        page.get_by_role("button", name="Keep the name as it is").click()
        expect(opened).to_have_text([re.compile("질문 9")])
        page.get_by_role("button", name="Menu of “질문 9”").click()
        page.get_by_role("menu").get_by_text("Rename").click()
        expect(title).to_have_value("질문 9")
        title.fill("The ninth")
        title.press("Enter")
        expect(opened).to_have_text([re.compile("The ninth")])
        expect(asked).to_have_text(re.compile("질문 9$"))


def test_back_leads_through_the_conversations_to_the_start_page_and_marks_where_one_is(
    app: App, browser: Browser
) -> None:
    with visit(browser, app) as page:
        rows = page.locator(".st-key-conversations [data-testid=stButton] button")
        opened = page.locator("[class*='st-key-row-open-']")  # two of them while the rows are drawn
        for number in (30, 20):
            rows.filter(has_text=f"질문 {number}").click()
            expect(opened).to_have_text([re.compile(f"질문 {number}")])
            expect(page.locator("[class*='st-key-asked-']")).to_have_text(re.compile(f"질문 {number}$"))
        page.go_back()
        expect(opened).to_have_text([re.compile("질문 30")])
        page.go_back()
        expect(page.locator(".st-key-welcome")).to_be_visible()
        expect(opened).to_have_count(0)
        expect(page).to_have_url(re.compile("/$"))
        page.go_forward()
        expect(opened).to_have_text([re.compile("질문 30")])
