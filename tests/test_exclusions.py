"""What somebody said they cannot have is shown as a chip, can be taken back, and stays with its conversation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kdrinks.answer import Answer, ask
from kdrinks.config import Settings
from kdrinks.errors import NotAllowed
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.services import Services, open_services
from kdrinks.store import chats, exclusions, forget
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_app

SAID = "저는 견과류를 못 먹어요"
ASKED = "추석에 마실 만한 거 추천해 주세요"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    opened = open_services(Settings(home=tmp_path, models=tmp_path), memory=True)
    yield opened
    opened.close()


def answered(services: Services, question: str, conversation: str, who: Visitor = ADMINISTRATOR) -> Answer:
    answer = ask(services, who, question, conversation_id=conversation)
    assert answer.wait(60) and answer.finish == "stop", answer.error
    return answer


def with_nuts(services: Services, answer: Answer) -> list[str]:
    """Of the drinks that it suggests, those that may hold nuts."""
    drinks = services.knowledge.index.drinks
    told = {cited.passage.subject_id for cited in answer.citations if cited.passage.kind in ("identity", "listing")}
    return [one for one in told if one in drinks and "nuts" in drinks[one].tags.diet]


def test_what_was_ruled_out_is_kept_until_it_is_taken_back_and_again_when_it_is_said_again(services: Services) -> None:
    talk = chats.start_conversation(services.db, ADMINISTRATOR)
    answered(services, SAID, talk)
    first = answered(services, ASKED, talk)
    assert "diet nuts" in first.findings.exclusions and not with_nuts(services, first)
    exclusions.lift(services.db, ADMINISTRATOR, talk, "diet nuts")
    second = answered(services, ASKED, talk)
    assert "diet nuts" not in second.findings.exclusions
    assert "diet nuts" in answered(services, SAID, talk).findings.exclusions
    assert exclusions.lifted(services.db, ADMINISTRATOR, talk) == frozenset()
    assert "diet nuts" in answered(services, ASKED, talk).findings.exclusions


def test_it_is_kept_with_the_answer_and_forgotten_with_the_conversation(services: Services) -> None:
    talk = chats.start_conversation(services.db, ADMINISTRATOR)
    answered(services, SAID, talk)
    answered(services, ASKED, talk)
    exclusions.lift(services.db, ADMINISTRATOR, talk, "diet nuts")
    *_, last = chats.messages(services.db, ADMINISTRATOR, talk)
    assert last.exchange is not None and "diet nuts" in last.exchange.details["exclusions"]
    forget.one(services.db, ADMINISTRATOR, talk)
    with services.db.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM lifted_exclusions").fetchall() == [(0,)]


def test_nobody_takes_back_what_another_visitor_said(services: Services) -> None:
    one, other = Visitor("one"), Visitor("other")
    talk = chats.start_conversation(services.db, one)
    answered(services, SAID, talk, one)
    with pytest.raises(NotAllowed):
        exclusions.lift(services.db, other, talk, "diet nuts")
    exclusions.lift(services.db, one, talk, "diet nuts")
    assert exclusions.lifted(services.db, one, talk) == {"diet nuts"}
    assert exclusions.lifted(services.db, other, talk) == frozenset()


def test_a_chip_on_the_page_takes_it_back(home: Path) -> None:
    app = open_app()
    for question in (SAID, ASKED):
        app.chat_input[0].set_value(question).run(timeout=60)
    chip = app.button(key="exclusion-diet nuts")
    assert chip.label == "견과·잣 빼고"
    chip.click().run(timeout=60)
    assert not app.exception
    assert "exclusion-diet nuts" not in [button.key for button in app.button]
    (talk,) = chats.conversations(get_services().db, ADMINISTRATOR)
    assert exclusions.lifted(get_services().db, ADMINISTRATOR, talk.id) == {"diet nuts"}
