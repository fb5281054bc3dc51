"""The conversations in the sidebar, without a browser: by day, found, named, pinned, deleted and taken back, opened and left again."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import chats, conversation_marks, forget, mine
from kdrinks.store.db import Database, now
from kdrinks.ui import frame
from kdrinks.ui.chat import conversation_list, conversations
from tests.support.app_pages import open_app, open_page, shown
from tests.support.store_rows import say
from tests.support.wait import eventually

Talk = Callable[..., str]


@pytest.fixture
def talk(home: Path) -> Talk:
    """Stores a conversation whose question and answer were said so long ago; returns its id."""

    def made(question: str, answer: str = "답입니다.", ago: timedelta = timedelta()) -> str:
        db = frame.get_services().db
        conversation = say(db, question, answer=answer).conversation_id
        with db.write() as cursor:
            cursor.execute(
                "UPDATE messages SET created_at = created_at - ? WHERE conversation_id = ?", [ago, conversation]
            )
        return conversation

    return made


def rows(app: AppTest) -> list[str]:
    """The conversations in the sidebar, from the top."""
    return [button.label for button in app.sidebar.button if (button.key or "").startswith("open-")]


def headings(app: AppTest) -> list[str]:
    known = ("오늘", "어제", "지난 7일", "고정한 대화")
    return [one.value for one in app.sidebar.caption if one.value in known or one.value.endswith("월")]


def choose(app: AppTest, act: str, conversation: str) -> AppTest:
    """In the menu of a row."""
    app.sidebar.menu_button(key=f"menu-{conversation}").click(act).run()
    assert not app.exception, app.exception[0].value
    return app


def give_name(app: AppTest, conversation: str, name: str) -> None:
    app.sidebar.text_input(key=f"title-{conversation}").set_value(name)
    app.sidebar.button(key="give-name").click().run()


def find(app: AppTest, typed: str) -> AppTest:
    app.sidebar.text_input(key=conversation_list.SEARCH_KEY).set_value(typed).run()
    assert not app.exception, app.exception[0].value
    return app


def addressed(app: AppTest) -> str:
    """The conversation in the address; "" where there is none."""
    found = app.query_params.get("c", "")
    return found if isinstance(found, str) else found[-1]


def go_back(app: AppTest, **address: str) -> AppTest:
    """The browser's Back to this address of the chat."""
    app.query_params.clear()
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def test_conversations_stand_under_the_day_of_their_last_message(talk: Talk) -> None:
    days = (400, 40, 5, 1, 0)
    for ago in days:
        talk(f"{ago}일 전", ago=timedelta(days=ago))
    app = open_app()
    assert rows(app) == [f"{ago}일 전" for ago in reversed(days)]
    month, year = (now() - timedelta(days=40), now() - timedelta(days=400))
    in_year = f"{month.year}년 " if month.year != now().year else ""
    assert headings(app) == ["오늘", "어제", "지난 7일", f"{in_year}{month.month}월", f"{year.year}년 {year.month}월"]
    assert f"{year:%B %Y}" in shown(open_page("chat", "en"))


def test_midnight_is_the_readers(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_list, "now", lambda: datetime(2026, 3, 10, 16, 0))  # the 11th, 1 o'clock in Seoul
    conversation = talk("밤에 물은 것")
    with frame.get_services().db.write() as cursor:
        cursor.execute(
            "UPDATE messages SET created_at = ? WHERE conversation_id = ?", [datetime(2026, 3, 10, 14, 0), conversation]
        )
    assert headings(open_app()) == ["오늘"]
    monkeypatch.setattr(conversation_list, "_zone", lambda: timedelta(hours=9))
    assert headings(open_app()) == ["어제"]


def test_the_newest_are_listed_and_the_others_by_a_button(talk: Talk) -> None:
    count = conversation_list.SHOWN + 2
    ids = [talk(f"질문 {number}", ago=timedelta(minutes=count - number)) for number in range(count)]
    app = open_app()
    assert rows(app) == [f"질문 {number}" for number in range(count - 1, 1, -1)]
    app.sidebar.button(key="more-conversations").click().run()
    assert rows(app) == [f"질문 {number}" for number in range(count - 1, -1, -1)]
    assert "more-conversations" not in {button.key for button in app.sidebar.button}
    app = open_app(c=ids[0])
    assert rows(app)[0] == "질문 0" and len(rows(app)) == conversation_list.SHOWN, "the open one is always there"
    assert app.chat_message[1].markdown[0].value == "답입니다."


