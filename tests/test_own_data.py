"""What a visitor of a hosted site has of their own: a copy, deleting, a date by which it goes; and what all others see of it."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from kdrinks.errors import BadInput, NotAllowed
from kdrinks.records import ADMINISTRATOR, Citation, Passage, Visitor, WordCount
from kdrinks.services import Services
from kdrinks.store import analytics, chats, forget, logins, mine, preferences, ratings, speed, traces, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, new_id, now
from kdrinks.store.export import export
from kdrinks.store.ratings import Rating
from tests.support.store_rows import LOADED, exchange

ONE, OTHER = Visitor("one"), Visitor("other")
BOSS = Visitor("boss", administrator=True)
ALL = AnalyticsFilter()
PASSWORD = "a long one, of this test"


def talk(db: Database, who: Visitor, question: str = "식혜가 뭐예요?", **more: Any) -> str:
    """A conversation of one question with its answer; returns its id."""
    conversation = chats.start_conversation(db, who)
    asked = chats.record_question(db, who, conversation, question, "ko")
    counted = (WordCount("식혜", "drink", 1), WordCount("힐데가르트", "noun", 2))
    answer = exchange(
        conversation,
        asked,
        **{
            "question": question,
            "answer": "식혜는 달아요.",
            "citations": (Citation(1, passage("sikhye", "taste"), 1.0),),
            "guard": "kept",
            "question_words": counted,
            "answer_words": counted,
            **more,
        },
    )
    assert chats.record(db, answer)
    return conversation


def passage(subject: str, kind: Any, text: str = "식혜는 달아요.") -> Passage:
    return Passage(f"{subject}.{kind}.1.ko", subject, kind, "ko", "식혜", text, ("https://example.org",))


def rows_of(db: Database, conversation: str) -> dict[str, int]:
    """How many rows each table has of a conversation, whatever it is called there."""
    with db.cursor() as cursor:
        tables = [
            name
            for (name,) in cursor.execute(
                "SELECT table_name FROM duckdb_columns() WHERE column_name = 'conversation_id' AND database_name = current_database()"
            ).fetchall()
        ]
        return {
            name: cursor.execute(f"SELECT count(*) FROM {name} WHERE conversation_id = ?", [conversation]).fetchall()[
                0
            ][0]
            for name in sorted(tables)
        }


def test_a_visitor_sees_how_much_is_stored_of_them_and_nobody_elses(db: Database) -> None:
    before = now()
    talk(db, ONE)
    talk(db, ONE)
    talk(db, OTHER)
    talk(db, ADMINISTRATOR)
    stored = mine.summary(db, ONE)
    assert (stored.conversations, stored.questions, stored.answers) == (2, 2, 2)
    assert stored.first_at and stored.last_at and before <= stored.first_at < stored.last_at <= now()
    assert mine.summary(db, Visitor("new")) == mine.Mine(0, 0, 0, None, None)
    assert mine.summary(db, ADMINISTRATOR).conversations == 1, "at home, what no visitor owns"


def test_a_visitor_takes_away_all_of_their_own_in_the_form_of_the_exported_chats(db: Database) -> None:
    first, second = talk(db, ONE, "수정과는?"), talk(db, ONE)
    talk(db, OTHER, "남의 질문")
    copy = mine.export(db, ONE).decode()
    lines = [json.loads(line) for line in copy.splitlines()]
    assert [line["id"] for line in lines] == [first, second] and "남의 질문" not in copy
    said = [(message["role"], message["content"]) for message in lines[0]["messages"]]
    assert said == [("user", "수정과는?"), ("assistant", "식혜는 달아요.")]
    question, answer = lines[0]["messages"]
    assert answer["parent"] == question["id"] and answer["finish"] == "stop" and question["created_at"].endswith("Z")
    cited = {"number": 1, "title": "식혜", "text": "식혜는 달아요.", "sources": ["https://example.org"]}
    assert answer["citations"] == [cited]
    assert mine.export(db, Visitor("new")) == b""


def test_a_visitor_deletes_all_of_their_own_and_nobody_elses(db: Database) -> None:
    own, others = [talk(db, ONE, trace={"a": 1}), talk(db, ONE)], [talk(db, OTHER), talk(db, ADMINISTRATOR)]
    assert all(rows_of(db, own[0])[table] for table in ("messages", "words", "citations", "generations", "traces"))
    kept = [rows_of(db, one) for one in others]
    assert forget.of_owner(db, ONE) == 2 and forget.of_owner(db, ONE) == 0
    assert not any(any(rows_of(db, one).values()) for one in own)
    assert [rows_of(db, one) for one in others] == kept
    assert mine.summary(db, ONE).conversations == 0


def answer_of(db: Database, conversation: str) -> str:
    (asked,) = chats.messages(db, BOSS, conversation)
    assert asked.exchange
    return asked.exchange.message_id


def trained_with(db: Database, folder: Path) -> str:
    export(db, ADMINISTRATOR, folder, ("jsonl",))
    return (folder / "chats.jsonl").read_text(encoding="utf-8")


def test_what_visitors_wrote_is_used_to_train_models_only_where_they_said_so_at_their_rating(
    db: Database, tmp_path: Path
) -> None:
    silent, rated, allowed = (talk(db, ONE, f"방문자의 {word} 질문") for word in ("조용한", "평가한", "허락한"))
    talk(db, ADMINISTRATOR, "집에서 한 질문")
    ratings.rate(db, ONE, answer_of(db, rated), Rating(good=True))
    ratings.rate(db, ONE, answer_of(db, allowed), Rating(good=False, consent=True))
    written = trained_with(db, tmp_path)
    assert "집에서 한 질문" in written and "허락한 질문" in written
    assert "조용한 질문" not in written and "평가한 질문" not in written
    assert ratings.counts(db) == ratings.Rated(good=1, bad=1, consented=1)
    ratings.rate(db, ONE, answer_of(db, allowed), Rating(good=False))
    assert "허락한 질문" not in trained_with(db, tmp_path), "it can be taken back"
    ratings.rate(db, ONE, answer_of(db, allowed), Rating(good=None, consent=True))
    assert "허락한 질문" not in trained_with(db, tmp_path), "and goes with the rating"
    assert not ratings.of(db, ONE, silent)


def test_nobody_rates_anothers_answer_or_consents_for_them(db: Database) -> None:
    conversation = talk(db, ONE)
    answer = answer_of(db, conversation)
    ratings.rate(db, ONE, answer, Rating(good=True))
    for who, message in ((OTHER, answer), (BOSS, answer), (ADMINISTRATOR, answer), (ONE, new_id()), (ONE, "1")):
        with pytest.raises(NotAllowed):
            ratings.rate(db, who, message, Rating(good=False, consent=True))
    assert ratings.of(db, ONE, conversation) == ratings.of(db, BOSS, conversation) == {answer: Rating(good=True)}
    assert ratings.of(db, OTHER, conversation) == {}
    copy = json.loads(mine.export(db, ONE))
    assert copy["messages"][1]["rating"] == {"good": True, "consent": False}
    forget.of_owner(db, ONE)
    assert ratings.counts(db) == ratings.Rated(0, 0, 0)


def older(db: Database, conversation: str, days: float) -> None:
    with db.write() as cursor:
        for table in ("messages", "conversations"):
            column = "conversation_id" if table == "messages" else "id"
            at = now() - timedelta(days=days)
            cursor.execute(f"UPDATE {table} SET created_at = ? WHERE {column} = ?", [at, conversation])


def test_visitors_conversations_are_kept_for_good_until_an_administrator_says_for_how_long(db: Database) -> None:
    old, fresh, common = talk(db, ONE), talk(db, ONE), talk(db, ADMINISTRATOR)
    older(db, old, 8)
    older(db, common, 8)
    assert forget.apply_retention(db) == 0 and forget.kept_days(db) is None
    with pytest.raises(NotAllowed):
        forget.set_visitor_days(db, ONE, 7)
    for days in (0, -1, forget.LONGEST_DAYS + 1):
        with pytest.raises(BadInput):
            forget.set_visitor_days(db, BOSS, days)
    assert forget.set_visitor_days(db, BOSS, 7) == 1 and forget.kept_days(db) == 7
    assert not chats.messages(db, BOSS, old) and chats.messages(db, BOSS, fresh), "the old one is gone"
    assert chats.messages(db, BOSS, common), "what nobody visited for stays"
    forget.set_visitor_days(db, BOSS, None)
    assert forget.visitor_days(db) is None
    for damaged in ("7", 0, -3, 0.5, True, [7], 10**9):
        preferences.set(db, BOSS, forget.VISITORS_KEY, damaged)
        assert forget.visitor_days(db) is None and forget.apply_retention(db) == 0


def test_what_is_too_old_goes_while_nobody_asks(db: Database) -> None:
    forget.set_visitor_days(db, BOSS, 7)
    conversation = talk(db, ONE)
    older(db, conversation, 8)
    gone = threading.Event()
    db.on_delete.append(lambda ids: gone.set())

    class Running:
        closing = threading.Event()

    running = Running()
    running.db = db  # type: ignore[attr-defined]
    thread = threading.Thread(target=Services.keep_no_longer, args=(running, 0.01))
    thread.start()
    assert gone.wait(60) and not chats.messages(db, BOSS, conversation)
    running.closing.set()
    thread.join(60)
    assert not thread.is_alive()


READ: dict[str, Callable[[Database, Visitor, AnalyticsFilter], Any]] = {
    "counts": lambda db, who, view: analytics.counts(db, who, view)["conversations"].sum(),
    "activity": lambda db, who, view: analytics.activity(db, who, view)["conversations"].sum(),
    "guard_shares": lambda db, who, view: analytics.guard_shares(db, who, view)["n"].sum(),
    "models": lambda db, who, view: len(analytics.models(db, who)),
    "timings": lambda db, who, view: speed.timings(db, who, view)["n"].sum(),
    "distribution": lambda db, who, view: speed.distribution(db, who, view, "first_token_s")["n"].sum(),
    "drinks_over_time": lambda db, who, view: word_stats.drinks_over_time(db, who, view)["count"].sum(),
    "top_words": lambda db, who, view: word_stats.top_words(db, who, view)["count"].sum(),
}
"""What everybody may ask for, as one number that is 0 where nothing is shown."""
SINGLE: dict[str, Callable[[Database, Visitor, AnalyticsFilter], Any]] = {
    "timing_points": lambda db, who, view: len(speed.timing_points(db, who, view)),
    "failures": lambda db, who, view: len(speed.failures(db, who, view)),
    "word_trend": lambda db, who, view: word_stats.word_trend(db, who, view, ["식혜"])["count"].sum(),
    "keyness": lambda db, who, view: len(word_stats.keyness(db, who, view, "who")),
    "collocations": lambda db, who, view: len(word_stats.collocations(db, who, view, "식혜")),
    "concordance": lambda db, who, view: len(word_stats.concordance(db, who, view, "식혜")),
}
"""What shows single answers, or words of people's own."""


