"""A temporary conversation is answered like any other, and nothing of it is stored: in no table, no file, no list and no search."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrinks import answer
from kdrinks.answer import Answer
from kdrinks.config import Settings
from kdrinks.errors import KdrinksError
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.services import Services, open_services
from kdrinks.store import chats
from kdrinks.store.db import new_id
from kdrinks.temporary import MOST, TemporaryChats
from kdrinks.ui import frame
from kdrinks.ui.chat import conversations
from tests.support.app_pages import open_app, shown
from tests.support.store_rows import rows
from tests.support.wait import eventually
from tests.test_forget import files_with, tables_with

SECRET = "Qzvkmxwrtbnlsjd"  # no compression hides it from a search of the file
ONE, OTHER = Visitor("one"), Visitor("other")
KEPT = ("conversations", "messages", "generations", "words", "citations", "traces", "lifted_exclusions", "ratings")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_services(Settings(tmp_path / "home", tmp_path))
    yield opened
    opened.close()


def begun(services: Services, who: Visitor = ADMINISTRATOR) -> str:
    conversation = new_id()
    services.temporary.begin(who, conversation)
    return conversation


def asked(services: Services, conversation: str, text: str, **how: object) -> Answer:
    done = answer.ask(services, ADMINISTRATOR, text, conversation_id=conversation, temporary=True, **how)  # type: ignore[arg-type]
    assert done.wait(60)
    return done


def test_nothing_of_it_is_in_any_table_or_file_and_a_follow_up_knows_what_was_said(
    services: Services, tmp_path: Path
) -> None:
    conversation = begun(services)
    first = asked(services, conversation, f"식혜는 어떤 음료인가요? {SECRET}")
    assert first.finish == "stop" and "식혜" in first.text
    second = asked(services, conversation, "그건 어떻게 만들어?")
    assert {citation.passage.subject_id for citation in second.citations} == {"sikhye"}, "it goes on from the first"
    asked(services, conversation, "임신 중인데 마셔도 돼?")
    said = services.temporary.messages(ADMINISTRATOR, conversation)
    assert [one.question for one in said] == [first.question.text, "그건 어떻게 만들어?", "임신 중인데 마셔도 돼?"]
    assert said[0].exchange and said[0].exchange.answer == first.text

    assert [rows(services.db, table) for table in KEPT] == [0] * len(KEPT)
    assert chats.conversations(services.db, ADMINISTRATOR) == []
    for told in (SECRET, conversation):
        assert not tables_with(services.db, told) and not files_with(tmp_path / "home", told)
    services.db.checkpoint()
    assert not files_with(tmp_path / "home", SECRET)


def test_a_question_can_be_asked_again_in_it(services: Services) -> None:
    conversation = begun(services)
    first = asked(services, conversation, "식혜가 뭐야?")
    asked(services, conversation, "식혜가 뭐야?", question_id=first.question.id)
    (said,) = services.temporary.messages(ADMINISTRATOR, conversation)
    assert said.answers == 2 and rows(services.db, "messages") == 0


def test_one_that_is_over_is_not_stored_instead(services: Services) -> None:
    told: list[str] = []
    services.temporary.on_end = told.extend
    conversation = begun(services)
    asked(services, conversation, "식혜가 뭐야?")
    services.temporary.end(ADMINISTRATOR, conversation)
    assert told == [conversation], "the engine forgets it, too"
    assert services.temporary.messages(ADMINISTRATOR, conversation) == []
    with pytest.raises(KdrinksError) as refused:
        asked(services, conversation, "그건 어떻게 만들어?")
    assert refused.value.key == "temporary_over" and not services.answers
    assert rows(services.db, "messages") == rows(services.db, "conversations") == 0


def test_an_answer_that_ends_after_its_conversation_is_kept_nowhere(services: Services) -> None:
    conversation = begun(services)
    live = answer.ask(services, ADMINISTRATOR, "식혜가 뭐야?", conversation_id=conversation, temporary=True)
    services.temporary.end(ADMINISTRATOR, conversation)
    assert live.wait(60) and live.error is None
    assert [rows(services.db, table) for table in KEPT] == [0] * len(KEPT)


def test_nobody_reads_asks_in_or_ends_another_ones(services: Services) -> None:
    conversation = begun(services, ONE)
    answer.ask(services, ONE, "식혜가 뭐야?", conversation_id=conversation, temporary=True).wait(60)
    assert services.temporary.messages(OTHER, conversation) == []
    with pytest.raises(KdrinksError) as refused:
        answer.ask(services, OTHER, "그건?", conversation_id=conversation, temporary=True)
    assert refused.value.key == "not_yours"
    services.temporary.end(OTHER, conversation)
    assert len(services.temporary.messages(ONE, conversation)) == 1


def test_of_very_many_those_used_last_stay() -> None:
    held, over = TemporaryChats(), list[str]()
    held.on_end = over.extend
    ids = [str(number) for number in range(MOST + 3)]
    for one in ids:
        held.begin(ONE, one)
    assert over == ids[:3]


def test_on_the_page_it_is_marked_in_no_list_and_in_no_address_and_gone_when_another_is_opened(home: Path) -> None:
    app = open_app()
    app.sidebar.button(key="new-temporary").click().run()
    assert "아무것도 저장되지 않고" in app.info[0].value
    app.chat_input[0].set_value(f"식혜는 어떤 음료인가요? {SECRET}").run()
    assert not app.exception and len(app.chat_message) == 2
    assert "식혜" in app.chat_message[1].markdown[0].value and not app.query_params.get("c")
    assert "아직 나눈 대화가 없습니다" in shown(app)
    app.switch_page("../../pages/drinks.py").run()
    app.switch_page("../../pages/chat.py").run()
    assert len(app.chat_message) == 2, "a look at another page ends nothing"

    temporary = app.session_state[conversations.TEMPORARY_KEY]
    app.sidebar.button(key="new-conversation").click().run()
    assert not app.chat_message and not app.info
    held = frame.get_services().temporary
    assert eventually(lambda: not held.messages(ADMINISTRATOR, temporary))
    app.chat_input[0].set_value("수정과는 어떤 음료인가요?").run()
    assert len(app.chat_message) == 2 and app.query_params["c"]
    assert not tables_with(frame.get_services().db, SECRET)
