"""In Streamlit's real frontend: what people type is shown and copied as it was, and no text makes the browser ask a foreign host."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kdrinks.config import ROOT
from tests.support.odd_texts import attacks, typed
from tests.support.running_app import App, needs_chromium, running, visit

pytestmark = [pytest.mark.browser, needs_chromium]

LOOK = """count => Array.from({length: count}, (_, number) => {
  const box = document.querySelector(".st-key-text-" + number)
  const shown = box.querySelector("[data-testid=stText], [data-testid=stMarkdownContainer], [data-testid=stHeading]") ?? box
  getSelection().selectAllChildren(shown)
  const tags = {}
  for (const { localName } of shown.querySelectorAll("strong, em, h1, h2, ul, ol, li, blockquote, hr, table, td, pre, :not(pre) > code"))
    tags[localName] = (tags[localName] ?? 0) + 1
  return {
    tags,
    text: shown.textContent,
    copied: getSelection().toString(),
    links: [...box.querySelectorAll("a")].map(link => link.getAttribute("href") ?? ""),
    fetching: box.querySelectorAll("img, image, iframe, video, audio, object, embed, link, style, script, base, meta, form").length,
    drawn: box.querySelectorAll(".katex, [data-testid*=ermaid], [role=img]").length,
  }
})"""


@dataclass(frozen=True, slots=True)
class Drawn:
    tags: Mapping[str, int]
    text: str
    copied: str
    links: Sequence[str]
    fetching: int
    """Elements that could fetch something."""
    drawn: int
    """Formulas, diagrams and icons."""


def draw(browser: Browser, folder: Path, texts: Sequence[tuple[str, str]]) -> list[Drawn]:
    """texts: each with a way of tests/support/markdown_page.py. Nothing foreign was asked for."""
    file = folder / "texts.json"
    file.write_text(json.dumps(texts), encoding="utf-8")
    script = str(ROOT / "tests" / "support" / "markdown_page.py")
    with (
        running(script, folder, TEXTS=str(file), PYTHONPATH=str(ROOT)) as app,
        visit(browser, app) as page,
    ):
        expect(page.locator(".st-key-end")).to_be_visible()
        expect(page.get_by_test_id("stSkeleton")).to_have_count(
            0
        )  # readers of emoji and formulas come when a text wants them
        page.wait_for_load_state("networkidle")
        found = page.evaluate(LOOK, len(texts))
        assert app.foreign == []
    return [Drawn(**one) for one in found]


def letters(text: str) -> str:
    """Without blanks and the characters that no browser keeps."""
    return "".join(text.split()).translate({0: None, 0xFEFF: None})


def test_a_thousand_messages_and_names_are_shown_and_copied_as_they_were_typed(
    browser: Browser, tmp_path: Path
) -> None:
    texts = typed()
    assert len(texts) >= 1000
    lines = [text for text in texts if "\n" not in text]
    cases = [
        *(("message", text) for text in texts),
        *(("name", text) for text in texts),
        *(
            (way, text)
            for place, text in enumerate(lines)
            for way in (("button", "title", "error", "badge")[place % 4],)
        ),
    ]
    wrong = []
    for (way, text), drawn in zip(cases, draw(browser, tmp_path, cases), strict=True):
        as_typed = {
            # whatever stands in a line, and the ends of lines
            "message": drawn.text == drawn.copied == text,
            "badge": letters(drawn.text) == 2 * letters(text),
            "button": letters(drawn.text) == letters(text),  # nothing on a button can be selected
        }.get(way, letters(drawn.text) == letters(drawn.copied) == letters(text))
        if not as_typed or drawn.links or drawn.fetching or drawn.drawn:
            wrong.append((way, text, drawn))
    assert wrong == []


def test_two_hundred_attacks_fetch_nothing_and_lead_to_no_place_but_pages(browser: Browser, tmp_path: Path) -> None:
    texts = attacks()
    assert len(texts) >= 200
    cases = [(way, text) for way in ("answer", "unfinished", "name") for text in texts]
    found = draw(browser, tmp_path, cases)
    wrong = [
        (way, text, drawn)
        for (way, text), drawn in zip(cases, found, strict=True)
        if drawn.fetching
        or drawn.drawn
        # a heading has a link to itself
        or [link for link in drawn.links if not link.startswith(("http://", "https://", "#"))]
        or (way == "name" and (drawn.links or letters(drawn.text) != letters(text)))
    ]
    assert wrong == []


MARKED: Mapping[str, Mapping[str, int]] = {
    '**"막걸리"**는 이것이**“문배주”**다, **(가)**와 **`나`**를 *다*라': {"strong": 4, "em": 1, "code": 1},
    "***나***는 *가***(가)**와 __굵게__ _기울여_": {"strong": 3, "em": 3},
    "**[막걸리](https://a.b)**는 a*b*c": {"strong": 1, "em": 1},
    "# 제목\n글\n===\n끝\n---\n글": {"h1": 2, "h2": 1},
    "***\n\n1. 가\n2. 나\n   - 다\n   - 라\n\n> - 마": {"ol": 1, "ul": 2, "li": 5, "blockquote": 1, "hr": 1},
    "| 가 | 나 |\n|---|---:|\n| `a` | **b** |\n| c\\|d | 10~15 |": {"table": 1, "td": 4, "code": 1, "strong": 1},
    "~~~py\n$5 ~ $10\n~~~\n\n    들여쓴\n\n- ```\n  속\n  ```": {"pre": 3, "code": 3, "ul": 1, "li": 1},
    "10~15도 20~30도 $5 $10 \\*아님\\* 2 * 3 * 4 <b>x</b> ~~아님~~ [1] [ ]": {},
}
"""Answers and what of them is drawn."""


def test_the_marks_of_an_answer_are_drawn_finished_or_not(browser: Browser, tmp_path: Path) -> None:
    cases = [(way, text) for way in ("answer", "unfinished") for text in MARKED]
    found = draw(browser, tmp_path, cases)
    assert [(way, text, drawn.tags) for (way, text), drawn in zip(cases, found, strict=True)] == [
        (way, text, MARKED[text]) for way, text in cases
    ]


def test_an_arrow_is_no_ligature_of_the_font(browser: Browser, app: App) -> None:
    with visit(browser, app) as page:
        for place in (".st-key-examples button p", "[data-testid=stMarkdownContainer] p", "textarea"):
            style = page.locator(place).first.evaluate("box => getComputedStyle(box).fontVariantLigatures")
            assert style == "none", place