def test_one_is_found_by_what_was_said_in_it_with_the_match_marked(talk: Talk) -> None:
    talk("식혜 이야기", "엿기름으로 삭힙니다.")
    talk("막걸리 이야기", "누룩으로 *빚습니다*. $5~$10")
    app = find(open_app(), "누룩을")
    assert rows(app) == ["막걸리 이야기"] and ":yellow-background[누룩]으로" in shown(app)
    assert rows(find(app, "엿기")) == ["식혜 이야기"]
    app = find(app, "홍차")
    assert rows(app) == [] and "찾는 말이 있는 대화가 없습니다." in shown(app) and "음료:식혜" in shown(app)
    app = find(app, "before:어제")
    assert "날짜가 아닙니다" in app.error[0].value and app.sidebar.text_input[0].value == "before:어제"
    assert rows(find(app, "")) == ["막걸리 이야기", "식혜 이야기"]


def test_more_of_what_was_found_comes_by_the_button(talk: Talk) -> None:
    for number in range(conversation_list.SHOWN + 1):
        talk(f"질문 {number}", "같은 답")
    app = find(open_app(), "같은")
    assert len(rows(app)) == conversation_list.SHOWN
    app.sidebar.button(key="more-conversations").click().run()
    assert len(rows(app)) == conversation_list.SHOWN + 1


def test_a_conversation_gets_a_name_and_loses_it_again(talk: Talk) -> None:
    conversation = talk("식혜란?")
    app = choose(open_app(), "rename", conversation)
    assert rows(app) == [] and app.sidebar.text_input(key=f"title-{conversation}").value == "식혜란?"
    give_name(app, conversation, "  할머니의 *식혜*  ")
    assert rows(app) == [r"할머니의 \*식혜\*"]
    assert rows(open_app()) == [r"할머니의 \*식혜\*"], "for good"
    app = choose(app, "rename", conversation)
    give_name(app, conversation, "")
    assert rows(app) == ["식혜란?"], "without a name the first question stands for it"


def test_a_title_box_is_left_by_its_cross_or_by_whatever_else_is_clicked(talk: Talk) -> None:
    conversation, other = talk("식혜란?"), talk("막걸리란?")
    app = open_app()
    for key in ("keep-name", f"open-{other}", "new-conversation", "new-temporary", ""):
        choose(app, "rename", conversation)
        assert rows(app) == ["막걸리란?"]
        if key:
            app.sidebar.button(key=key).click().run()
        else:
            choose(app, "pin", other)
        assert rows(app) == ["막걸리란?", "식혜란?"]
    elsewhere = choose(open_page("drinks"), "rename", conversation)
    elsewhere.sidebar.button(key="keep-name").click().run()
    assert rows(elsewhere) == ["막걸리란?", "식혜란?"]


def test_what_is_found_stands_without_days_and_pinned_ones_first(talk: Talk) -> None:
    for name, days in (("어제 식혜", 1), ("오늘 식혜", 0), ("오래된 식혜", 300)):
        conversation = talk(name, ago=timedelta(days=days))
    conversation_marks.pin(frame.get_services().db, ADMINISTRATOR, conversation, True)
    app = find(open_app(), "식혜")
    assert rows(app) == ["오래된 식혜", "오늘 식혜", "어제 식혜"] and headings(app) == []
    assert headings(find(app, "")) == ["고정한 대화", "오늘", "어제"]


def test_a_name_is_refused_where_it_is_too_long_or_not_yours(db: Database) -> None:
    conversation = say(db, "식혜란?").conversation_id
    for who, title, key in ((ADMINISTRATOR, "가" * 61, "title_too_long"), (Visitor("other"), "내 것", "not_yours")):
        with pytest.raises(Exception) as refused:
            conversation_marks.rename(db, who, conversation, title)
        assert getattr(refused.value, "key", "") == key
    assert "title" not in json.loads(mine.export(db, ADMINISTRATOR))
    conversation_marks.rename(db, ADMINISTRATOR, conversation, "\ud800 줄\n바꿈")
    assert chats.conversations(db, ADMINISTRATOR)[0].title == "\ufffd 줄 바꿈"
    assert json.loads(mine.export(db, ADMINISTRATOR))["title"] == "\ufffd 줄 바꿈", "in one's own copy, too"


def test_a_pinned_conversation_stands_above_the_others_until_it_is_unpinned(talk: Talk) -> None:
    old, _ = talk("오래된 것", ago=timedelta(days=300)), talk("새것")
    app = choose(open_app(), "pin", old)
    assert rows(app) == ["오래된 것", "새것"] and headings(app) == ["고정한 대화", "오늘"]
    assert rows(open_app()) == ["오래된 것", "새것"]
    app = choose(app, "unpin", old)
    assert rows(app) == ["새것", "오래된 것"] and "고정한 대화" not in headings(app)


