"""Counting again under new rules, rolling up, and deleting for good: charts stay whole all the while."""

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from kdrinks import recount
from kdrinks.jobs import Job, Jobs
from kdrinks.records import ADMINISTRATOR, WordCount
from kdrinks.store import analytics, chats, forget, rollup, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, now
from kdrinks.text.analyzer import TextAnalyzer
from tests.support.counted_answers import listed, say

DAY = timedelta(days=1)


class Spaces:
    """Counts by spaces: new rules whose result can be told by looking. After some texts it waits for the test."""

    def __init__(self, wait_after: int = 10**9) -> None:
        self.texts: list[str] = []
        self.wait_after = wait_after
        self.reached, self.go_on = threading.Event(), threading.Event()

    def count(self, text: str, pos: Sequence[str] = ()) -> list[WordCount]:
        self.texts.append(text)
        if len(self.texts) == self.wait_after:
            self.reached.set()
            assert self.go_on.wait(20)
        return [WordCount(word, "noun", count) for word, count in Counter(text.split()).items()]


def counted_again(db: Database, rules: Spaces) -> Job[recount.Recount] | None:
    return recount.count_again(Jobs(db), db, cast(TextAnalyzer, rules), version="2")


def words(db: Database) -> dict[str, int]:
    return dict(listed(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(), limit=100), "word", "count"))


def test_new_rules_count_everything_again_and_charts_change_over_when_all_is_done(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "BATCH_MESSAGES", 2)
    for number in range(4):
        say(db, {"옛말": 1}, text="> 인용한 글\n쌀 쌀 누룩", at=now() - DAY * number)
    assert words(db) == {"옛말": 4}
    rules = Spaces(wait_after=6)
    job = counted_again(db, rules)
    assert job and rules.reached.wait(20)
    assert words(db) == {"옛말": 4}, "half a recount is in no chart"
    assert job.progress.values == {"done": 4, "total": 8} and job.fraction == 0.5
    say(db, {"새말": 3}, analyser="2")
    say(db, {"늦은옛말": 1}, at=now() - DAY)  # recorded under the old rules: an answer that began before this start
    rules.go_on.set()
    assert job.wait(20) and job.phase == "done"
    assert words(db) == {"쌀": 8, "누룩": 4, "질문?": 4, "새말": 3}
    assert counted_again(db, rules) is None, "nothing left to do"


def test_an_interrupted_recount_goes_on_at_the_next_start(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recount, "BATCH_MESSAGES", 2)
    for _ in range(3):
        say(db, {"옛말": 1}, text="쌀")
    rules = Spaces(wait_after=3)
    job = counted_again(db, rules)
    assert job and rules.reached.wait(20)
    job.cancel()
    rules.go_on.set()
    assert job.wait(20) and job.phase == "cancelled"
    assert words(db) == {"옛말": 3}
    rest = Spaces()
    job = counted_again(db, rest)
    assert job and job.wait(20) and job.phase == "done"
    assert len(rules.texts) + len(rest.texts) == 6, "no text was counted twice"
    assert words(db) == {"쌀": 3, "질문?": 3}


def test_a_conversation_deleted_during_a_recount_stays_deleted(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recount, "BATCH_MESSAGES", 2)
    say(db, {"옛말": 1}, text="쌀")
    gone = say(db, {"옛말": 1}, text="비밀")
    rules = Spaces(wait_after=1)
    job = counted_again(db, rules)
    assert job and rules.reached.wait(20)
    chats.delete_conversation(db, ADMINISTRATOR, gone)
    rules.go_on.set()
    assert job.wait(20)
    assert words(db) == {"쌀": 1, "질문?": 1}


@pytest.mark.parametrize("offset", [0, 540, -480])
def test_rolled_up_days_and_raw_rows_give_the_same_counts_in_every_time_zone(db: Database, offset: int) -> None:
    start = datetime(2026, 3, 1)
    hours = [0, 5, 14, 15, 23, 24, 30, 47, 48, 71, 72, 100]
    for hour in hours:
        say(db, {f"말{hour}": hour + 1, "물": 1}, asked={"물": 2}, at=start + timedelta(hours=hour))
    with db.cursor() as cursor:
        assert rollup.state(cursor)[1] == now().date()
    for since_hour in (0, 9, 24):
        for length in (24, 48, 61):
            since = start + timedelta(hours=since_hour, minutes=-offset)
            until = since + timedelta(hours=length)
            view = AnalyticsFilter(since=since, until=until, utc_offset_minutes=offset)
            inside = [hour for hour in hours if since <= start + timedelta(hours=hour) < until]
            expected = {f"말{hour}": hour + 1 for hour in inside} | ({"물": 3 * len(inside)} if inside else {})
            table = word_stats.top_words(db, ADMINISTRATOR, view, limit=100)
            assert dict(listed(table, "word", "count")) == expected
            if inside:
                assert dict(listed(table, "word", "messages"))["물"] == 2 * len(inside)


def test_deleting_a_conversation_reaches_the_days_rolled_up(db: Database) -> None:
    say(db, {"쌀": 1}, at=now() - DAY * 3)
    gone = say(db, {"쌀": 5, "비밀": 2}, at=now() - DAY * 3)
    say(db, {"물": 1}, at=now() - DAY * 9)
    chats.delete_conversation(db, ADMINISTRATOR, gone)
    assert words(db) == {"쌀": 1, "물": 1}
    with db.cursor() as cursor:
        assert cursor.execute("SELECT word, count FROM word_days ORDER BY day").fetchall() == [("물", 1), ("쌀", 1)]


def test_retention_deletes_what_is_older_and_keeps_doing_so(db: Database) -> None:
    say(db, {"옛": 1}, at=now() - DAY * 40)
    say(db, {"새": 1})
    assert forget.retention_days(db) is None and forget.apply_retention(db) == 0
    assert forget.set_retention(db, ADMINISTRATOR, 30) == 1
    assert words(db) == {"새": 1} and forget.retention_days(db) == 30
    say(db, {"옛": 1}, at=now() - DAY * 31)
    with db.write() as cursor:
        cursor.execute("UPDATE rolled SET until = until - 1")  # as if the last answer had been yesterday
    say(db, {"오늘": 1})
    assert words(db) == {"새": 1, "오늘": 1}, "the first answer of a day applies it"
    forget.set_retention(db, ADMINISTRATOR, None)
    assert forget.retention_days(db) is None


def test_delete_my_data_leaves_nothing_in_any_table(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    say(db, {"쌀": 1}, at=now() - DAY * 3)
    say(db, {"누룩": 1})
    assert forget.everything(db, ADMINISTRATOR) == 2
    with db.cursor() as cursor:
        for table in ("conversations", "messages", "generations", "words", "word_days", "citations"):
            assert cursor.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    assert (
        word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter()).empty
        and analytics.counts(db, ADMINISTRATOR, AnalyticsFilter()).iloc[0]["questions"] == 0
    )
    wal = tmp_path / "kdrinks.duckdb.wal"
    assert not wal.exists() or "누룩".encode() not in wal.read_bytes()
    say(db, {"새로": 1})
    assert words(db) == {"새로": 1}
    db.close()
