"""The numbers of the analytics page against the same numbers counted by hand or in plain Python."""

import io
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb
import pandas as pd
import pytest

from kdrinks.records import ADMINISTRATOR
from kdrinks.store import analytics, chats, export, speed, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, now
from tests.support.counted_answers import GPU, listed, say

DAY = timedelta(days=1)


def test_a_new_person_sees_zeros_and_empty_tables_and_no_error(db: Database) -> None:
    row = analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]
    assert [row[name] for name in ("conversations", "questions", "answers", "failures", "tokens")] == [0] * 5
    assert pd.isna(row["first_token_s"])
    for table in (
        analytics.activity(db, ADMINISTRATOR, AnalyticsFilter()),
        word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(since=now())),
        word_stats.word_trend(db, ADMINISTRATOR, AnalyticsFilter(), ["식혜"]),
        word_stats.drinks_over_time(db, ADMINISTRATOR, AnalyticsFilter()),
        word_stats.concordance(db, ADMINISTRATOR, AnalyticsFilter(), "식혜"),
        speed.timings(db, ADMINISTRATOR, AnalyticsFilter()),
        speed.timing_points(db, ADMINISTRATOR, AnalyticsFilter()),
        analytics.guard_shares(db, ADMINISTRATOR, AnalyticsFilter()),
    ):
        assert table.empty and len(table.columns) > 1
    assert analytics.models(db, ADMINISTRATOR) == []


def test_the_most_frequent_words_are_those_a_person_would_count(db: Database) -> None:
    spoken = [{"식혜": 3, "쌀": 1}, {"쌀": 4}, {"물": 2, "식혜": 1}, {"생강": 1}]
    total: Counter[str] = Counter()
    for words in spoken:
        say(db, words)
        total.update(words)
    table = word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(), limit=3)
    assert dict(listed(table, "word", "count")) == dict(total.most_common(3))
    assert listed(table, "rank", "word", "messages") == [(1, "쌀", 2), (2, "식혜", 2), (3, "물", 1)]
    assert table["before"].isna().all(), "the whole time has no period before it"


def test_words_are_told_apart_by_speaker_language_kind_and_model(db: Database) -> None:
    say(db, {"쌀": 1}, asked={"술": 2})
    say(db, {"rice": 5}, pos="english", lang="en", loaded=GPU)
    say(db, {"식혜": 7}, pos="drink")

    def words(view: AnalyticsFilter) -> set[object]:
        return set(word_stats.top_words(db, ADMINISTRATOR, view)["word"])

    assert words(AnalyticsFilter()) == {"쌀", "술", "rice", "식혜"}
    assert words(AnalyticsFilter(who="question")) == {"술"}
    assert words(AnalyticsFilter(who="answer", lang="ko")) == {"쌀", "식혜"}
    assert (
        words(AnalyticsFilter(lang="en"))
        == words(AnalyticsFilter(model="qwen2.5-1.5b"))
        == words(AnalyticsFilter(pos=("english",)))
        == {"rice"}
    )
    assert words(AnalyticsFilter(pos=("drink", "english"))) == {"식혜", "rice"}
    assert set(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(), search="RIC")["word"]) == {"rice"}


def test_a_period_is_compared_with_the_one_before_it(db: Database) -> None:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    say(db, {"쌀": 5, "물": 1}, at=today - DAY * 9)
    say(db, {"쌀": 2, "누룩": 4}, at=today - DAY * 2)
    view = AnalyticsFilter(since=today - DAY * 7, until=today)
    assert listed(word_stats.top_words(db, ADMINISTRATOR, view), "word", "count", "before") == [
        ("누룩", 4, 0),
        ("쌀", 2, 5),
    ]
    assert list(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(until=today - DAY * 7))["word"]) == ["쌀", "물"]


def test_a_day_begins_at_the_readers_midnight(db: Database) -> None:
    say(db, {"쌀": 1}, at=datetime(2026, 3, 1, 14, 59))  # 23:59 in Seoul
    say(db, {"쌀": 2}, at=datetime(2026, 3, 1, 15, 0))  # midnight in Seoul
    seoul = word_stats.word_trend(db, ADMINISTRATOR, AnalyticsFilter(utc_offset_minutes=540), ["쌀", "없음"])
    assert [(str(day)[:10], word, count) for day, word, count in listed(seoul, "day", "word", "count")] == [
        ("2026-03-01", "쌀", 1),
        ("2026-03-02", "쌀", 2),
    ]
    assert list(word_stats.word_trend(db, ADMINISTRATOR, AnalyticsFilter(), ["쌀"])["count"]) == [3]
    days = analytics.activity(db, ADMINISTRATOR, AnalyticsFilter(utc_offset_minutes=540))
    assert list(days["answers"]) == [1, 1]


def test_counts_of_two_analyser_versions_are_never_added_up(db: Database) -> None:
    say(db, {"안동": 1, "소주": 1})
    say(db, {"안동소주": 1}, pos="drink", analyser="2")
    assert set(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter())["word"]) == {"안동", "소주"}, (
        "until all is counted again"
    )


def test_a_word_leads_to_the_sentences_it_came_from(db: Database) -> None:
    text = "식혜는 달다. 안동 소주는 술입니다!\n쌀로 빚습니다."
    conversation_id = say(db, {"안동소주": 1, "빚다": 1}, pos="drink", text=text)
    say(db, {"쌀": 1}, text="쌀.")
    table = word_stats.concordance(db, ADMINISTRATOR, AnalyticsFilter(), "안동소주")
    assert listed(table, "role", "sentence", "conversation_id") == [
        ("answer", "안동 소주는 술입니다!", conversation_id)
    ]
    assert (
        word_stats.concordance(db, ADMINISTRATOR, AnalyticsFilter(), "빚다")
        .iloc[0]["sentence"]
        .startswith("식혜는 달다.")
    ), "another form of the word"


