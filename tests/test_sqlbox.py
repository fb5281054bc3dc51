"""The SQL box: what it answers, what it refuses and how it says so; every query runs in a real child process."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kdrinks.config import ROOT
from kdrinks.errors import BadInput
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import chats, forget, sqlbox
from kdrinks.store.db import Database
from kdrinks.store.sqlbox_child import MOST_ROWS
from kdrinks.store.views import VIEWS
from tests.support.counted_answers import say


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "home" / "kdrinks.duckdb")
    say(database, {"식혜": 3, "쌀": 1}, pos="drink", text="식혜입니다.")
    say(database, {"rice": 2}, pos="english", lang="en")
    yield database
    database.close()


def refused(db: Database, sql: str, **limits: Any) -> BadInput:
    with pytest.raises(BadInput) as caught:
        sqlbox.query(db, ADMINISTRATOR, sql, **limits)
    for lang in ("ko", "en"):
        assert caught.value.message(lang) and caught.value.hint(lang)
    return caught.value


def test_a_query_sees_what_is_stored_with_its_types(db: Database) -> None:
    answer = sqlbox.query(
        db,
        ADMINISTRATOR,
        "SELECT word AS 말, sum(count) AS n, max(created_at) AS at FROM words GROUP BY 1 ORDER BY n DESC",
    )
    assert list(answer.table["말"]) == ["식혜", "rice", "쌀"] and list(answer.table["n"]) == [3, 2, 1]
    assert isinstance(answer.table["at"][0], pd.Timestamp) and not answer.cut
    say(db, {"물": 9})
    assert sqlbox.query(db, ADMINISTRATOR, "SELECT max(count) AS n FROM words").table["n"][0] == 9, (
        "a new answer is in the next query"
    )


def test_every_view_has_the_columns_that_are_documented(db: Database) -> None:
    documented = (ROOT / "docs" / "analysts.md").read_text(encoding="utf-8")
    for view in VIEWS:
        answer = sqlbox.query(db, ADMINISTRATOR, f"FROM {view.name}")
        assert list(answer.table.columns) == [name for name, _ in view.columns]
        for name, text in view.columns:
            assert f"| `{name}` | {text} |" in documented, f"{view.name}.{name}"
    assert list(sqlbox.query(db, ADMINISTRATOR, "FROM conversations").table["sample"]) == [False, False]
    assert list(sqlbox.query(db, ADMINISTRATOR, "SELECT DISTINCT file FROM answers").table["file"]) == [
        "kdrinks-mini.gguf"
    ]


def test_more_rows_than_a_page_can_show_are_cut_and_it_says_so(db: Database) -> None:
    answer = sqlbox.query(db, ADMINISTRATOR, "FROM range(20000)")
    assert answer.cut and len(answer.table) == MOST_ROWS


def test_an_error_names_its_place_in_the_query_also_behind_hangul(db: Database) -> None:
    error = refused(db, "SELECT '막걸리',\n  wrd FROM words")
    assert error.key == "sql_refused_at" and (error.values["line"], error.values["column"]) == (2, 3)
    assert (refused(db, "SELECT '막걸리', wrd FROM words").values["column"]) == 15
    assert "wrd" in error.message("ko")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM words",
        "SELECT 1; SELECT 2",
        "COPY (SELECT 1) TO 'evil.csv'",
        "INSTALL httpfs",
        "ATTACH 'other.db'",
        "SET memory_limit = '100GB'",
        "EXPLAIN ANALYZE SELECT 1",
        "",
    ],
)
def test_only_one_select_runs(db: Database, sql: str) -> None:
    assert refused(db, sql).key == "sql_not_one_select"


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('/etc/passwd')",
        "FROM glob('/*')",
        "FROM 'https://example.org/a.parquet'",
        "FROM read_csv('/proc/self/environ')",
        "SELECT getenv('HOME')",
    ],
)
def test_a_query_reaches_no_file_and_no_network(db: Database, sql: str) -> None:
    assert refused(db, sql).key.startswith("sql_refused")


def test_a_query_without_end_is_ended_and_one_without_measure_is_refused(db: Database) -> None:
    endless = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
    assert refused(db, endless, time_limit_s=1.5).key == "sql_too_slow"
    greedy = "SELECT list(r ORDER BY r DESC) FROM range(50000000) t(r)"
    assert refused(db, greedy, memory_limit_mb=64).key in ("sql_no_memory", "sql_no_memory_at")


def test_what_was_deleted_is_in_no_copy_either(db: Database) -> None:
    sqlbox.query(db, ADMINISTRATOR, "SELECT 1")
    assert db.path
    copies = db.path.parent / "snapshot"
    assert list(copies.rglob("*.parquet"))
    chats.delete_conversation(db, ADMINISTRATOR, chats.conversations(db, ADMINISTRATOR)[0].id)
    assert not copies.exists()
    assert sqlbox.query(db, ADMINISTRATOR, "SELECT count(*) AS n FROM conversations").table["n"][0] == 1
    forget.everything(db, ADMINISTRATOR)
    assert not copies.exists()


def test_a_time_with_its_zone_is_answered_as_a_time_with_its_offset(db: Database) -> None:
    for sql in (
        "SELECT created_at AT TIME ZONE 'Asia/Seoul' AS k FROM messages LIMIT 1;",
        "SELECT now() AS k",
        "SELECT max(created_at)::TIMESTAMPTZ AS k FROM messages",
    ):
        (told,) = sqlbox.query(db, ADMINISTRATOR, sql).table["k"]
        assert pd.Timestamp(told).tzinfo is not None
    sql = (
        "SELECT TIMESTAMP '2026-01-01 09:00' AT TIME ZONE 'Asia/Seoul' AS k UNION ALL SELECT NULL ORDER BY 1 NULLS LAST"
    )
    first, none = sqlbox.query(db, ADMINISTRATOR, sql).table["k"]
    assert pd.Timestamp(first) == pd.Timestamp("2026-01-01 00:00+00:00") and pd.isna(none)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("['2026-01-01 12:00:00+00'::TIMESTAMPTZ]", "2026-01-0"),
        ("['2026-01-01'::TIMESTAMP, NULL]", "2026-01-01"),
        ("{'a': TIMESTAMPTZ '2026-01-01 12:00:00+00'}", "2026-01-0"),
        ("MAP{DATE '2026-01-01': 1}", "{'2026-01-01': 1}"),
        ("MAP{TIMESTAMPTZ '2026-01-01 12:00:00+00': [1]}", "2026-01-0"),
        ("TIMESTAMPTZ 'infinity'", "9999"),
        ("TIMETZ '12:00:00+09'", "12:00:00+09"),
        ("[1.50::DECIMAL(4, 2)]", "1.50"),
        ("INTERVAL 3 DAY", "3 days"),
        ("'abc'::BLOB", "b'abc'"),
    ],
)
def test_values_of_every_kind_are_answered(db: Database, expression: str, told: str) -> None:
    (value,) = sqlbox.query(db, ADMINISTRATOR, f"SELECT {expression} AS k").table["k"]
    assert told in str(value)


def test_only_two_queries_run_at_a_time_and_the_third_waits_a_while_and_is_told_so(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = threading.BoundedSemaphore(sqlbox.AT_ONCE)
    monkeypatch.setattr(sqlbox, "_places", places)
    monkeypatch.setattr(sqlbox, "PATIENCE_S", 0.1)
    for _ in range(sqlbox.AT_ONCE):
        places.acquire()
    assert "2 other queries" in refused(db, "SELECT 1").message("en")
    places.release()
    assert len(sqlbox.query(db, ADMINISTRATOR, "SELECT 1").table) == 1
    refused(db, "SELECT nonsense")
    assert len(sqlbox.query(db, ADMINISTRATOR, "SELECT 1").table) == 1, "a query that failed gave its place back"
