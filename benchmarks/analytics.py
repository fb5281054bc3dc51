"""Every chart's query at size, and three of them beside SQLite with counting in Python and beside pandas, as ratios.

    python -m benchmarks.analytics [--messages 10000] [--rounds 20] [--out benchmarks/out]

1,000,000 messages make 20 million word rows over one year: a question has about 6 words, an answer about 34, drawn log-uniformly from
5,000 words (about Zipf's law). All sides hold the same rows in the same run: kdrinks through its own functions with DuckDB on 2 threads;
SQLite as the project began, one statement and commit a word, rows counted in Python; pandas with all rows in memory. The slow sides are
measured in fewer rounds. Writes analytics.json, analytics.md and analytics.svg.
"""

import argparse
import contextlib
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from kdrinks.config import ROOT
from kdrinks.records import ADMINISTRATOR, Exchange, Loaded, Timing, WordCount
from kdrinks.store import analytics, chats, rollup, speed, word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, new_id, now

LIMIT_MS, PAGE_LIMIT_MS, RECORD_LIMIT_MS = 300, 1500, 20
CHUNK_MESSAGES = 100_000
WORDS_OF_AN_ANSWER = 34
SECTIONS = ("words", "drinks", "speed")

# A message's place in the year is its number; questions are even, their answers odd.
FILL_MESSAGES = """
INSERT INTO messages SELECT {id}, {conversation}, CASE WHEN i % 2 = 1 THEN {parent} END, CASE WHEN i % 2 = 0 THEN 'question' ELSE 'answer' END,
       CASE WHEN i // 2 % 10 < 7 THEN 'ko' ELSE 'en' END, 'w' || i % 5000 || ' 이야기입니다.', {at}
FROM range(?, ?) r(i)
"""
FILL_WORDS = """
INSERT INTO words SELECT {id}, {conversation}, {at}, CASE WHEN i % 2 = 0 THEN 'question' ELSE 'answer' END,
       CASE WHEN i // 2 % 10 < 7 THEN 'ko' ELSE 'en' END, CASE WHEN i // 2 % 3 = 0 THEN 'model-b' ELSE 'model-a' END, 'bench',
       'w' || rank, CASE WHEN rank % 12 = 0 THEN 'drink' WHEN rank % 3 = 0 THEN 'english' ELSE 'noun' END, count(*)
FROM (
    SELECT i, floor(pow(5000, random()))::INTEGER AS rank
    FROM range(?, ?) r(i), range({most}) w(k) WHERE k < CASE WHEN i % 2 = 0 THEN 7 ELSE {most} END
) GROUP BY i, rank ORDER BY i
"""
FILL_ANSWERS = """
INSERT INTO generations BY NAME
SELECT {id} AS message_id, {conversation} AS conversation_id, {at} AS created_at, CASE WHEN i // 2 % 10 < 7 THEN 'ko' ELSE 'en' END AS lang,
       CASE WHEN i % 101 = 1 THEN 'failed' ELSE 'stop' END AS finish, 'kept' AS guard, '{{}}'::JSON AS details,
       CASE WHEN i // 2 % 3 = 0 THEN 'model-b' ELSE 'model-a' END AS model_id, CASE WHEN i // 2 % 3 = 0 THEN 'Q8_0' ELSE 'Q4_K_M' END AS quantization,
       4096 AS context_tokens, CASE WHEN i // 2 % 2 = 0 THEN 'cpu' ELSE 'cuda' END AS device_used, i % 50 = 1 AS cold,
       0.0 AS queue_s, 0.0 AS load_s, 0.01 AS retrieve_s, (100 + 400 * random())::INTEGER AS prompt_tokens, 0 AS cached_tokens,
       random() AS prompt_s, 0.05 + random() AS first_token_s, 120 AS completion_tokens, 2.0 AS completion_s, 20 + 60 * random() AS tokens_per_s,
       3.0 AS total_s, 1700000000 AS predicted_memory_bytes, (1600000000 + 1e8 * random())::BIGINT AS measured_memory_bytes
FROM range(?, ?) r(i) WHERE i % 2 = 1
"""