@pytest.mark.parametrize("name", READ)
def test_totals_say_nothing_of_fewer_than_five_conversations(db: Database, name: str) -> None:
    for _ in range(analytics.FEWEST_CONVERSATIONS - 1):
        talk(db, ONE)
    assert READ[name](db, BOSS, ALL) > 0 == READ[name](db, OTHER, ALL) == READ[name](db, ONE, ALL)
    talk(db, OTHER)
    assert READ[name](db, OTHER, ALL) > 0


def test_a_part_of_the_totals_with_fewer_than_five_conversations_is_left_out(db: Database) -> None:
    for _ in range(analytics.FEWEST_CONVERSATIONS):
        talk(db, ONE)
    rare = talk(
        db, ONE, loaded=replace(LOADED, model_id="rare", used="metal"), guard="off",
        question_words=(WordCount("백하주", "drink", 9),), answer_words=(),
    )  # fmt: skip
    for narrow in (replace(ALL, model="rare"), replace(ALL, since=now() + timedelta(days=1)), replace(ALL, lang="en")):
        assert READ["counts"](db, OTHER, narrow) == 0
    assert analytics.models(db, BOSS) == ["built-in", "rare"] and analytics.models(db, OTHER) == ["built-in"]
    assert set(speed.timings(db, OTHER, ALL)["model"]) == {"built-in"}
    assert set(analytics.guard_shares(db, OTHER, ALL)["guard"]) == {"kept"}
    assert set(speed.distribution(db, OTHER, ALL, "first_token_s")["device"]) == {"cpu"}
    assert list(word_stats.top_words(db, OTHER, ALL)["word"]) == ["식혜"]
    assert set(word_stats.drinks_over_time(db, OTHER, ALL)["drink"]) == {"식혜"}
    older(db, rare, 3)
    with db.write() as cursor:
        cursor.execute(
            "UPDATE generations SET created_at = created_at - INTERVAL 3 DAY WHERE conversation_id = ?", [rare]
        )
    assert len(analytics.activity(db, BOSS, ALL)) == 2 and len(analytics.activity(db, OTHER, ALL)) == 1


