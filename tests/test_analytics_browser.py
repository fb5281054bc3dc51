"""The analytics page in a real browser: click a bar, share the address, save a chart as a picture."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, expect
from test_analytics import say
from test_browser import CHROMIUM, PATIENCE_S, App, browser, running_app

from kdrinks.config import Settings
from kdrinks.store.db import Database

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt install chromium)"),
]
__all__ = ["browser"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with three conversations about two drinks."""
    folder = tmp_path_factory.mktemp("analysts")
    db = Database.open(Settings(folder / "home", folder).database)
    say(db, {"식혜": 5, "쌀": 2}, pos="drink", text="식혜는 쌀로 만듭니다.")
    say(db, {"식혜": 2}, pos="drink", text="식혜는 답니다.")
    say(db, {"막걸리": 4}, pos="drink", text="막걸리는 술입니다.")
    db.close()
    with running_app(folder / "home", folder) as running:
        yield running


def duckdb_table(file: Path) -> pd.DataFrame:
    with Database.open(None).cursor() as cursor:
        return cursor.execute("FROM read_parquet(?)", [str(file)]).df()


def test_a_click_on_a_bar_filters_the_page_and_its_address_opens_the_same_view_elsewhere(
    app: App, browser: Browser
) -> None:
    context = browser.new_context(locale="ko-KR")
    page = context.new_page()
    page.goto(f"{app.url}/analytics", wait_until="commit", timeout=PATIENCE_S * 1000)
    conversations = page.get_by_test_id("stMetricValue").first
    expect(conversations).to_have_text("3")
    page.locator(".st-key-chart-words path[aria-roledescription=bar]").first.click()
    expect(conversations).to_have_text("2")
    expect(page.locator(".st-key-analytics-word")).to_contain_text("식혜")
    expect(page.get_by_text("식혜는 답니다.")).to_be_visible()
    other = browser.new_context(locale="en-US").new_page()
    other.goto(page.url, wait_until="commit", timeout=PATIENCE_S * 1000)
    expect(other.get_by_test_id("stMetricValue").first).to_have_text("2")
    other.locator(".st-key-analytics-word button").first.click()
    expect(other.get_by_test_id("stMetricValue").first).to_have_text("3")
    assert "word=" not in other.url
    context.close()
    other.context.close()


def test_a_chart_is_saved_as_a_picture_with_its_korean_font(app: App, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context(locale="ko-KR").new_page()
    page.goto(f"{app.url}/analytics?section=drinks", wait_until="commit", timeout=PATIENCE_S * 1000)
    expect(page.locator(".st-key-chart-drinks_named svg.marks")).to_be_visible()
    saved = {}
    for kind in ("svg", "png"):
        with page.expect_download() as download:
            page.locator(f"[data-kd-chart=drinks_named][data-kd-kind={kind}]").click()
        saved[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[kind])
    drawing = saved["svg"].read_text(encoding="utf-8")
    assert "막걸리" in drawing and "@font-face" in drawing and "base64," in drawing
    assert saved["png"].read_bytes().startswith(b"\x89PNG") and saved["png"].stat().st_size > 5000
    page.context.close()


def test_a_charts_data_is_saved_for_a_spreadsheet_and_for_a_notebook(
    app: App, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_context(locale="ko-KR").new_page()
    page.goto(f"{app.url}/analytics", wait_until="commit", timeout=PATIENCE_S * 1000)
    expect(page.locator(".st-key-chart-words svg.marks")).to_be_visible()
    saved = {}
    for kind in ("CSV", "Parquet"):
        with page.expect_download() as download:
            page.locator(".st-key-downloads-words").get_by_role("button", name=kind).click()
        saved[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(saved[kind])
    assert saved["CSV"].read_bytes().startswith(b"\xef\xbb\xbf"), "a spreadsheet reads Hangul by this mark"
    for table in (pd.read_csv(saved["CSV"]), duckdb_table(saved["Parquet"])):
        # how often depends on whether the app has counted the sentences again yet
        assert {"식혜", "막걸리", "쌀"} <= set(table["word"]) and (table["count"] > 0).all()
    page.context.close()


def test_hangul_is_drawn_and_not_boxes_in_a_saved_picture(app: App, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context(locale="ko-KR").new_page()
    page.goto(f"{app.url}/analytics?section=drinks", wait_until="commit", timeout=PATIENCE_S * 1000)
    expect(page.locator(".st-key-chart-drinks_named svg.marks")).to_be_visible()
    with page.expect_download() as download:
        page.locator("[data-kd-chart=drinks_named][data-kd-kind=svg]").click()
    download.value.save_as(tmp_path / "chart.svg")
    page.goto((tmp_path / "chart.svg").as_uri())
    # alone, with no page around it: the picture brings the font that its names are written in
    assert page.evaluate(
        "document.fonts.ready.then(() => [...document.fonts].some((face) => face.family === 'Pretendard'))"
    )
    widths = page.evaluate(
        """() => [...document.querySelectorAll("text")].filter((one) => /[가-힣]/.test(one.textContent))
             .map((one) => [one.getComputedTextLength(), one.textContent.length])"""
    )
    assert widths and all(width > 4 * length for width, length in widths)
    page.context.close()


def test_no_section_is_wider_than_a_phone(app: App, browser: Browser) -> None:
    page = browser.new_context(locale="ko-KR", viewport={"width": 390, "height": 800}).new_page()
    for section, marker in (
        ("words", "chart-words"),
        ("drinks", "chart-drinks"),
        ("speed", "chart-memory"),
        ("data", "sql-run"),
    ):
        page.goto(f"{app.url}/analytics?section={section}", wait_until="commit", timeout=PATIENCE_S * 1000)
        expect(page.locator(f".st-key-{marker}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, section
        expect(page.get_by_test_id("stException")).to_have_count(0)
    page.context.close()
