"""The analytics page in a real browser: click a bar, share the address, save a chart as a picture."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kdrinks.config import Settings
from kdrinks.store.db import Database
from tests.support.counted_answers import say
from tests.support.running_app import App, needs_chromium, running_app, visit

pytestmark = [pytest.mark.browser, needs_chromium]


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


def saved(page: Page, button: Locator, folder: Path) -> Path:
    """The file that a click on the button brings."""
    with page.expect_download() as download:
        button.click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def duckdb_table(file: Path) -> pd.DataFrame:
    with Database.open(None).cursor() as cursor:
        return cursor.execute("FROM read_parquet(?)", [str(file)]).df()


def test_a_click_on_a_bar_filters_the_page_and_its_address_opens_the_same_view_elsewhere(
    app: App, browser: Browser
) -> None:
    with visit(browser, app, "/analytics") as page:
        conversations = page.get_by_test_id("stMetricValue").first
        expect(conversations).to_have_text("3")
        page.locator(".st-key-chart-words path[aria-roledescription=bar]").first.click()
        expect(conversations).to_have_text("2")
        expect(page.locator(".st-key-analytics-word")).to_contain_text("식혜")
        expect(page.get_by_text("식혜는 답니다.")).to_be_visible()
        with visit(browser, app, page.url.removeprefix(app.url), locale="en-US") as other:
            expect(other.get_by_test_id("stMetricValue").first).to_have_text("2")
            other.locator(".st-key-analytics-word button").first.click()
            expect(other.get_by_test_id("stMetricValue").first).to_have_text("3")
            assert "word=" not in other.url


def test_a_chart_is_saved_as_a_picture_with_its_korean_font(app: App, browser: Browser, tmp_path: Path) -> None:
    with visit(browser, app, "/analytics?section=drinks") as page:
        expect(page.locator(".st-key-chart-drinks_named svg.marks")).to_be_visible()
        svg, png = (
            saved(page, page.locator(f"[data-kd-chart=drinks_named][data-kd-kind={kind}]"), tmp_path)
            for kind in ("svg", "png")
        )
    drawing = svg.read_text(encoding="utf-8")
    assert "막걸리" in drawing and "@font-face" in drawing and "base64," in drawing
    assert png.read_bytes().startswith(b"\x89PNG") and png.stat().st_size > 5000


def test_a_charts_data_is_saved_for_a_spreadsheet_and_for_a_notebook(
    app: App, browser: Browser, tmp_path: Path
) -> None:
    with visit(browser, app, "/analytics") as page:
        expect(page.locator(".st-key-chart-words svg.marks")).to_be_visible()
        csv, parquet = (
            saved(page, page.locator(".st-key-downloads-words").get_by_role("button", name=kind), tmp_path)
            for kind in ("CSV", "Parquet")
        )
    assert csv.read_bytes().startswith(b"\xef\xbb\xbf"), "a spreadsheet reads Hangul by this mark"
    for table in (pd.read_csv(csv), duckdb_table(parquet)):
        # how often depends on whether the app has counted the sentences again yet
        assert {"식혜", "막걸리", "쌀"} <= set(table["word"]) and (table["count"] > 0).all()


def test_hangul_is_drawn_and_not_boxes_in_a_saved_picture(app: App, browser: Browser, tmp_path: Path) -> None:
    with visit(browser, app, "/analytics?section=drinks") as page:
        expect(page.locator(".st-key-chart-drinks_named svg.marks")).to_be_visible()
        svg = saved(page, page.locator("[data-kd-chart=drinks_named][data-kd-kind=svg]"), tmp_path)
        page.goto(svg.as_uri())
        # alone, with no page around it: the picture brings the font that its names are written in
        assert page.evaluate(
            "document.fonts.ready.then(() => [...document.fonts].some((face) => face.family === 'Pretendard'))"
        )
        widths = page.evaluate(
            """() => [...document.querySelectorAll("text")].filter((one) => /[가-힣]/.test(one.textContent))
                 .map((one) => [one.getComputedTextLength(), one.textContent.length])"""
        )
    assert widths and all(width > 4 * length for width, length in widths)


def test_no_section_is_wider_than_a_phone(app: App, browser: Browser) -> None:
    sections = {"words": "chart-words", "drinks": "chart-drinks", "speed": "chart-memory", "data": "sql-run"}
    for section, marker in sections.items():
        with visit(browser, app, f"/analytics?section={section}", width=390) as page:
            expect(page.locator(f".st-key-{marker}")).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, section
            expect(page.get_by_test_id("stException")).to_have_count(0)