def test_totals_name_drinks_alone_and_no_word_narrows_them(db: Database) -> None:
    for _ in range(analytics.FEWEST_CONVERSATIONS):
        talk(db, ONE)
    assert "힐데가르트" in set(word_stats.top_words(db, BOSS, ALL)["word"])
    for asked in (ALL, replace(ALL, pos=("noun",)), replace(ALL, word="힐데가르트", pos=("noun", "drink"))):
        assert list(word_stats.top_words(db, OTHER, asked)["word"]) == ["식혜"]
    assert word_stats.top_words(db, OTHER, ALL, search="힐데").empty
    with_word, without = (READ["counts"](db, OTHER, replace(ALL, word=word)) for word in ("", "없는말"))
    assert with_word == without, "an answer by word would tell whether somebody said it"


def test_nobody_gives_themselves_a_wider_view(db: Database) -> None:
    talk(db, ONE)
    for asked in (replace(ALL, fewest=0), replace(ALL, owner=ONE.id), replace(ALL, fewest=1, owner=ONE.id)):
        assert READ["counts"](db, OTHER, asked) == 0
        assert analytics.seen_by(db, OTHER, asked).fewest == analytics.FEWEST_CONVERSATIONS


@pytest.mark.parametrize("name", SINGLE)
def test_totals_show_no_single_answer_and_no_words_of_peoples_own(db: Database, name: str) -> None:
    for _ in range(6):
        talk(db, ONE, finish="failed" if name == "failures" else "stop")
    assert SINGLE[name](db, BOSS, ALL) > 0 or name in ("keyness", "collocations")
    with pytest.raises(NotAllowed):
        SINGLE[name](db, OTHER, ALL)


