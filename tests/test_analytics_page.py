"""The analytics page as a visitor gets it: empty, filled, filtered, shared; the store is real, only the engine is left out."""

import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from kdrinks import recount
from kdrinks.config import ROOT, Settings
from kdrinks.drinks.names import packaged_names
from kdrinks.jobs import Job, Jobs
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import analytics, chats, compare, preferences
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.ui import frame, job_progress
from kdrinks.ui.analytics import data, speed, view, words
from kdrinks.ui.analytics.panels import Panel
from kdrinks.ui.analytics.sections import SECTIONS
from tests.support.app_pages import app_test_session, open_page
from tests.support.counted_answers import CPU, say
from tests.support.wait import eventually


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    settings = Settings(ROOT, ROOT)
    with app_test_session(), closing(Database.open(None)) as database:
        services = SimpleNamespace(
            db=database,
            jobs=Jobs(database),
            words=TextAnalyzer(packaged_names()),
            page_drawn=threading.Event(),
            settings=settings,
        )
        for room in (frame, view, words, data, speed, job_progress):
            monkeypatch.setattr(room, "get_services", lambda: services)
        yield database


def cards(page: AppTest) -> dict[str, str]:
    return {card.label: card.value for card in page.metric}


@pytest.mark.parametrize(("lang", "invitation"), [("ko", "음료에 대해 물어보기"), ("en", "Ask about a drink")])
def test_before_the_first_question_the_page_says_what_will_be_here_and_leads_to_the_chat(
    db: Database, lang: str, invitation: str
) -> None:
    page = open_page("analytics", lang)
    assert [link.proto.label for link in page.get("page_link")] == [invitation]
    assert not page.metric


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_after_a_conversation_its_words_drinks_and_timings_are_shown(db: Database, lang: str) -> None:
    say(db, {"식혜": 3}, pos="drink", first_token_s=0.25, tokens_per_s=512.4)
    say(db, {"쌀": 2}, finish="failed")
    page = open_page("analytics", lang)
    assert list(cards(page).values()) == ["2", "1", "0.25초" if lang == "ko" else "0.25 s", "512"]
    assert list(page.dataframe[0].value["word"]) == ["식혜", "쌀"]
    for section, parts in SECTIONS.items():
        page = open_page("analytics", lang, section=section)
        assert page.get("download_button"), section
        assert bool(page.get("vega_lite_chart")) == any(part.charts for part in parts), section