def fill(db: Database, messages: int) -> int:
    """Make the messages, their answers' timings and words; returns the number of word rows."""
    end = now().replace(hour=0, minute=0, second=0, microsecond=0)
    places = {
        "id": "format('{:08x}-0000-7000-8000-{:012x}', i, i)::UUID",
        "conversation": "format('{:08x}-0000-7000-9000-{:012x}', i // 8, i // 8)::UUID",
        "parent": "format('{:08x}-0000-7000-8000-{:012x}', i - 1, i - 1)::UUID",
        "at": f"TIMESTAMP '{end - timedelta(days=364)}' + to_microseconds((i * {365 * 86_400_000_000 / messages})::BIGINT)",
        "most": str(WORDS_OF_AN_ANSWER + 10),  # some are drawn twice
    }
    for start in range(0, messages, CHUNK_MESSAGES):
        chunk = [start, min(start + CHUNK_MESSAGES, messages)]
        with db.write() as cursor:
            cursor.execute("SELECT setseed(0.5)")
            for sql in (FILL_MESSAGES, FILL_ANSWERS, FILL_WORDS):
                cursor.execute(sql.format(**places), chunk)
        print(f"{chunk[1]:,} of {messages:,} messages", file=sys.stderr)
    with db.write() as cursor:
        rollup.roll_forward(cursor, "bench", now())
        row = cursor.execute("SELECT count(*) FROM words").fetchone()
    assert row
    return int(row[0])


def p95_ms(run: Callable[[], Any], rounds: int) -> float:
    """95th percentile of the rounds after one that is not counted."""
    run()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        taken.append((time.perf_counter() - began) * 1000)
    return float(pd.Series(taken).quantile(0.95))


def charts(db: Database) -> dict[str, Callable[[], Any]]:
    """Every query of the page, in the widest period (all) and in the last 90 days, at an offset of 9 hours."""
    year, quarter, month = (AnalyticsFilter(since=_since(days), utc_offset_minutes=540) for days in (365, 90, 30))
    everything = AnalyticsFilter(utc_offset_minutes=540)
    queries: dict[str, Callable[[], Any]] = {}
    for name, view in (("", everything), (", 90 days", quarter)):
        queries |= {
            f"counts{name}": partial(analytics.counts, db, ADMINISTRATOR, view),
            f"activity{name}": partial(analytics.activity, db, ADMINISTRATOR, view),
            f"top words{name}": partial(word_stats.top_words, db, ADMINISTRATOR, view),
            f"table of 1,000 words{name}": partial(word_stats.top_words, db, ADMINISTRATOR, view, limit=1000),
            f"typical: who{name}": partial(word_stats.keyness, db, ADMINISTRATOR, view, "who"),
            f"drinks over time{name}": partial(word_stats.drinks_over_time, db, ADMINISTRATOR, view),
            f"trend of a word{name}": partial(word_stats.word_trend, db, ADMINISTRATOR, view, ["w48"]),
            f"said together{name}": partial(word_stats.collocations, db, ADMINISTRATOR, view, "w48"),
            f"sentences{name}": partial(word_stats.concordance, db, ADMINISTRATOR, view, "w48"),
            f"timings{name}": partial(speed.timings, db, ADMINISTRATOR, view),
            f"points{name}": partial(speed.timing_points, db, ADMINISTRATOR, view),
            f"spread{name}": partial(speed.distribution, db, ADMINISTRATOR, view, "first_token_s"),
            f"memory{name}": partial(speed.memory, db, ADMINISTRATOR, view),
            f"guards{name}": partial(analytics.guard_shares, db, ADMINISTRATOR, view),
        }
    queries["typical: now and before, 90 days"] = lambda: word_stats.keyness(db, ADMINISTRATOR, quarter, "period")
    queries["top words, a year and the one before"] = lambda: word_stats.top_words(db, ADMINISTRATOR, year)
    one_word = AnalyticsFilter(since=month.since, word="w2004", utc_offset_minutes=540)
    queries["top words of one word's conversations, 30 days"] = lambda: word_stats.top_words(
        db, ADMINISTRATOR, one_word
    )
    queries["counts of one word's conversations, 30 days"] = lambda: analytics.counts(db, ADMINISTRATOR, one_word)
    return queries


def page_ms(db: Database, rounds: int) -> dict[str, float]:
    """95th percentile of drawing each section whole with empty caches, all filters at their widest: script, queries and charts as the
    server sends them, without the browser's drawing."""
    import threading
    from types import SimpleNamespace
    from unittest import mock

    import streamlit as st
    from streamlit import config
    from streamlit.testing.v1 import AppTest

    from kdrinks.config import Settings
    from kdrinks.jobs import Jobs
    from kdrinks.ui import frame
    from kdrinks.ui.analytics import data
    from kdrinks.ui.analytics import speed as analytics_speed
    from kdrinks.ui.analytics import view as analytics_view
    from kdrinks.ui.analytics import words as analytics_words

    config.set_option("runner.enforceSerializableSessionState", False)
    services = SimpleNamespace(db=db, jobs=Jobs(), settings=Settings(ROOT, ROOT), page_drawn=threading.Event())
    taken: dict[str, float] = {}
    with contextlib.ExitStack() as patches:
        for room in (frame, analytics_view, analytics_words, analytics_speed, data):
            patches.enter_context(mock.patch.object(room, "get_services", lambda: services))
        for section in SECTIONS:
            page = AppTest.from_file(str(ROOT / "kdrinks" / "ui" / "main.py"), default_timeout=120)
            page.query_params["section"], page.query_params["period"] = section, "all"
            page.switch_page(str(ROOT / "pages" / "analytics.py"))

            def draw(page: AppTest = page) -> None:
                st.cache_data.clear()
                page.run()
                assert not page.exception, page.exception[0].value

            taken[section] = p95_ms(draw, rounds)
    return taken


