"""Conversations are taken away beside their name and brought back on Analytics, by command and in a real browser."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from streamlit.testing.v1 import AppTest

from kdrinks import answer
from kdrinks.portability.bring_in import bring_in
from kdrinks.portability.formats import FORMATS, export
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import chats, forget
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.ui.frame import get_services
from kdrinks.ui.visitor import of_token
from tests.support.app_pages import new_app, open_app, open_page, shown
from tests.support.command_line import document, kdrinks
from tests.support.running_app import needs_chromium, running_app, visit
from tests.support.store_rows import say
from tests.test_portability import open_webui, talk

TOKEN = "0123456789abcdef" * 2


def upload(page: AppTest, content: bytes, name: str = "chats.json") -> AppTest:
    page.file_uploader[0].upload(name, content, "application/octet-stream")
    page.run()
    assert not page.exception, page.exception[0].value
    return page


@pytest.mark.parametrize(
    ("lang", "added", "there", "why"),
    [
        ("ko", "대화 2개를 더했습니다(메시지 8개)", "이미 있던 대화 2개", "이 대화는 읽을 수 없습니다"),
        ("en", "2 conversations added (8 messages)", "2 already there", "This conversation cannot be read"),
    ],
)
def test_a_file_is_imported_with_a_report_of_each_and_a_second_time_adds_nothing(
    home: Path, lang: str, added: str, there: str, why: str
) -> None:
    content = json.dumps([open_webui(), {"nothing": 1}, talk(1)]).encode()
    # nothing was ever asked here: the empty page of Analytics has the place, too
    page = upload(open_page("analytics", lang), content)
    assert added in shown(page)
    table = page.main.dataframe[-1].value
    assert why in table.to_string() and "chats.json #2" in table.to_string()
    assert [button for button in page.sidebar.button if "What is sikhye?" in str(button.label)]
    assert len(chats.conversations(get_services().db, Visitor("nobody"))) == 0
    upload(page, content)
    assert there in shown(page)


def test_a_file_that_is_none_says_so_in_the_readers_language(home: Path) -> None:
    page = upload(open_page("analytics", "ko"), b"[]")
    assert "chats.json에 대화가 없습니다" in shown(page)


@pytest.mark.parametrize(("locale", "printed"), [("ko-KR", "인쇄용 HTML"), ("en-US", "HTML to print")])
def test_the_open_conversation_alone_offers_itself_in_every_format(home: Path, locale: str, printed: str) -> None:
    db = get_services().db
    one, other = say(db), say(db)
    app = open_app(locale, c=one.conversation_id)
    assert not app.exception
    offered = [button for button in app.get("download_button") if printed in str(button.proto)]
    keys = "\n".join(str(button.proto) for button in app.get("download_button"))
    assert len(offered) == 1 and other.conversation_id not in keys
    assert all(f"take-{ending}-{one.conversation_id}" in keys for ending in FORMATS)


def test_the_command_line_takes_one_away_and_brings_it_back(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    db = Database.open(first / "kdrinks.duckdb")
    conversation = say(db).conversation_id
    db.close()
    for ending in FORMATS:
        file = tmp_path / f"차.{ending}"
        written = document(kdrinks("export", str(file), "--conversation", conversation, "--json", home=first))
        assert written == {"files": [str(file)], "rows": {"messages": 2}} and file.stat().st_size > 100
    unknown = kdrinks("export", str(tmp_path / "a.exe"), "--conversation", conversation, home=first)
    assert unknown.returncode == 1 and "md, html, json" in unknown.stderr
    assert kdrinks("export", str(tmp_path / "a.md"), "--conversation", "5", home=first).returncode == 1

    brought = document(kdrinks("import", str(tmp_path / "차.json"), "--json", home=second))
    told = {name: brought[name] for name in ("conversations", "messages", "skipped", "problems")}
    assert told == {"conversations": 1, "messages": 2, "skipped": 0, "problems": []}
    again = kdrinks("import", str(tmp_path / "차.jsonl"), home=second)
    assert again.returncode == 0 and "1 already there" in again.stdout
    back = tmp_path / "back.json"
    document(kdrinks("export", str(back), "--conversation", conversation, "--json", home=second))
    assert back.read_bytes() == (tmp_path / "차.json").read_bytes()
    for wrong, said in (("none.json", "cannot be opened"), ("차.csv", "no JSON")):
        refused = kdrinks("import", str(tmp_path / wrong), home=second)
        assert refused.returncode == 1 and said in refused.stderr and "Traceback" not in refused.stderr


def test_beside_a_running_app_the_command_says_where_the_app_does_it(tmp_path: Path) -> None:
    held = Database.open(tmp_path / "kdrinks.duckdb")
    (tmp_path / "chats.json").write_text(json.dumps([talk(1)]), encoding="utf-8")
    for command in (["import", "chats.json"], ["export", "a.md", "--conversation", say(held).conversation_id]):
        command[1] = str(tmp_path / command[1])
        refused = kdrinks(*command, home=tmp_path)
        assert refused.returncode == 1 and "Do it in the app" in refused.stderr
    held.close()


@pytest.mark.browser
@needs_chromium
def test_in_a_browser_a_conversation_goes_into_a_file_and_comes_back_after_it_was_deleted(
    browser: Browser, tmp_path: Path
) -> None:
    db = Database.open(tmp_path / "home" / "kdrinks.duckdb")
    conversation = say(db).conversation_id
    question = chats.messages(db, ADMINISTRATOR, conversation)[0].question
    db.close()
    file = tmp_path / "taken.json"
    with running_app(tmp_path / "home", tmp_path) as app:
        with visit(browser, app, f"/?c={conversation}") as page:
            page.get_by_role("button", name="이 대화 내려받기").click()
            with page.expect_download() as taken:
                page.get_by_role("button", name="JSON (Open WebUI와 같은 꼴)").click()
            taken.value.save_as(file)
            assert taken.value.suggested_filename == "식혜에-술이-들어가나요.json"
            page.keyboard.press("Escape")
            page.locator(f".st-key-menu-{conversation} button").click()
            page.get_by_text("지우기", exact=True).click()
            expect(page.get_by_text("아직 나눈 대화가 없습니다.")).to_be_visible()
            page.goto(f"{app.url}/analytics")
            page.locator("input[type=file]").set_input_files(file)
            expect(page.get_by_text("대화 1개를 더했습니다(메시지 2개)")).to_be_visible()
            page.get_by_role("button", name=question, exact=True).click()
            expect(page.get_by_test_id("stChatMessage")).to_have_count(2)
            assert page.url.endswith(f"?c={conversation}")
        assert app.foreign == []


@pytest.mark.parametrize("mode", ["local", "hosted"])
def test_an_imported_conversation_is_drawn_and_goes_on_like_any_other(
    home: Path, words: TextAnalyzer, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("KDRINKS_MODE", mode)
    services = get_services()
    # on a site an administrator brings them in, here for somebody who has this cookie
    owner = of_token(TOKEN) if mode == "hosted" else ADMINISTRATOR
    who = Visitor(owner.id, administrator=True)
    conversation = say(services.db).conversation_id
    (ours,) = json.loads(export(services.db, ADMINISTRATOR, conversation, "json", "ko")[0])
    history = ours["chat"]["history"]
    facts = history["messages"][history["currentId"]]["kdrinks"]
    cited = facts["citations"][0]
    facts["citations"] = [cited | {"number": 1, "kind": "evil", "lang": "xx", "sources": ["javascript:alert(1)", "책"]}]
    forget.one(services.db, ADMINISTRATOR, conversation)
    content = json.dumps([ours, talk(1), open_webui()]).encode()
    assert bring_in(services.db, who, content, "chats.json", words).count("added") == 3
    for listed in chats.conversations(services.db, owner):
        app = new_app(c=listed.id)
        app.session_state["language"], app.session_state["visitor"] = "ko", TOKEN
        app.run()
        assert not app.exception and len(app.chat_message) >= 2
        assert not app.get("feedback"), "nothing to rate or to consent to"
        assert "javascript:" not in "\n".join(str(one.value) for one in app.markdown if "](" in str(one.value))
        live = answer.ask(services, owner, "그건 어떻게 만들어?", conversation_id=listed.id, session="a tab")
        assert live.wait(60) and live.error is None
        assert len(chats.messages(services.db, owner, listed.id)) == 2
        assert bool(app.run().get("feedback")) == (mode == "hosted"), "of what was answered here"
