"""No text of a drink, a document, a file, a model, an answer or a title makes the browser ask a foreign host; a policy is the second wall."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from kdrinks.config import Settings
from kdrinks.documents import ingest
from kdrinks.drinks import catalog
from kdrinks.drinks.read import record_of
from kdrinks.records import ADMINISTRATOR, Citation, Exchange, Passage, Timing
from kdrinks.services import Services, open_services
from kdrinks.store import chats, preferences, sqlbox
from kdrinks.store.db import new_id
from kdrinks.store.evaluations import Setting
from kdrinks.ui.policy import POLICY
from tests.support.odd_texts import FOREIGN, attacks
from tests.support.running_app import App, needs_chromium, running_app, visit
from tests.support.stored_runs import store_run, write_set
from tests.support.tiny_models import write_byte_model

pytestmark = [pytest.mark.browser, needs_chromium]

NAME = f":beer: :red[독] a -> b ![x]({FOREIGN}/n.png)"
"""Of whatever a person can name."""
FILE_NAME = ":beer: :red[독] ![x](&#104;ttp:&#47;&#47;evil.example&#47;f.png)"
"""Of a file, where no slash can stand."""
ADDRESSES = (
    f"http://a.example/>) ![x]({FOREIGN}/a.png) <b",
    f"http://a.example/) ![x]({FOREIGN}/b.png) [y](http://a.example/",
    f"http://a.example/\\>![x]({FOREIGN}/c.png)",
    f"http://a.example/`![x]({FOREIGN}/d.png)`",
    f"http://[![x]({FOREIGN}/e.png)",
    f"javascript:fetch('{FOREIGN}/j')",
)


@dataclass(frozen=True, slots=True)
class Poisoned:
    app: App
    conversation: str
    document: str
    run: str


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Poisoned]:
    """The app with attacks wherever a person, a file or a model can write something."""
    folder = tmp_path_factory.mktemp("poisoned")
    services = open_services(Settings(folder / "home", folder))
    correct_a_drink(services)
    conversation, document = answer(services), add_document(services)
    preferences.set(services.db, ADMINISTRATOR, sqlbox.SAVED_KEY, {NAME: "SELECT 1"})
    write_byte_model(folder / f"{FILE_NAME}.gguf", name=NAME)
    (folder / f"{FILE_NAME} broken.gguf").write_bytes(b"GGUF")
    questions = [
        {"id": f"q{number}", "lang": "ko", "kind": NAME, "question": text, "must_mention": [[text]], "good": text}
        for number, text in enumerate(attacks()[:40], 1)
    ]
    asked = write_set(folder / "home", questions=questions)
    run = store_run(services.db, asked, Setting(NAME), [False] * len(questions))
    services.close()
    with running_app(folder / "home", folder) as app:
        yield Poisoned(app, conversation, document, run)


def both(texts: list[str]) -> dict[str, list[str]]:
    return {"ko": texts, "en": texts}


def correct_a_drink(services: Services) -> None:
    """As an old store may hold it: the form and the import refuse these addresses."""
    text = {"ko": f"{NAME} {' '.join(attacks()[:60])}", "en": NAME}
    record = record_of(catalog.current(services.db).by_id["sikhye"])
    details = [{**detail, "sources": list(ADDRESSES)} for detail in record["details"]]
    record |= {"summary": text, "aliases": [NAME], "sources": list(ADDRESSES), "details": details}
    record |= {"ingredients": both(attacks()[:20]), "steps": both(attacks()[20:40])}
    record |= {
        "facts": [{"ko": one, "en": NAME, "sources": list(ADDRESSES), "confidence": "high"} for one in attacks()[:30]]
    }
    catalog.save(services.db, ADMINISTRATOR, "corrected", {"sikhye": record})


def answer(services: Services) -> str:
    """A conversation in which all of them were typed, answered, cited and went wrong; its id."""
    conversation = chats.start_conversation(services.db, ADMINISTRATOR)
    for question, text in ((NAME, "\n\n".join(attacks()[:110])), ("\n".join(attacks()), "\n\n".join(attacks()[110:]))):
        question_id = chats.record_question(services.db, ADMINISTRATOR, conversation, question, "ko")
        passage = Passage("sikhye.identity.ko", "sikhye", "identity", "ko", NAME, question, ADDRESSES)
        exchange = Exchange(
            conversation, question_id, new_id(), question, text, "ko", "failed", NAME, (Citation(1, passage, 1.0),),
            None, Timing(), "off", details={"unsupported": [(0, 9)], "question_terms": ["red", "독", "evil", "http"]},
        )  # fmt: skip
        assert chats.record(services.db, exchange)
    return conversation


def add_document(services: Services) -> str:
    texts = [text for text in attacks() if not {"\0", "\1"} & set(text)]  # with those it would be no text
    content = "\n\n".join(("# " + NAME, *texts)).encode()
    work = ingest.DocumentIngest(services.db, ADMINISTRATOR, services.words, f"{FILE_NAME}.md", content)
    job = ingest.start(services.jobs, work)
    assert job.wait(60) and job.error is None
    return work.id


def pages(poisoned: Poisoned) -> dict[str, str]:
    """Address -> what is in sight once the page is drawn."""
    return {
        f"/?c={poisoned.conversation}": "[class*='st-key-took-'] >> nth=1",
        "/drinks": ".st-key-cards",
        "/drinks?drink=sikhye": ".st-key-similar",
        "/drinks?edit=sikhye": ".st-key-drink-form",
        "/drinks?desk=1": ".st-key-drink-changes",
        "/drinks?documents=1": ".st-key-documents",
        f"/drinks?document={poisoned.document}": ".st-key-passages",
        "/models": ".st-key-machine",
        "/analytics": ".st-key-chart-words, .st-key-analytics-top >> nth=0",
        "/analytics?section=data": ".st-key-sql-saved",
        f"/lab?section=read&run={poisoned.run}": ".st-key-lab-list",
        f"/lab?section=results&run={poisoned.run}": ".st-key-lab-one",
    }


NAMELESS = ("/drinks?edit=sikhye", "/analytics")
"""Pages on which no given name stands as text."""


def look(page: Page, app: App, address: str, sight: str, named: str) -> str:
    """The page's text, with everything opened that can be.

    named: what the page shows once it is whole; empty where it shows no name.
    """
    page.goto(app.url + address)
    expect(page.locator(sight).first).to_be_visible()
    for fold in page.locator("[data-testid=stExpander] summary").all():
        fold.click()
    for button in page.locator("[class*='st-key-sources-'] button").all():
        button.click()
        page.keyboard.press("Escape")
    page.wait_for_load_state("networkidle")
    page.wait_for_function("named => document.body.innerText.includes(named)", arg=named)
    return page.inner_text("body")


def test_no_page_tries_to_ask_a_foreign_host_and_names_are_as_they_were_given(
    browser: Browser, poisoned: Poisoned
) -> None:
    """Whatever the policy had to refuse would be told here too: neither a text's picture nor anything of the pages' own."""
    app = poisoned.app
    with visit(browser, app) as page:
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
        for address, sight in pages(poisoned).items():
            named = FILE_NAME.replace("](", "] (") if "document" in address else NAME
            text = look(page, app, address, sight, "" if address in NAMELESS else named)
            assert (app.foreign, refused) == ([], []), address
            assert page.locator("img[src*=evil], image[href*=evil], [style*=evil]").count() == 0, address
            assert "🍺" not in text and "a → b" not in text, address
            links = page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)")
            assert [link for link in links if not link.startswith(("http://", "https://"))] == [], address


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[str]]]:
    """A host of another origin, and what it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *words: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_the_policy_keeps_the_browser_from_whatever_a_page_would_ask(
    browser: Browser, app: App, stranger: tuple[str, list[str]]
) -> None:
    foreign, asked = stranger
    with visit(browser, app) as page:
        expect(page.locator(".st-key-examples")).to_be_visible()
        refused = page.evaluate(
            """async foreign => {
              const refused = []
              addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective))
              const add = (name, values) => document.body.append(Object.assign(document.createElement(name), values))
              add("img", {src: foreign + "/1.png"})
              add("script", {src: foreign + "/2.js"})
              add("link", {rel: "stylesheet", href: foreign + "/3.css"})
              add("iframe", {src: foreign + "/4"})
              add("video", {src: foreign + "/5"})
              add("object", {data: foreign + "/6"})
              add("div", {style: `background: url(${foreign}/7.png)`})
              await fetch(foreign + "/8").catch(() => {})
              try { new WebSocket(foreign.replace("http", "ws")) } catch {}
              await new Promise(done => setTimeout(done, 500))
              // behind a pause: what the test itself runs may evaluate
              add("script", {textContent: "try { eval('window.evaluated = 1') } catch {}"})
              return window.evaluated ? ["evaluated"] : refused
            }""",
            foreign,
        )
    kinds = {"img-src", "script-src-elem", "style-src-elem", "frame-src", "media-src", "object-src", "connect-src"}
    assert kinds <= set(refused)
    assert refused.count("img-src") == 2 and refused.count("connect-src") == 2
    assert asked == []
    app.foreign.clear()  # the browser tells of requests that it refuses


def test_the_policy_comes_with_the_page_and_with_a_page_that_the_browser_kept(app: App) -> None:
    first = httpx2.get(app.url)
    again = httpx2.get(app.url, headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    policies = {one.headers["content-security-policy"] for one in (first, again)}
    assert policies == {f"{POLICY}; frame-ancestors 'self'"}
