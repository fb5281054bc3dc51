"""Words typical of one side and words that go together: the figures beside the same formulas in plain Python."""

from datetime import timedelta
from math import log, sqrt

import pytest

from kdrinks.records import ADMINISTRATOR
from kdrinks.store import analytics, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, now
from tests.support.counted_answers import listed, say


def z(a: float, b: float, na: float, nb: float) -> float:
    prior = word_stats.PRIOR_WORDS * (a + b) / (na + nb)
    whole = word_stats.PRIOR_WORDS
    delta = log((a + prior) / (na + whole - a - prior)) - log((b + prior) / (nb + whole - b - prior))
    return delta / sqrt(1 / (a + prior) + 1 / (b + prior))


def test_the_typical_words_are_those_of_the_published_formula_and_not_the_most_frequent(db: Database) -> None:
    say(db, {"음료": 300, "도수": 40, "쌀": 9}, asked={"음료": 295, "추천": 40, "쌀": 8})
    table = word_stats.keyness(db, ADMINISTRATOR, AnalyticsFilter(), "who")
    asked, answered = table[table["side"] == "question"], table[table["side"] == "answer"]
    assert asked["word"].iloc[0] == "추천" and answered["word"].iloc[0] == "도수"
    na, nb = 295 + 40 + 8, 300 + 40 + 9
    scores = dict(listed(asked, "word", "z"))
    assert scores["추천"] == pytest.approx(z(40, 0, na, nb))
    assert scores["음료"] == pytest.approx(z(295, 300, na, nb)) and scores["음료"] < 2, "everyone says it"
    assert listed(answered[:1], "word", "count", "other") == [("도수", 40, 0)]


def test_two_periods_and_two_languages_are_compared_the_same_way(db: Database) -> None:
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    say(db, {"막걸리": 9, "쌀": 5}, at=today - timedelta(days=9))
    say(db, {"식혜": 9, "쌀": 5}, at=today - timedelta(days=2))
    say(db, {"rice": 4}, pos="english", lang="en", at=today - timedelta(days=2))
    week = AnalyticsFilter(since=today - timedelta(days=7), until=today)
    sides = word_stats.keyness(db, ADMINISTRATOR, week, "period")
    assert [(side, word) for side, word in listed(sides, "side", "word") if word in ("식혜", "막걸리")] == [
        ("now", "식혜"),
        ("before", "막걸리"),
    ]
    assert word_stats.keyness(db, ADMINISTRATOR, AnalyticsFilter(), "period").empty, (
        "the whole time has nothing before it"
    )
    languages = word_stats.keyness(db, ADMINISTRATOR, AnalyticsFilter(), "lang")
    assert listed(languages[languages["side"] == "en"], "word", "count", "other") == [("rice", 4, 0)]
    assert word_stats.keyness(db, ADMINISTRATOR, AnalyticsFilter(lang="ko"), "lang").empty, (
        "one side alone is typical of nothing"
    )


def test_words_that_go_together_are_said_in_the_same_messages_more_often_than_chance(db: Database) -> None:
    for _ in range(6):
        say(db, {"식혜": 1, "엿기름": 1, "음료": 1})
    for _ in range(6):
        say(db, {"막걸리": 1, "누룩": 1, "음료": 1})
    table = word_stats.collocations(db, ADMINISTRATOR, AnalyticsFilter(who="answer"), "식혜")
    assert list(table["word"]) == ["엿기름"], "음료 is beside every word, 누룩 beside none of these"
    assert table.iloc[0]["messages"] == 6
    # of the 12 answers 6 hold it, all beside ours
    assert table.iloc[0]["expected"] == pytest.approx(6 * 6 / 12, abs=0.05)
    assert table.iloc[0]["score"] == pytest.approx(2 * 6 * log(6 / (6 * 6 / 12)))


def test_one_word_narrows_everything_else_to_its_conversations(db: Database) -> None:
    with_it = say(db, {"식혜": 1, "쌀": 2}, pos="drink", guard="quoted", at=now() - timedelta(days=2))
    say(db, {"물": 3}, conversation_id=with_it)
    say(db, {"막걸리": 1}, pos="drink", at=now() - timedelta(days=2))
    view = AnalyticsFilter(word="식혜")
    assert set(word_stats.top_words(db, ADMINISTRATOR, view)["word"]) == {"식혜", "쌀", "물"}
    assert set(word_stats.drinks_over_time(db, ADMINISTRATOR, view)["drink"]) == {"식혜", "쌀"}
    row = analytics.counts(db, ADMINISTRATOR, view).iloc[0]
    assert (row["conversations"], row["questions"], row["answers"]) == (1, 2, 2)
    assert set(analytics.guard_shares(db, ADMINISTRATOR, view)["guard"]) == {"quoted", "kept"}
    today = AnalyticsFilter(word="식혜", since=now() - timedelta(days=1))
    assert analytics.counts(db, ADMINISTRATOR, today).iloc[0]["questions"] == 0, "the word was said before this period"


def test_stop_words_of_a_persons_own_are_counted_nowhere(db: Database) -> None:
    say(db, {"식혜": 1, "쌀": 2, "물": 9}, at=now() - timedelta(days=2))
    say(db, {"쌀": 2, "물": 9})
    view = AnalyticsFilter(stop=("물",))
    assert listed(word_stats.top_words(db, ADMINISTRATOR, view), "word", "count") == [("쌀", 4), ("식혜", 1)]
    assert "물" not in set(word_stats.collocations(db, ADMINISTRATOR, view, "쌀")["word"])