def test_where_visitors_see_their_own_each_sees_that_alone(db: Database) -> None:
    analytics.set_audience(db, BOSS, "own")
    for _ in range(6):
        talk(db, ONE)
    for name, read in READ.items():
        assert read(db, ONE, ALL) == read(db, BOSS, ALL) > 0 == read(db, OTHER, ALL), name
    for name in ("timing_points", "word_trend", "concordance"):
        assert SINGLE[name](db, ONE, ALL) > 0 == SINGLE[name](db, OTHER, ALL), name
    assert READ["counts"](db, OTHER, replace(ALL, owner=ONE.id)) == 0
    assert READ["counts"](db, Visitor(""), ALL) == 0, "whoever has no name has nothing"


def test_where_visitors_see_everything_they_read_no_sentence(db: Database) -> None:
    analytics.set_audience(db, BOSS, "all")
    talk(db, ONE)
    for name, read in READ.items():
        assert read(db, OTHER, ALL) == read(db, BOSS, ALL) > 0, name
    assert SINGLE["word_trend"](db, OTHER, ALL) > 0
    with pytest.raises(NotAllowed):
        SINGLE["concordance"](db, OTHER, ALL)


@pytest.mark.parametrize("audience", get_args(analytics.Audience))
def test_visitors_never_see_the_servers_memory_nor_choose_what_they_see(db: Database, audience: Any) -> None:
    analytics.set_audience(db, BOSS, audience)
    with pytest.raises(NotAllowed):
        speed.memory(db, OTHER, ALL)
    with pytest.raises(NotAllowed):
        analytics.set_audience(db, OTHER, "all")
    preferences.set(db, BOSS, analytics.AUDIENCE_KEY, "everything")
    assert analytics.audience(db) == "totals", "what a newer version left there opens nothing"