def test_drinks_are_followed_over_the_days(db: Database) -> None:
    for day, words in ((1, {"식혜": 1}), (2, {"식혜": 2, "수정과": 5}), (2, {"막걸리": 1})):
        say(db, words, pos="drink", at=datetime(2026, 3, day, 12))
    say(db, {"쌀": 99})
    table = word_stats.drinks_over_time(db, ADMINISTRATOR, AnalyticsFilter(), limit=2)
    assert [(str(day)[8:10], drink, count) for day, drink, count in listed(table, "day", "drink", "count")] == [
        ("01", "식혜", 1),
        ("02", "수정과", 5),
        ("02", "식혜", 2),
    ]


def test_timings_are_the_median_and_the_95th_percentile_of_each_device_and_model(db: Database) -> None:
    firsts = [0.05 * (number + 1) for number in range(20)]
    for number, first in enumerate(firsts):
        say(db, {}, first_token_s=first, tokens_per_s=100.0 + number)
    say(db, {}, loaded=GPU, first_token_s=0.5, tokens_per_s=40, load_s=2.0)
    say(db, {}, loaded=GPU, first_token_s=9.0, tokens_per_s=1, finish="failed")
    say(db, {}, loaded=None, finish="failed", first_token_s=None, tokens_per_s=None)
    table = speed.timings(db, ADMINISTRATOR, AnalyticsFilter())
    cpu, cold, failed = (row for _, row in table.iterrows())
    assert (cpu["device"], cpu["model"], cpu["quantization"], cpu["cold"], cpu["n"]) == (
        "cpu",
        "built-in",
        "Q8_0",
        False,
        20,
    )
    assert cpu["first_token_s_median"] == pytest.approx(median(firsts))
    assert cpu["first_token_s_p95"] == pytest.approx(pd.Series(firsts).quantile(0.95))
    assert cpu["tokens_per_s_p95"] == pytest.approx(pd.Series(range(100, 120)).quantile(0.95))
    assert (cold["device"], cold["cold"], cold["n"], cold["failures"]) == ("cuda", True, 1, 0)
    assert (failed["n"], failed["failures"]) == (0, 1) and pd.isna(failed["first_token_s_median"])
    assert listed(speed.timings(db, ADMINISTRATOR, AnalyticsFilter(), by=["device"]), "device", "n", "failures") == [
        ("cpu", 20, 0),
        ("cuda", 1, 1),
    ]
    assert len(speed.timing_points(db, ADMINISTRATOR, AnalyticsFilter())) == 22
    assert analytics.models(db, ADMINISTRATOR) == ["built-in", "qwen2.5-1.5b"]


def test_the_cards_count_conversations_answers_and_failures(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    db = Database.open(path)
    one = say(db, {})
    say(db, {}, conversation_id=one, first_token_s=0.3, tokens_per_s=300)
    say(db, {}, finish="failed", first_token_s=None, tokens_per_s=None)
    chats.record_question(db, ADMINISTRATOR, one, "답을 쓰던 중에 꺼진 질문", "ko")
    row = analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]
    assert (row["conversations"], row["questions"], row["answers"], row["failures"], row["tokens"]) == (2, 4, 2, 1, 30)
    assert row["first_token_s"] == pytest.approx(0.2) and row["tokens_per_s"] == pytest.approx(200)
    before = analytics.data_version(db)
    db.close()
    db = Database.open(path)
    assert analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]["failures"] == 2, (
        "the cut answer is a failure once its process is gone"
    )
    assert analytics.data_version(db) == before
    say(db, {"쌀": 1})
    assert analytics.data_version(db) != before
    db.close()


def test_the_shares_of_what_was_done_to_answers_add_up(db: Database) -> None:
    for guard in ("kept", "kept", "quoted", "repaired"):
        say(db, {}, guard=guard)
    say(db, {}, guard="fixed", finish="failed")
    table = analytics.guard_shares(db, ADMINISTRATOR, AnalyticsFilter())
    assert listed(table, "guard", "n", "share") == [("kept", 2, 0.5), ("quoted", 1, 0.25), ("repaired", 1, 0.25)]


def test_a_deleted_conversation_leaves_every_chart(db: Database) -> None:
    say(db, {"쌀": 1})
    gone = say(db, {"누룩": 9}, loaded=GPU, guard="quoted")
    chats.delete_conversation(db, ADMINISTRATOR, gone)
    assert list(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter())["word"]) == ["쌀"]
    assert list(speed.timings(db, ADMINISTRATOR, AnalyticsFilter())["device"]) == ["cpu"]
    assert list(analytics.guard_shares(db, ADMINISTRATOR, AnalyticsFilter())["guard"]) == ["kept"]


def test_a_charts_data_downloads_as_csv_and_parquet_with_hangul(db: Database, tmp_path: Path) -> None:
    say(db, {"식혜": 3, "=1+1": 1}, pos="drink")
    table = word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter())
    csv = export.as_csv(table)
    assert csv.startswith(b"\xef\xbb\xbf")
    assert list(pd.read_csv(io.BytesIO(csv))["word"]) == ["식혜", "'=1+1"]
    file = tmp_path / "words.parquet"
    file.write_bytes(export.as_parquet(db, table))
    assert duckdb.sql(f"SELECT word, count FROM '{file}' ORDER BY count DESC").fetchall() == [("식혜", 3), ("=1+1", 1)]