def test_a_deletion_is_seen_at_once_and_can_be_taken_back(talk: Talk) -> None:
    conversation, _ = talk("식혜란?", "쌀 음료입니다."), talk("막걸리란?")
    app = choose(open_app(c=conversation), "delete", conversation)
    assert rows(app) == ["막걸리란?"] and not app.chat_message and not addressed(app)
    assert "‘식혜란?’ 대화를 지웠습니다. 30초 안에 되돌릴 수 있고" in shown(app)
    assert "지웠습니다" in shown(open_app()), "in any other tab, too"
    app.sidebar.button(key=f"undo-{conversation}").click().run()
    assert rows(app) == ["막걸리란?", "식혜란?"] and "지웠습니다" not in shown(app)
    assert app.chat_message[1].markdown[0].value == "쌀 음료입니다.", "it was open and is again"


def test_the_last_conversation_can_be_deleted_and_taken_back(talk: Talk) -> None:
    conversation = talk("식혜란?")
    app = choose(open_app(), "delete", conversation)
    assert "아직 나눈 대화가 없습니다" in shown(app) and rows(app) == []
    app.sidebar.button(key=f"undo-{conversation}").click().run()
    assert rows(app) == ["식혜란?"]


def test_nothing_offers_to_take_back_what_is_gone_for_good(talk: Talk) -> None:
    conversation = talk("식혜란?")
    app = choose(open_app(), "delete", conversation)
    with frame.get_services().db.write() as cursor:
        cursor.execute("UPDATE conversations SET deleted_at = deleted_at - INTERVAL 31 SECOND")
    app.sidebar.button(key=f"undo-{conversation}").click().run()
    assert not app.exception and rows(app) == []
    assert not [button.key for button in app.sidebar.button if str(button.key).startswith("undo-")]


def test_the_next_visit_carries_out_what_was_left(talk: Talk) -> None:
    conversation, _ = talk("식혜란?"), talk("막걸리란?")
    db = frame.get_services().db
    with db.write() as cursor:
        cursor.execute(
            "UPDATE conversations SET deleted_at = ? WHERE id = ?",
            [now() - timedelta(seconds=forget.UNDO_S + 1), conversation],
        )
    assert rows(open_app()) == ["막걸리란?"]
    with db.cursor() as cursor:
        left = "SELECT 1 FROM messages WHERE conversation_id = ?"
        assert eventually(lambda: not cursor.execute(left, [conversation]).fetchall())


def test_the_picked_conversation_is_open_and_marked_in_the_very_next_run(talk: Talk) -> None:
    one, other = talk("식혜란?", "쌀 음료입니다."), talk("막걸리란?", "술입니다.")
    for app in (open_app(c=one), open_page("drinks", c="")):
        app.button(key=f"open-{other}").click().run()
        assert app.session_state[conversations.SESSION_KEY] == other and addressed(app) == other
        assert app.chat_message[1].markdown[0].value == "술입니다."


def test_back_goes_through_the_conversations_to_the_start_page(talk: Talk) -> None:
    one, other = talk("식혜란?", "쌀 음료입니다."), talk("막걸리란?", "술입니다.")
    app = open_app()
    for conversation in (one, other):
        app.button(key=f"open-{conversation}").click().run()
    assert go_back(app, c=one).chat_message[1].markdown[0].value == "쌀 음료입니다."
    app = go_back(app)
    assert not app.chat_message and "어떤 음료가 궁금하세요?" in shown(app) and not addressed(app)
    assert conversations.SESSION_KEY not in app.session_state
    assert go_back(app, c=one).chat_message, "and Forward opens it again"


def test_back_from_the_first_conversation_leads_to_the_start_page(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    one = talk("식혜란?", "쌀 음료입니다.")
    app = open_app()
    app.button(key=f"open-{one}").click().run()
    monkeypatch.setattr(conversations, "UNDER_WAY_S", 0.0)  # it was a moment ago
    assert not go_back(app).chat_message


def test_a_click_before_the_browser_has_the_new_address_closes_nothing(talk: Talk) -> None:
    one = talk("식혜란?", "쌀 음료입니다.")
    app = open_app()
    app.button(key=f"open-{one}").click().run()
    app = go_back(app)  # the browser's address of before, at the same moment
    assert app.chat_message and addressed(app) == one


def test_the_open_conversation_is_still_open_after_a_look_at_another_page(talk: Talk) -> None:
    one = talk("식혜란?", "쌀 음료입니다.")
    app = open_app(c=one)
    app.switch_page("../../pages/drinks.py").run()
    app.query_params.clear()
    app.switch_page("../../pages/chat.py").run()
    assert app.chat_message and addressed(app) == one