def test_of_documents_a_visitor_reads_what_was_cited_and_nothing_else(db: Database) -> None:
    cited, read = passage("cited", "document", "인용한 구절"), passage("read", "document", "읽기만 한 구절")
    drink = passage("sikhye", "taste", "음료 구절")
    kept = [{"number": 2, "score": 1.0, "kind": one.kind, "text": one.text} for one in (read, drink)]
    trace = {
        "passages": [{"id": one.id, "kind": one.kind, "text": one.text} for one in (cited, read, drink)],
        "citations": [{"id": cited.id}],
        "prompt": [{"role": "user", "content": f"{cited.text} {read.text}"}],
        "constraint": [{"sentence": read.text}],
        "thought": read.text,
    }
    conversation = talk(db, ONE, citations=(Citation(1, cited, 1.0),), details={"also_found": kept}, trace=trace)
    ((asked,), (for_boss,)) = (chats.messages(db, who, conversation) for who in (ONE, BOSS))
    assert asked.exchange and for_boss.exchange
    assert [one["text"] for one in asked.exchange.details["also_found"]] == ["음료 구절"]
    assert len(for_boss.exchange.details["also_found"]) == 2
    seen = json.dumps(traces.of(db, ONE, asked.exchange.message_id), ensure_ascii=False)
    assert "읽기만 한 구절" not in seen and "인용한 구절" in seen and "음료 구절" in seen
    assert traces.of(db, BOSS, asked.exchange.message_id) == trace
    assert "읽기만 한 구절" not in mine.export(db, ONE).decode()


def test_a_visitor_reads_nothing_of_the_servers_memory_and_folders_in_their_answers(db: Database) -> None:
    trace = {"model": {"model_id": "built-in", "memory_bytes": 123_456_789, "predicted_bytes": 123_456_789}}
    loaded = replace(LOADED, file="/srv/secret/tea.gguf", memory_bytes=123_456_789)
    conversation = talk(db, ONE, trace=trace, loaded=loaded, details={"predicted_memory_bytes": 123_456_789})
    ((asked,), (for_boss,)) = (chats.messages(db, who, conversation) for who in (ONE, BOSS))
    assert asked.exchange and asked.exchange.loaded and for_boss.exchange
    told = f"{asked} {traces.of(db, ONE, asked.exchange.message_id)} {mine.export(db, ONE)!r}"
    assert "123456789" not in told and "/srv" not in told and asked.exchange.loaded.file == "tea.gguf"
    assert "123456789" in f"{for_boss}" and "123456789" in f"{traces.of(db, BOSS, asked.exchange.message_id)}"


