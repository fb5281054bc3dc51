"""How far a model may speak for itself, as a person sets it and reads it: real Chromium, a small model that says one text."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kdrinks.records import Mode
from tests.support.running_app import answers, ask, needs_chromium, running_app, visit
from tests.support.saying_model import write_saying_model

pytestmark = [pytest.mark.browser, needs_chromium]

OWN = ("막걸리는 ", "비 오는 날에 ", "좋습니다. ", "[1] ", "1999년부터 ", "그랬습니다. ", "[7]")
NAMES: dict[Mode, str] = {"held": "자료대로", "quote": "인용 먼저", "free": "자유롭게"}


def choose(page: Page, mode: Mode) -> None:
    page.get_by_role("radio", name=NAMES[mode]).click()
    expect(page.get_by_role("radio", name=NAMES[mode])).to_be_checked()
    expect(page.get_by_test_id("stRadio").filter(has_text="talker")).to_contain_text(NAMES[mode])


def test_each_mode_is_set_seen_and_still_there_after_a_reload(browser: Browser, tmp_path: Path) -> None:
    write_saying_model(tmp_path / "talker.gguf", OWN)
    with running_app(tmp_path / "home", tmp_path) as app, visit(browser, app, "/models", width=390) as page:
        expect(page.get_by_role("radio", name=NAMES["held"])).to_be_checked()
        expect(page.get_by_role("radio", name=NAMES["free"])).to_have_count(0)  # of the built-in model
        page.locator("label").filter(has_text="talker").click()
        expect(page.get_by_role("radio", name=NAMES["held"])).to_be_checked()
        modes: tuple[Mode, ...] = ("quote", "free")
        for mode in modes:
            choose(page, mode)
            page.reload()
            expect(page.get_by_role("radio", name=NAMES[mode])).to_be_checked()
            page.goto(app.url)
            ask(page, "막걸리가 뭐야?")
            expect(answers(page)).to_have_count(1)
            own, message = page.locator("[class*='st-key-own-']"), page.get_by_test_id("stChatMessage").last
            for again in (False, True):
                if again:
                    page.reload()
                    expect(answers(page)).to_have_count(1)
                expect(message).to_contain_text("비 오는 날에 좋습니다.")
                expect(message.get_by_text("없는 번호")).to_be_visible()
                expect(message.get_by_text("자료에 없음")).to_be_visible()
                expect(own).to_have_count(1 if mode == "quote" else 0)
                expect(message.locator("blockquote")).to_have_count(1 if mode == "quote" else 0)
            if mode == "quote":
                expect(own).to_contain_text("여기부터는 모델의 말입니다")
                expect(own).not_to_contain_text("뿌연 술입니다")
                expect(own).to_have_css("border-top-style", "dashed")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            page.goto(f"{app.url}/models")
            expect(page.get_by_role("radio", name=re.compile("인용"))).to_be_visible()
        assert app.foreign == []
