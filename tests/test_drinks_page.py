"""The drinks page as a visitor gets it: cards, filters in the address, one drink, the form, undo, files; at the end in a real browser."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from kdrinks.drinks import catalog, import_export
from kdrinks.drinks.read import drink_from, record_of
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import drinks as store
from kdrinks.store.db import Database
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_page, shown
from tests.support.running_app import App, answers, needs_chromium, visit


def cards(page: AppTest) -> list[str]:
    """Labels of the links to single drinks."""
    links = [link.proto for link in page.get("page_link")]
    return [link.label for link in links if "drink=" in link.query_string and link.label.startswith("**")]


def field(drink_id: str, name: str) -> str:
    return f"field-{drink_id}-{name}"


def edited() -> catalog.DrinkCatalog:
    return catalog.current(get_services().db)


@pytest.mark.parametrize(("lang", "count"), [("ko", "음료 **105가지**"), ("en", "**105** drinks")])
def test_the_shelf_shows_every_drink_with_its_name_in_hangul(home: Path, lang: str, count: str) -> None:
    page = open_page("drinks", lang)
    assert count in shown(page)
    first = cards(page)[0].replace("\\", "")
    assert first.startswith("**식혜**") and "食醯 · Sikhye" in first
    before = len(cards(page))
    page.button(key="show-all").click().run()
    assert before < len(cards(page)) == 105


def test_filters_come_from_the_address_and_go_into_it(home: Path) -> None:
    page = open_page("drinks", season=["winter"], family=["tea"], without=["honey"])
    names = cards(page)
    assert 0 < len(names) < 33
    assert f"105가지 가운데 **{len(names)}가지**" in shown(page)
    page.pills(key="drinks-alcohol").set_value(["high"]).run()
    assert page.query_params["alcohol"] in ("high", ["high"])
    assert cards(page) == [] and "찾는 음료가 없습니다" in "\n".join(str(one.value) for one in page.subheader)
    page.pills(key="drinks-family").set_value([]).run()
    page.pills(key="drinks-season").set_value([]).run()
    assert cards(page) and "season" not in page.query_params


def test_an_address_with_unknown_filters_shows_everything(home: Path) -> None:
    page = open_page("drinks", season=["monsoon"], family=["<b>"], view="x")
    assert "음료 **105가지**" in shown(page)


def test_a_misspelt_name_is_met_with_what_it_may_mean(home: Path) -> None:
    page = open_page("drinks", "en", q="sujungwa")
    assert "Did you mean" in shown(page)
    assert "Sujeonggwa" in [link.proto.label for link in page.get("page_link")]


@pytest.mark.parametrize(
    ("lang", "mirror", "unreviewed"),
    [("ko", "복제 사이트", "전문가가 검토하지 않은"), ("en", "mirror", "No professional")],
)
def test_a_drink_opens_by_its_address_with_sources_and_cautions(
    home: Path, lang: str, mirror: str, unreviewed: str
) -> None:
    page = open_page("drinks", lang, drink="sikhye")
    text = shown(page)
    assert [title.value for title in page.title] == ["식혜"]
    assert "readonly.wiki" in text and mirror in text and unreviewed in text
    assert ("1. 엿기름을 물에 담가" if lang == "ko" else "1. Soak and rub the malt") in text
    assert {"ask-making", "ask-history", "ask-alcohol"} <= {button.key for button in page.button}
    similar = [link.proto.query_string for link in page.get("page_link")]
    assert "drink=sujeonggwa" in similar


def test_an_unknown_drink_gets_a_way_back(home: Path) -> None:
    page = open_page("drinks", "en", drink="<script>")
    assert "There is no drink" in shown(page)
    assert "All drinks" in [link.proto.label for link in page.get("page_link")]


def test_a_wrong_field_is_named_and_nothing_typed_is_lost(home: Path) -> None:
    page = open_page("drinks", edit="sikhye")
    page.text_input(key=field("sikhye", "name_ko")).set_value("")
    page.text_area(key=field("sikhye", "summary_ko")).set_value("달콤한 음료")
    page.text_area(key=field("sikhye", "steps_en")).set_value("One step only.")
    save(page)
    error = page.error[0].value.replace("\\", "")
    for name in ("한국어 이름", "한 줄 소개 (한국어)", "만드는 법"):
        assert f"**{name}**" in error
    assert page.text_area(key=field("sikhye", "summary_ko")).value == "달콤한 음료"
    assert edited().edited == frozenset()


def test_a_correction_is_saved_shown_listed_and_undone(home: Path) -> None:
    page = open_page("drinks", edit="sikhye")
    page.text_input(key=field("sikhye", "hanja")).set_value("甘酒")
    save(page)
    assert not page.exception
    assert edited().by_id["sikhye"].hanja == "甘酒"
    page = open_page("drinks", drink="sikhye")
    assert "甘酒" in shown(page) and "고친 음료" in shown(page)
    page = open_page("drinks", desk="1")
    undo = next(button for button in page.button if (button.key or "").startswith("undo-"))
    undo.click().run()
    assert edited().by_id["sikhye"].hanja == "食醯"
    assert sum((button.key or "").startswith("undo-") for button in page.button) == 1


def test_a_drink_is_added_in_english(home: Path) -> None:
    page = open_page("drinks", "en", edit="new")
    for name, text in {"id": "heugimja-cha", "name_ko": "흑임자차", "name_en": "Heugimja-cha"}.items():
        page.text_input(key=field("new", name)).set_value(text)
    page.text_area(key=field("new", "summary_ko")).set_value("흑임자차는 검은깨로 만든 차입니다.")
    page.text_area(key=field("new", "summary_en")).set_value("Heugimja-cha is a tea of black sesame.")
    page.multiselect(key=field("new", "tag-kind-en")).set_value(["seed_tea"])
    save(page)
    assert not page.error
    assert "heugimja-cha" in edited().by_id
    assert [title.value for title in open_page("drinks", "en", drink="heugimja-cha").title] == ["흑임자차"]


def test_what_people_write_is_shown_as_they_wrote_it(home: Path) -> None:
    db = Database.open(home / "kdrinks.duckdb")
    now = catalog.current(db)
    evil = {"ko": "<img src=x onerror=alert(1)> ![](http://evil.example/x.png) **굵게**입니다.", "en": "$x$ is it."}
    catalog.save(db, ADMINISTRATOR, "corrected", {"sikhye": {**record_of(now.by_id["sikhye"]), "summary": evil}})
    db.close()
    page = open_page("drinks", drink="sikhye")
    texts = [str(one.value) for one in page.markdown]
    assert any("\\!\\[\\]\\(http" in text and "\\*\\*굵게\\*\\*" in text for text in texts)
    assert not any("![](" in text for text in texts)


def test_an_edited_file_is_brought_in_after_a_look_and_a_broken_one_changes_nothing(home: Path) -> None:
    content = import_export.as_jsonl(catalog.packaged())
    page = open_page("drinks", desk="1")
    page.file_uploader[0].upload(
        "drinks.jsonl", content.replace("食醯".encode(), "甘酒".encode(), 1), "application/jsonl"
    )
    page.run()
    assert "달라진 음료 1가지, 그대로인 음료 104가지" in shown(page)
    page.button(key="import-save").click().run()
    assert edited().by_id["sikhye"].hanja == "甘酒"
    page.file_uploader[0].upload("drinks.jsonl", content[:-40], "application/jsonl")
    page.run()
    assert page.error and "105" in page.error[0].value
    assert len(store.changes(get_services().db)) == 1


def save(page: AppTest) -> None:
    next(button for button in page.button if (button.key or "").startswith("FormSubmitter")).click().run()


@pytest.mark.browser
@needs_chromium
def test_a_card_opens_its_drink_and_a_question_about_it_is_answered(browser: Browser, app: App) -> None:
    with visit(browser, app, "/drinks?q=수정과") as page:
        expect(page.locator(".st-key-cards a").first).to_be_visible()
        page.locator(".st-key-cards a").first.click()
        expect(page.get_by_role("heading", name="수정과", exact=True)).to_be_visible()
        expect(page).to_have_url(re.compile("drink=sujeonggwa$"))
        page.get_by_role("button", name="수정과 만드는 법을 알려 주세요").click()
        expect(answers(page)).to_have_count(1)
        expect(page.get_by_test_id("stChatMessage").last).to_contain_text("수정과")


@pytest.mark.browser
@needs_chromium
def test_a_click_in_the_picture_narrows_the_cards_and_a_phone_never_scrolls_sideways(
    browser: Browser,
    app: App,
) -> None:
    with visit(browser, app, "/drinks?view=picture", width=390, dark=True) as page:
        cards_shown = page.locator(".st-key-cards a")
        at_rest = expect(page.get_by_test_id("stApp"))
        expect(cards_shown.first).to_be_visible()
        at_rest.to_have_attribute("data-test-script-state", "notRunning")  # else some of the cards are still to come
        before = cards_shown.count()
        region = page.get_by_test_id("stVegaLiteChart").nth(1)
        region.get_by_text("제주", exact=True).click()
        expect(page.get_by_text("105가지 가운데")).to_be_visible()
        expect(page).to_have_url(re.compile("region=jeju"))
        at_rest.to_have_attribute("data-test-script-state", "notRunning")
        assert 0 < cards_shown.count() < before
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_role("button", name="모두 지우기").click()
        expect(page.get_by_text("105가지 가운데")).to_have_count(0)
        for address, ready in (
            ("drink=andong-soju", ".st-key-drink-head"),
            ("edit=new", ".st-key-drink-form"),
            ("desk=1", ".st-key-drink-changes"),
        ):
            page.goto(f"{app.url}/drinks?{address}")
            expect(page.locator(ready)).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
@needs_chromium
def test_a_field_corrected_in_a_browser_is_the_only_one_that_changes(browser: Browser, app: App) -> None:
    with visit(browser, app, "/drinks?edit=nokcha") as page:
        page.get_by_label("한자").fill("緑茶")
        expect(page.locator(".st-key-drink-form [data-testid='stDataFrame']").first).to_be_visible()
        page.get_by_role("button", name="저장").click()
        expect(page.locator(".st-key-cautions")).to_be_visible()
        expect(page.get_by_text("緑茶")).to_be_visible()
        page.goto(f"{app.url}/drinks?desk=1")
        with page.expect_download() as download:
            page.get_by_role("button", name="JSONL 내려받기").click()
        lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        page.get_by_role("button", name="되돌리기").first.click()  # the app is that of other tests, too
        expect(page.get_by_text("되돌렸습니다.")).to_be_visible()
    before = {drink.id: drink for drink in catalog.packaged()}
    now = {drink.id: drink for drink in map(drink_from, map(json.loads, lines))}
    assert now["nokcha"] == replace(before["nokcha"], hanja="緑茶", confidence="medium")
    assert [drink_id for drink_id in now if now[drink_id] != before[drink_id]] == ["nokcha"]