def record_ms(db: Database, rounds: int) -> float:
    """One answer with 100 different words, as the app stores it."""
    words = tuple(WordCount(f"neu{number}", "noun", 1) for number in range(100))
    loaded = Loaded("model-a", "a.gguf", "Q8_0", 1024, "auto", "cpu", 0, 6, 0.1, 2, 10**8)

    def one() -> None:
        conversation = chats.start_conversation(db, ADMINISTRATOR)
        question = chats.record_question(db, ADMINISTRATOR, conversation, "질문?", "ko")
        asked = Exchange(
            conversation,
            question,
            new_id(),
            "질문?",
            "답.",
            "ko",
            "stop",
            None,
            (),
            loaded,
            Timing(),
            "kept",
            (),
            words,
            {},
            "bench",
        )
        began = time.perf_counter()
        chats.record(db, asked)
        taken.append((time.perf_counter() - began) * 1000)

    taken: list[float] = []
    for _ in range(rounds):
        one()
    return float(pd.Series(taken).quantile(0.95))


def beside(db: Database, folder: Path, rounds: int) -> list[dict[str, Any]]:
    """Three jobs on three sides: milliseconds, and how many times longer than kdrinks."""
    with db.cursor() as cursor:
        rows: pd.DataFrame = cursor.execute(
            "SELECT message_id::VARCHAR AS message_id, created_at, role, lang, word, pos, count FROM words WHERE analyser_version = 'bench' AND word NOT LIKE 'neu%'"
        ).df()
    since = _since(90)
    jobs: list[dict[str, Any]] = []

    def job(name: str, ours: float, sqlite_ms: float, pandas_ms: float | None) -> None:
        jobs.append({"job": name, "kdrinks_ms": ours, "sqlite_python_ms": sqlite_ms, "pandas_ms": pandas_ms})
        print(json.dumps(jobs[-1]), file=sys.stderr)

    connection = sqlite3.connect(folder / "words.sqlite")
    connection.execute(
        "CREATE TABLE words (message_id TEXT, created_at TEXT, role TEXT, lang TEXT, word TEXT, pos TEXT, count INTEGER)"
    )
    text = rows.assign(created_at=rows["created_at"].astype(str))
    connection.executemany("INSERT INTO words VALUES (?, ?, ?, ?, ?, ?, ?)", text.itertuples(index=False, name=None))
    connection.commit()
    del text

    def counted_in_python() -> list[tuple[str, int]]:
        total: Counter[str] = Counter()
        for word, count in connection.execute("SELECT word, count FROM words WHERE created_at >= ?", [str(since)]):
            total[word] += count
        return total.most_common(10)

    def drinks_in_python() -> Counter[tuple[str, str]]:
        total: Counter[tuple[str, str]] = Counter()
        for at, word, count in connection.execute("SELECT created_at, word, count FROM words WHERE pos = 'drink'"):
            total[str(datetime.fromisoformat(at) + timedelta(hours=9))[:10], word] += count
        return total

    def word_by_word() -> None:
        for number in range(100):
            connection.execute(
                "INSERT INTO words VALUES ('new', '2000-01-01', 'answer', 'ko', ?, 'noun', 1)", [f"neu{number}"]
            )
            connection.commit()

    def top() -> pd.Series:
        return rows[rows["created_at"] >= since].groupby("word")["count"].sum().nlargest(10)

    view = AnalyticsFilter(since=since, utc_offset_minutes=540)
    assert (
        word_stats.top_words(
            db, ADMINISTRATOR, AnalyticsFilter(since=since, stop=tuple(f"neu{n}" for n in range(100))), limit=10
        )["count"].sum()
        == top().sum()
        == sum(count for _, count in counted_in_python())
    ), "all sides count the same"
    few = max(2, rounds // 10)
    job(
        "top 10 words, 90 days",
        p95_ms(lambda: word_stats.top_words(db, ADMINISTRATOR, view), rounds),
        p95_ms(counted_in_python, few),
        p95_ms(top, few),
    )

    def drinks_in_pandas() -> pd.DataFrame:
        drinks = rows[rows["pos"] == "drink"]
        return (
            drinks.groupby([(drinks["created_at"] + timedelta(hours=9)).dt.date, "word"])["count"].sum().reset_index()
        )

    job(
        "drinks over time, one year",
        p95_ms(lambda: word_stats.drinks_over_time(db, ADMINISTRATOR, AnalyticsFilter(utc_offset_minutes=540)), rounds),
        p95_ms(drinks_in_python, few),
        p95_ms(drinks_in_pandas, few),
    )
    job("recording an answer of 100 words", record_ms(db, rounds), p95_ms(word_by_word, few), None)
    connection.close()
    return jobs


def report(out: Path, result: dict[str, Any]) -> None:
    """The figures as JSON, as a table and as a picture of the ratios."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "analytics.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    lines = [
        f"{result['messages']:,} messages, {result['word_rows']:,} word rows, {result['rounds']} rounds, 95th percentile in ms.",
        "",
        "| chart's query | ms |",
        "|---|---:|",
        *(f"| {name} | {ms:.1f} |" for name, ms in result["charts"].items()),
        *(f"| the whole page, section {name}, caches empty | {ms:.1f} |" for name, ms in result["page_ms"].items()),
        f"| recording an answer of 100 words | {result['record_ms']:.1f} |",
        "",
        "| job | kdrinks ms | SQLite, counting in Python | pandas |",
        "|---|---:|---:|---:|",
    ]
    for one in result["beside"]:
        sides = (
            f"{one[key]:,.1f} ({one[key] / one['kdrinks_ms']:.1f} x)" if one[key] else "-"
            for key in ("sqlite_python_ms", "pandas_ms")
        )
        lines.append(f"| {one['job']} | {one['kdrinks_ms']:.1f} | {' | '.join(sides)} |")
    (out / "analytics.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (out / "analytics.svg").write_text(_picture(result["beside"]), encoding="utf-8")
    print("\n".join(lines))


def _picture(jobs: list[dict[str, Any]]) -> str:
    """Bars on a logarithmic scale: an altair picture would need a renderer that kdrinks does not ship."""
    from math import log10

    bars, y = [], 30
    longest = max(one[key] for one in jobs for key in ("kdrinks_ms", "sqlite_python_ms", "pandas_ms") if one[key])
    for one in jobs:
        bars.append(f'<text x="16" y="{y}" font-weight="700">{one["job"]}</text>')
        for key, label, colour in (
            ("kdrinks_ms", "kdrinks", "#2f7d6b"),
            ("sqlite_python_ms", "SQLite + Python", "#d0642a"),
            ("pandas_ms", "pandas", "#3b5f96"),
        ):
            if one[key]:
                y += 22
                width = 420 * max(log10(one[key] * 10), 0.1) / log10(longest * 10)
                ratio = "" if key == "kdrinks_ms" else f" · {one[key] / one['kdrinks_ms']:.1f} x"
                bars.append(
                    f'<text x="130" y="{y}" text-anchor="end">{label}</text><rect x="138" y="{y - 12}" width="{width:.0f}" height="15" rx="3" fill="{colour}"/>'
                )
                bars.append(f'<text x="{144 + width:.0f}" y="{y}">{one[key]:,.1f} ms{ratio}</text>')
        y += 40
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="740" height="{y}" font-family="sans-serif" font-size="13" fill="#2a2621">'
    return f'{head}<rect width="100%" height="100%" fill="#fbf8f0"/>{"".join(bars)}</svg>\n'


def _since(days: int) -> datetime:
    """The midnight in Seoul that begins the last days, in UTC."""
    return now().replace(hour=15, minute=0, second=0, microsecond=0) - timedelta(days=days)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kdrinks-bench-"))
    try:
        db = Database.open(folder / "kdrinks.duckdb")
        with db.cursor() as cursor:
            cursor.execute("SET threads = 2")
        result: dict[str, Any] = {
            "messages": options.messages,
            "rounds": options.rounds,
            "word_rows": fill(db, options.messages),
        }
        result["charts"] = {}
        for name, query in charts(db).items():
            result["charts"][name] = p95_ms(query, options.rounds)
            late = "  over the limit" if result["charts"][name] > LIMIT_MS else ""
            print(f"{result['charts'][name]:9.1f} ms  {name}{late}", file=sys.stderr)
        result["page_ms"] = page_ms(db, options.rounds)
        result["record_ms"] = record_ms(db, options.rounds)
        result["within_limits"] = {
            "charts": max(result["charts"].values()) <= LIMIT_MS,
            "page": max(result["page_ms"].values()) <= PAGE_LIMIT_MS,
            "record": result["record_ms"] <= RECORD_LIMIT_MS,
        }
        result["beside"] = beside(db, folder, options.rounds)
        db.close()
        report(options.out, result)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