def test_where_no_document_was_read_a_visitor_sees_the_whole_trace(db: Database) -> None:
    drink = passage("sikhye", "taste")
    trace = {
        "passages": [{"id": drink.id, "kind": "taste", "text": "…"}],
        "citations": [],
        "prompt": [{"role": "user"}],
    }
    (asked,) = chats.messages(db, ONE, talk(db, ONE, trace=trace))
    assert asked.exchange and traces.of(db, ONE, asked.exchange.message_id) == trace


def tried(db: Database, who: Visitor, typed: str, session: str = "s") -> str:
    try:
        logins.log_in(db, who, session, typed=typed, password=PASSWORD)
    except NotAllowed as error:
        return error.key
    return "in"


def test_the_right_password_makes_an_administrator_of_this_session_alone(db: Database) -> None:
    assert tried(db, ONE, "wrong") == "password_wrong" and not logins.is_logged_in(db, ONE, "s")
    assert tried(db, ONE, PASSWORD) == "in" and logins.is_logged_in(db, ONE, "s")
    assert not logins.is_logged_in(db, ONE, "another") and not logins.is_logged_in(db, OTHER, "s")
    logins.log_out(db, OTHER, "s")
    assert logins.is_logged_in(db, ONE, "s"), "nobody logs another out"
    logins.log_out(db, ONE, "s")
    assert not logins.is_logged_in(db, ONE, "s")


def backwards(db: Database, by: timedelta) -> None:
    with db.write() as cursor:
        cursor.execute(
            "UPDATE password_tries SET created_at = created_at - to_microseconds(?)", [by // timedelta(microseconds=1)]
        )


def test_a_log_in_by_password_lasts_a_day_at_most(db: Database) -> None:
    tried(db, ONE, PASSWORD)
    backwards(db, logins.LASTS)
    assert not logins.is_logged_in(db, ONE, "s") and tried(db, ONE, PASSWORD) == "in"


def test_after_five_wrong_passwords_no_further_one_is_compared_for_a_while(db: Database) -> None:
    assert [tried(db, ONE, "wrong") for _ in range(7)] == ["password_wrong"] * logins.TRIES + ["password_tries"] * 2
    assert tried(db, ONE, PASSWORD) == "password_tries", "the right one neither"
    assert tried(db, ONE, PASSWORD, "another session") == "password_tries"
    assert tried(db, OTHER, PASSWORD) == "in", "others are not shut out"
    with pytest.raises(NotAllowed) as refused:
        logins.log_in(db, ONE, "s", typed=PASSWORD, password=PASSWORD)
    assert 1 <= int(str(refused.value.values["minutes"])) <= logins.WINDOW // timedelta(minutes=1)
    backwards(db, logins.WINDOW)
    assert tried(db, ONE, PASSWORD) == "in"


def test_a_new_cookie_for_each_password_gets_nobody_further_and_shuts_out_no_administrator(db: Database) -> None:
    tried(db, BOSS, PASSWORD)
    strangers = [tried(db, Visitor(f"new {number}"), "wrong") for number in range(logins.TRIES_OF_STRANGERS + 3)]
    assert strangers == ["password_wrong"] * logins.TRIES_OF_STRANGERS + ["password_tries"] * 3
    assert tried(db, Visitor("and another"), PASSWORD) == "password_tries"
    assert tried(db, BOSS, "wrong") == "password_wrong" and tried(db, BOSS, PASSWORD) == "in"


def test_passwords_that_are_tried_at_once_are_counted_one_by_one(db: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: tried(db, ONE, "wrong"), range(40)))
    assert told.count("password_wrong") == logins.TRIES and told.count("password_tries") == 40 - logins.TRIES


def test_old_tries_are_forgotten_with_what_is_too_old(db: Database) -> None:
    tried(db, ONE, "wrong")
    backwards(db, logins.KNOWN)
    tried(db, OTHER, "wrong")
    forget.apply_retention(db)
    with db.cursor() as cursor:
        assert cursor.execute("SELECT visitor FROM password_tries").fetchall() == [(OTHER.id,)]
