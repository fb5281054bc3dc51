"""How text lies on every page, measured in a real browser: Korean breaks between words, and nothing is wider than a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from kdrinks.config import Settings
from kdrinks.drinks.names import packaged_names
from kdrinks.records import ADMINISTRATOR, Exchange, Timing
from kdrinks.sample import load
from kdrinks.store import chats
from kdrinks.store.db import Database, new_id
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.ui.pages import declared_pages
from tests.support.running_app import App, answers, ask, needs_chromium, running_app, visit
from tests.support.wait import eventually

pytestmark = [pytest.mark.browser, needs_chromium]

PAGES = {
    **{f"/{page.name}": "[data-testid=stMain] h1" for page in declared_pages() if page.name != "chat"},
    "/drinks": ".st-key-cards",
    "/drinks?view=picture": "[data-testid=stVegaLiteChart] svg",
    "/drinks?drink=andong-soju": ".st-key-drink-facts",
    "/drinks?edit=sikhye": ".st-key-drink-form",
    "/drinks?desk=1": ".st-key-drink-changes",
    "/drinks?documents=1": ".st-key-documents-head",
    "/analytics": ".st-key-chart-words svg",
    "/analytics?section=drinks": ".st-key-chart-drinks svg",
    "/analytics?section=speed": ".st-key-chart-memory svg",
    "/analytics?section=data": ".st-key-sql-run",
    "/models": ".st-key-machine",
}
"""What is there when a page is drawn; the chat has a test of its own."""

WRONG_TEXT = r"""() => {
  const wrong = [], runs = [];
  const block = (node) => { let box = node.parentElement; while (getComputedStyle(box).display === "inline") box = box.parentElement; return box; };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node; (node = walker.nextNode());) {
    if (node.tagName === "BR") runs.push({});
    const own = node.parentElement;
    if (!node.data || own.closest("script, style, noscript, textarea, svg") || !own.checkVisibility({ visibilityProperty: true })) continue;
    const rule = getComputedStyle(own).wordBreak, box = block(node), last = runs.at(-1);
    if (/[가-힣]/.test(node.data) && rule !== "keep-all") wrong.push(`${rule}: ${node.data}`);
    // a word may go on in bold
    if (last?.box === box) last.nodes.push(node); else runs.push({ box, nodes: [node] });
  }
  for (const { box, nodes } of runs.filter((run) => run.box)) {
    const places = nodes.flatMap((node) => [...node.data].map((_, at) => [node, at]));
    for (const word of nodes.map((node) => node.data).join("").matchAll(/[가-힣]{2,}/g)) {
      const range = document.createRange(), [end, at] = places[word.index + word[0].length - 1];
      range.setStart(...places[word.index]);
      range.setEnd(end, at + 1);
      const parts = [...range.getClientRects()].filter((part) => part.width > 0.5);
      const width = parts.reduce((sum, part) => sum + part.width, 0);
      if (parts.some((part) => part.top > parts[0].bottom - 2) && width <= box.clientWidth) wrong.push(`broken: ${word[0]}`);
    }
  }
  return wrong;
}"""
"""Each visible Korean text whose rule is another, and each Korean word on two lines that has room on one."""

TOO_WIDE = r"""() => {
  const scrolls = (box) => box.dataset.testid !== "stChatMessage" && (/auto|scroll/.test(getComputedStyle(box).overflowX) || scrolls(box.parentElement));
  return [...document.querySelectorAll("[data-testid=stChatMessage] *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one.parentElement))
    .map((one) => one.outerHTML.slice(0, 120));
}"""
"""Parts of messages that lie beyond the right edge and cannot be scrolled to."""

ADDRESS = "https://www.example.org/" + "a" * 90
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
ANSWER = f"""막걸리의 자료는 {ADDRESS} 에 있습니다. **막걸리**는 {WORD} 라고도 하지 않습니다.

- 식혜는 [{ADDRESS}]({ADDRESS}) 에 나옵니다.

| 이름 | 주소와 설명 |
|---|---|
| 안동소주와 그 밖의 증류식 소주 | {ADDRESS} |
| {WORD} | 쌀과 누룩으로 빚은 술을 증류한 술입니다 |

### 제목에도 {WORD}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app with sample data for full charts, and one conversation whose answer is hard to lay out."""
    folder = tmp_path_factory.mktemp("layout")
    db = Database.open(Settings(folder / "home", folder).database)
    load(db, ADMINISTRATOR, TextAnalyzer(packaged_names()))
    conversation_id, question_id = chats.start_conversation(db, ADMINISTRATOR), new_id()
    chats.record_question(
        db,
        ADMINISTRATOR,
        conversation_id,
        f"{ADDRESS} 이 주소에 나온 막걸리 이야기가 맞나요?",
        "ko",
        question_id=question_id,
    )
    exchange = Exchange(
        conversation_id, question_id, new_id(), "", ANSWER, "ko", "stop", None, (), None, Timing(), "off"
    )
    chats.record(db, exchange)
    db.close()
    with running_app(folder / "home", folder) as running:
        yield running


def wrong_text(page: Page) -> list[str]:
    """What is wrong once the page has come to rest."""
    eventually(lambda: not page.evaluate(WRONG_TEXT), 3)
    return list(page.evaluate(WRONG_TEXT))


def opened(page: Page, button: Locator) -> Page:
    """The page with the window of a button open."""
    button.click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
    return page


@pytest.mark.parametrize("width", [1280, 390])
def test_korean_breaks_between_words_in_an_answer_and_in_every_window_of_the_chat(
    app: App, browser: Browser, width: int
) -> None:
    with visit(browser, app, width=width) as page:
        expect(page.locator(".st-key-examples")).to_be_visible()
        assert wrong_text(page) == []
        for count, question in enumerate(
            ("식혜와 수정과는 어떻게 다른가요?", "임신 중인데 막걸리를 마셔도 되나요?"), 1
        ):
            ask(page, question)
            expect(answers(page)).to_have_count(count)
        assert wrong_text(page) == []
        for button in ("[class*='st-key-sources-'] button", "[class*='st-key-details-'] button"):
            assert wrong_text(opened(page, page.locator(button).last)) == [], button
            page.keyboard.press("Escape")
            expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
        if width == 390:
            page.get_by_test_id("stExpandSidebarButton").click()
        page.get_by_test_id("stMenuButtonButton").first.click()
        expect(page.get_by_role("menu")).to_be_visible()
        assert wrong_text(page) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_korean_breaks_between_words_on_every_other_page(app: App, browser: Browser, width: int) -> None:
    with visit(browser, app, "/models", width=width) as page:
        for address, ready in PAGES.items():
            page.goto(app.url + address)
            expect(page.locator(ready).first).to_be_visible()
            assert wrong_text(page) == [], address
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
            if address == "/drinks":
                assert wrong_text(opened(page, page.locator(".st-key-seek [data-testid=stPopoverButton]"))) == []
        page.get_by_test_id("stTooltipHoverTarget").filter(visible=True).first.hover()
        expect(page.get_by_role("tooltip")).to_be_visible()
        assert wrong_text(page) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_long_addresses_and_long_words_still_break(app: App, browser: Browser, width: int) -> None:
    with visit(browser, app, width=width) as page:
        if width == 390:
            page.get_by_test_id("stExpandSidebarButton").click()
        page.locator("[class*='st-key-row-']", has_text="example").get_by_test_id("stButton").locator("button").click()
        expect(answers(page)).to_have_count(1)
        expect(page.get_by_role("table")).to_be_visible()
        assert wrong_text(page) == []
        assert page.evaluate(TOO_WIDE) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
