"""Nobody finds anything of another visitor's, whatever page, address or control they try."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kdrinks.config import ROOT
from kdrinks.errors import NotAllowed
from kdrinks.portability.bring_in import bring_in
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import analytics, chats, forget
from kdrinks.ui import frame
from kdrinks.ui.pages import declared_pages
from kdrinks.ui.visitor import of_token
from tests.support.app_pages import new_app
from tests.support.store_rows import exchange

TOKEN = "0123456789abcdef" * 2
ONE = of_token(TOKEN)
SECRET = "힐데가르트"
ANSWER = "비밀스러운 답"


@pytest.fixture(autouse=True)
def hosted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDRINKS_MODE", "hosted")


@pytest.fixture
def mine(home: Path) -> Iterator[dict[str, str]]:
    """A conversation of ONE's and the ids in it."""
    db = frame.get_services().db
    conversation = chats.start_conversation(db, ONE)
    question = chats.record_question(db, ONE, conversation, f"{SECRET}의 식혜", "ko")
    said = exchange(conversation, question, question=f"{SECRET}의 식혜", answer=ANSWER)
    assert chats.record(db, said)
    yield {"conversation": conversation, "question": question, "answer": said.message_id}


def everything_on(page: str, token: str, **address: str | list[str]) -> str:
    """All that a page sends to the browser of this visitor."""
    app = new_app(**address)
    app.session_state["language"] = "ko"
    app.session_state["visitor"] = token
    app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    assert not app.exception, app.exception[0].value
    drawn = [element.proto for block in (app.main, app.sidebar) for element in elements_of(block)]
    return "\n".join(str(proto) for proto in drawn)


def elements_of(block: Any) -> Iterator[Any]:
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from elements_of(child)
        if getattr(child, "proto", None) is not None:
            yield child


def readable(drawn: str) -> str:
    """Protobuf prints letters that are not ASCII as octal bytes."""
    return drawn.encode().decode("unicode_escape").encode("latin-1", "replace").decode("utf-8", "replace")


def test_whoever_asked_sees_it(mine: dict[str, str]) -> None:
    """What makes the next tests able to fail."""
    drawn = readable(everything_on("chat", TOKEN, c=mine["conversation"]))
    assert SECRET in drawn and ANSWER in drawn and mine["answer"] in drawn


@pytest.mark.parametrize("page", [page.name for page in declared_pages()])
def test_no_page_shows_it_to_another_whatever_its_address_says(mine: dict[str, str], page: str) -> None:
    ids = list(mine.values())
    addresses: list[dict[str, Any]] = [
        {},
        *(
            {name: one for name in ("c", "m", "id", "drink", "edit", "document", "at", "run", "set", "q")}
            for one in ids
        ),
        {"c": mine["conversation"].upper()},
        {"word": SECRET, "pos": ["noun", "drink"], "section": "words", "period": "all", "who": "question"},
        {"section": "data", "word": SECRET},
        {"section": "drinks", "period": "1d"},
        {"section": "speed"},
        {"desk": "1", "documents": "1"},
    ]
    for address in addresses:
        drawn = readable(everything_on(page, "f" * 32, **address))
        assert SECRET not in drawn and ANSWER not in drawn, address
        sent_by_them = {value for value in address.values() if isinstance(value, str)}
        assert not [one for one in ids if one in drawn and one not in sent_by_them], address


def test_nobody_finds_it_by_searching_nor_deletes_it_by_a_menu(mine: dict[str, str]) -> None:
    db = frame.get_services().db
    for token, found in ((TOKEN, True), ("f" * 32, False)):
        app = new_app()
        app.session_state["language"] = "ko"
        app.session_state["visitor"] = token
        app.run()
        if not found:  # a box of their own to search in
            chats.record_question(db, of_token(token), chats.start_conversation(db, of_token(token)), "수정과란?", "ko")
            app.run()
        for typed in (SECRET, "비밀스러운", "drink:식혜", "before:2100"):
            app.sidebar.text_input[0].set_value(typed).run()
            assert not app.exception and (f"menu-{mine['conversation']}" in str(app.sidebar.menu_button)) == found
            drawn = readable("\n".join(str(element.proto) for element in elements_of(app.sidebar)))
            assert ("background[비밀스러운" in drawn) == (found and typed == "비밀스러운"), typed


def test_a_visitor_without_a_name_is_none_of_those_who_have_one(mine: dict[str, str]) -> None:
    db = frame.get_services().db
    for stranger in (Visitor(""), Visitor("%"), Visitor("' OR 1=1 --"), Visitor(ONE.id[:-1]), Visitor(ONE.id.upper())):
        assert chats.conversations(db, stranger) == [] and not chats.messages(db, stranger, mine["conversation"])
    assert chats.conversations(db, ADMINISTRATOR) and chats.conversations(db, ONE)


def test_one_conversation_more_or_less_changes_no_total_of_few(mine: dict[str, str]) -> None:
    def drawn() -> list[str]:
        sections = ("words", "drinks", "speed")
        return [everything_on("analytics", "f" * 32, section=section, period="all") for section in sections]

    assert analytics.FEWEST_CONVERSATIONS > 1
    before = drawn()
    chats.delete_conversation(frame.get_services().db, ONE, mine["conversation"])
    assert drawn() == before


@pytest.mark.parametrize("page", [page.name for page in declared_pages()])
def test_no_page_offers_a_visitor_to_bring_in_a_file_and_the_door_is_shut(home: Path, page: str) -> None:
    for address in ({}, {"section": "data"}):
        app = new_app(**address)
        app.session_state["language"], app.session_state["visitor"] = "ko", TOKEN
        app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
        assert not app.exception and not app.file_uploader
    services = frame.get_services()
    with pytest.raises(NotAllowed):
        bring_in(services.db, ONE, b"[]", "chats.json", services.words)


def test_a_visitor_is_told_at_the_start_how_long_what_they_say_is_kept(home: Path) -> None:
    assert "관리자가 읽을 수 있습니다" in readable(everything_on("chat", TOKEN))
    forget.set_visitor_days(frame.get_services().db, ADMINISTRATOR, 30)
    assert "30일 동안 이 사이트의 서버에 남고" in readable(everything_on("chat", TOKEN))
    assert "마지막 글부터 30일 뒤에" in readable(everything_on("mine", TOKEN))