def test_what_was_compared_on_the_models_page_stands_with_the_timings(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink", first_token_s=0.25, tokens_per_s=512.4)
    charts = len(open_page("analytics", "en", section="speed").get("vega_lite_chart"))
    setting = compare.Setting(0, "tea-Q8_0", "tea-Q8_0.gguf", "Q8_0", 1_000_000, "cpu", 0, 0)
    run = compare.Run("ko", cold=False, device_used="cpu", prompt_tokens=9, prompt_s=1.0, first_token_s=1.0,
                      completion_tokens=3, completion_s=1.0, memory_bytes=10**6)  # fmt: skip
    for number in range(3):
        assert len(open_page("analytics", "en", section="speed").get("vega_lite_chart")) == charts, (
            "fewer than three runs are not shown"
        )
        compare.record_run(db, "00000000-0000-7000-8000-000000000000", setting, number, run)
    page = open_page("analytics", "en", section="speed")
    assert "Compare devices and quantizations" in [one.value for one in page.subheader]
    assert len(page.get("vega_lite_chart")) == charts + 4


def test_an_address_with_filters_shows_that_view_and_a_change_is_kept_in_it(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink", asked={})
    say(db, {"rice": 2}, pos="english", lang="en")
    page = open_page("analytics", "ko", said="en", who="nonsense")
    assert list(page.dataframe[0].value["word"]) == ["rice"]
    assert cards(page)["대화"] == "1"
    page.button_group(key="analytics-said").set_value("ko").run()
    assert page.query_params["said"] in ("ko", ["ko"]) and not page.exception
    assert list(page.dataframe[0].value["word"]) == ["식혜"]


def test_a_view_that_nothing_matches_says_so(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink", loaded=CPU)
    nothing = "이 조건에 맞는 것이 없습니다. 기간이나 조건을 넓혀 보세요."
    for section in ("words", "drinks", "speed"):
        page = open_page("analytics", "ko", said="en", section=section)
        panels = sum(isinstance(part, Panel) for part in SECTIONS[section])
        assert [caption.value for caption in page.caption].count(nothing) > panels, section
        assert not page.get("vega_lite_chart"), section
    assert cards(page)["첫 글자까지"] == "—"


def test_what_was_deleted_is_gone_from_the_page_at_once(db: Database) -> None:
    gone = say(db, {"누룩": 9})
    say(db, {"쌀": 1})
    page = open_page("analytics", "ko")
    assert list(page.dataframe[0].value["word"]) == ["누룩", "쌀"]
    chats.delete_conversation(db, ADMINISTRATOR, gone)
    page.run()
    assert list(page.dataframe[0].value["word"]) == ["쌀"]


def test_a_word_in_the_address_narrows_the_page_and_one_click_lets_go_of_it(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink", text="식혜는 답니다.")
    say(db, {"쌀": 1})
    page = open_page("analytics", "ko", word="식혜")
    assert cards(page)["대화"] == "1" and list(page.dataframe[0].value["word"]) == ["식혜"]
    assert any(text.value.startswith("식혜는 답니다") for text in page.markdown)
    page.button(key="analytics-word").click().run()
    assert "word" not in page.query_params and cards(page)["대화"] == "2"


def test_a_stop_word_is_kept_and_counted_nowhere(db: Database) -> None:
    say(db, {"식혜": 3, "쌀": 2}, pos="drink")
    page = open_page("analytics", "ko")
    page.text_area(key="stop-words").set_value("쌀\n 물").run()
    page.button(key="stop-words-save").click().run()
    assert preferences.get(db, "stop_words") == ["물", "쌀"]
    assert list(open_page("analytics", "en").dataframe[0].value["word"]) == ["식혜"]


def test_the_page_says_how_far_counting_again_has_come(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink")
    go_on = threading.Event()

    def counting(job: Job[Any]) -> None:
        job.report("counting", 0.25, done=20, total=80)
        go_on.wait(60)

    job = frame.get_services().jobs.start(recount.KIND, counting, subject="2")
    assert eventually(lambda: job.fraction)
    page = open_page("analytics", "ko")
    assert "80개 가운데 20개" in page.get("progress")[0].proto.text
    go_on.set()
    assert job.wait(60)
    assert not page.run().get("progress")


def test_sql_runs_over_the_views_is_saved_and_says_where_it_is_wrong(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink", asked={"식혜": 2})
    page = open_page("analytics", "ko", section="data")
    page.button(key="sql-run").click().run()
    assert page.dataframe[0].value.values.tolist() == [["식혜", 2, 1]]
    page.text_input(key="sql-name").set_value("음료").run()
    page.button(key="sql-save").click().run()
    page.text_area(key="sql").set_value("SELECT wrd FROM words").run()
    page.button(key="sql-run").click().run()
    assert "1행 8열" in page.error[0].value and not page.exception
    again = open_page("analytics", "ko", section="data")
    again.button(key="sql-open-0").click().run()
    assert "sum(count)" in (again.text_area(key="sql").value or "")


def test_deleting_all_data_asks_first_and_leaves_an_empty_page(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink")
    page = open_page("analytics", "ko", section="data")
    page.button(key="delete-all").click().run()
    assert not page.metric and not page.exception


def test_where_there_are_administrators_nobody_else_reads_what_people_wrote(db: Database) -> None:
    for _ in range(analytics.FEWEST_CONVERSATIONS):
        say(db, {"식혜": 3}, pos="drink", text="식혜는 답니다.")
    frame.get_services().settings = Settings(ROOT, ROOT, admins=frozenset({"boss@example.com"}))
    page = open_page("analytics", "ko", word="식혜")
    assert list(page.dataframe[0].value["word"]) == ["식혜"], "totals are for everybody"
    assert not any("답니다" in text.value for text in page.markdown)
    assert any("모든 방문자의 대화를 합친 수" in caption.value for caption in page.caption)
    page = open_page("analytics", "ko", section="data")
    assert not {"sql-run", "live-start", "delete-all", "sample-load"} & {button.key for button in page.button}
    assert not page.text_area and not page.get("download_button")


@pytest.mark.parametrize("word", ["식혜", "힐데가르트"])
def test_a_visitor_of_a_hosted_site_sees_of_what_others_say_the_drinks_alone(db: Database, word: str) -> None:
    for _ in range(analytics.FEWEST_CONVERSATIONS):
        say(db, {"식혜": 3}, pos="drink")
        say(db, {"힐데가르트": 2}, pos="noun")
    assert list(open_page("analytics", "ko", word="힐데가르트").dataframe[0].value["word"]) == ["힐데가르트"]
    frame.get_services().settings = Settings(ROOT, ROOT, admins=frozenset({"boss@example.com"}))
    page = open_page("analytics", "ko", word=word, pos="noun", period="all")
    assert list(page.dataframe[0].value["word"]) == ["식혜"]
    assert "analytics-word" not in {button.key for button in page.button}
    assert not any("힐데가르트" in text.value for text in page.markdown)


def test_the_live_connection_is_opened_and_shut_by_a_button(db: Database) -> None:
    say(db, {"식혜": 3}, pos="drink")
    page = open_page("analytics", "ko", section="data")
    before = db.live
    page.button(key="live-start").click().run()
    opened = db.live
    assert before is None and opened and any(opened[1] in code.value for code in page.code)
    page.button(key="live-stop").click().run()
    assert db.live is None and not page.exception
