"""How an answer came about can be read for as long as the answer is there: what was understood, weighed, read and allowed, and how long it
took. Real store, built-in model."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kdrinks.answer import Answer, ask
from kdrinks.config import Settings
from kdrinks.errors import KdrinksError
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.services import Services, open_services
from kdrinks.store import chats, forget, live, sqlbox, traces
from kdrinks.store.views import VIEWS
from kdrinks.ui.frame import get_services
from tests.support.app_pages import open_app, shown
from tests.support.store_rows import say

ONE, OTHER = Visitor("one"), Visitor("other")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("traces")
    opened = open_services(Settings(home=folder, models=folder), memory=True)
    yield opened
    opened.close()


def answered(services: Services, question: str, who: Visitor = ADMINISTRATOR, conversation: str = "") -> Answer:
    answer = ask(services, who, question, conversation_id=conversation)
    assert answer.wait(60) and answer.finish == "stop", answer.error
    return answer


def trace_of(services: Services, answer: Answer) -> dict[str, Any]:
    return traces.of(services.db, answer.question.who, answer.message_id)


def test_an_answer_by_the_model_tells_what_it_read_and_what_it_might_have_said(services: Services) -> None:
    answer = answered(services, "막걸리는 어떤 음료인가요?")
    trace = trace_of(services, answer)
    assert trace == answer.trace(), "what is kept is what the answer tells, as JSON holds it"
    understood = trace["understood"]
    assert (understood["intent"], understood["subjects"]) == ("identity", ["makgeolli"])
    assert understood["intents"][0][0] == "identity" and 0.5 < understood["intents"][0][1] <= 1
    system, asked = trace["prompt"]
    assert system["role"] == "system" and asked["role"] == "user" and answer.question.text in asked["content"]
    for passage in trace["passages"]:
        assert f"[{passage['number']}] {passage['title']} — {passage['text']}" in asked["content"]
    said = [line["sentence"] for line in trace["constraint"] if line["said"]]
    assert said and all(sentence in answer.text for sentence in said)
    assert {cited["id"] for cited in trace["citations"]} <= {passage["id"] for passage in trace["passages"]}
    assert (trace["guard"], trace["mode"]) == (answer.guard, "held") and trace["model"]["file"] == "kdrinks-mini.gguf"
    assert trace["settings"]["temperature"] == 0 and trace["settings"]["template"] == "guide"


def test_the_candidates_are_told_with_what_found_them_and_not_only_those_that_were_taken(services: Services) -> None:
    candidates = trace_of(services, answered(services, "안동소주의 역사를 알려 주세요"))["candidates"]
    assert 10 < len(candidates) <= 25
    assert candidates[0]["subject"] == "andong-soju" and candidates[0]["used"] and candidates[0]["kind"] == "history"
    weighed = [one for one in candidates if one["score"] is not None]
    assert [one["score"] for one in weighed[:20]] == sorted((one["score"] for one in weighed[:20]), reverse=True)
    others = [one for one in candidates if not one["used"]]
    assert others and all(one["id"].startswith(f"{one['subject']}.{one['kind']}") for one in others if one["id"])
    assert all(one["lexical"] is not None or one["vector"] is not None for one in others if one["id"])


def test_what_protects_a_person_is_told_with_what_they_cannot_have(services: Services) -> None:
    answer = answered(services, "임신 중인데 막걸리 마셔도 돼?")
    trace = trace_of(services, answer)
    assert "pregnancy" in trace["understood"]["concerns"] and "pregnancy" in trace["understood"]["excluded"]
    assert trace["prompt"] == [] and trace["constraint"] == [] and trace["model"] is None, "no model was asked"
    first = trace["passages"][0]
    assert first["subject"] == "makgeolli" and first["text"] in answer.text


def test_a_list_tells_the_rows_that_it_was_made_of_and_no_search(services: Services) -> None:
    trace = trace_of(services, answered(services, "제주 술은 뭐가 있어?"))
    assert trace["understood"]["operation"] == "list" and "region jeju" in trace["understood"]["filters"]
    assert {row["id"] for row in trace["rows"]} == {"omegisul", "gosorisul"}
    assert trace["candidates"] == []


def test_what_was_said_before_stands_in_the_prompt_of_a_model_that_is_not_led_astray_by_it(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in = catalog.find_model(catalog.BUILT_IN, services.settings)
    prompts = []
    for parameters in (2_000_000_000, built_in.parameters):
        sized = replace(built_in, parameters=parameters)
        monkeypatch.setattr(catalog, "find_model", lambda *_, sized=sized: sized)
        conversation = chats.start_conversation(services.db, ADMINISTRATOR)
        first = answered(services, "동동주가 뭐야?", conversation=conversation)
        prompts.append(trace_of(services, answered(services, "막걸리는 뭐야?", conversation=conversation))["prompt"])
    large, small = prompts
    assert [message["role"] for message in large] == ["system", "user", "assistant", "user"]
    assert large[2]["content"] == first.text and small == [large[0], large[3]]


def test_a_wait_is_told_with_queue_loading_and_search(services: Services) -> None:
    services.engine.unload()
    waiting = [ask(services, ADMINISTRATOR, question) for question in ("동동주란?", "청주란?", "막걸리란?")]
    for answer in waiting:
        assert answer.wait(60)
        timing = trace_of(services, answer)["timing"]
        before_it = timing["retrieve_s"] + timing["queue_s"] + timing["load_s"]
        assert before_it < timing["wait_s"] < timing["total_s"]
    assert max(answer.timing.load_s for answer in waiting) > 0
    assert max(answer.timing.queue_s for answer in waiting) > 0


def test_an_answer_that_was_stopped_has_a_trace_too(services: Services) -> None:
    answer = ask(services, ADMINISTRATOR, "막걸리는 어떻게 만들어요?")
    answer.stop()
    assert answer.wait(60) and answer.finish == "stopped"
    trace = trace_of(services, answer)
    assert trace["timing"]["total_s"] > 0 and (trace["timing"]["wait_s"] is None) == (answer.text == "")


def test_nobody_reads_the_trace_of_another_visitor(services: Services) -> None:
    answer = answered(services, "저는 견과류를 못 먹어요", ONE)
    conversation = answer.question.conversation_id
    assert "diet nuts" in traces.of(services.db, ONE, answer.message_id)["understood"]["excluded"]
    assert traces.kept(services.db, ONE, conversation) == {answer.message_id}
    assert traces.of(services.db, OTHER, answer.message_id) == {}
    assert traces.kept(services.db, OTHER, conversation) == frozenset()
    assert traces.of(services.db, ADMINISTRATOR, "../../etc/passwd") == {}


def test_it_is_forgotten_with_its_conversation(services: Services) -> None:
    gone, stays = answered(services, "식혜에 술이 들어가나요?"), answered(services, "수정과에 잣이 들어가나요?")
    forget.one(services.db, ADMINISTRATOR, gone.question.conversation_id)
    assert trace_of(services, gone) == {} and trace_of(services, stays)
    with services.db.cursor() as cursor:
        left = cursor.execute("SELECT count(*) FROM traces WHERE message_id = ?", [gone.message_id]).fetchone()
    assert left == (0,)


def test_nobody_groups_or_filters_by_what_a_person_cannot_have(services: Services) -> None:
    say(services.db)
    assert "traces" not in live.TABLES and not any("traces" in view.sql for view in VIEWS)
    with pytest.raises(KdrinksError):
        sqlbox.query(services.db, ADMINISTRATOR, "SELECT trace FROM traces", time_limit_s=60)


def test_it_names_files_and_no_folder(services: Services, tmp_path: Path) -> None:
    answer = answered(services, "막걸리가 뭐야?")
    assert answer.loaded
    assert str(services.settings.home) not in json.dumps(answer.trace())
    assert "/" not in trace_of(services, answer)["model"]["file"]


def test_the_chat_tells_it_where_somebody_asks_for_it(home: Path) -> None:
    app = open_app()
    for question in ("막걸리는 어떤 음료인가요?", "제주 술은 뭐가 있어요?"):
        app.chat_input[0].set_value(question).run(timeout=60)
    (talk,) = chats.conversations(get_services().db, ADMINISTRATOR)
    one, listed = (asked.exchange for asked in chats.messages(get_services().db, ADMINISTRATOR, talk.id))
    assert one is not None and listed is not None and "찾은 후보" not in shown(app)
    app.button(key=f"trace-{one.message_id}").click().run(timeout=60)
    assert not app.exception
    text = shown(app)
    assert "묻는 것: 어떤 음료" in text and "무엇에 대해: 막걸리" in text
    table = next(frame.value for frame in app.dataframe if "lexical" in frame.value)
    assert table["name"][0] == "● 막걸리" and len(table) > 10
    read = [block.value for block in app.code]
    assert any("질문: 막걸리는 어떤 음료인가요?" in one for one in read)
    assert "물은 때부터 첫 글자가 보이기까지" in text
    app.button(key=f"trace-{listed.message_id}").click().run(timeout=60)
    text = shown(app)
    assert "여러 음료를 두고: 모두 늘어놓기" in text and "조건: 술, 제주" in text and "답이 된 음료 2가지" in text
