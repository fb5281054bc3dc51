"""The list of conversations and the search in it, at size: what the store takes, and what a whole run of the page takes with them.

    python -m benchmarks.conversations [--conversations 10000] [--rounds 20] [--out benchmarks/conversations.json]

20 messages a conversation: real passages of the packaged drinks as answers, questions about the drinks, each with its words as the app
counts them. Everything is one visitor's. The page runs in AppTest: the server's side of it, no browser. Figures are milliseconds of this
machine, p95 by the nearest rank. Wants a quiet machine.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from kdrinks.config import ROOT
from kdrinks.drinks.names import packaged_names
from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import load_beliefs, load_drinks, load_topics
from kdrinks.records import ADMINISTRATOR
from kdrinks.services import Services
from kdrinks.store import chats, conversation_search
from kdrinks.store.db import Database
from kdrinks.text import sought
from kdrinks.text.analyzer import VERSION, TextAnalyzer

GOAL_MS = 300
MESSAGES = 20
"""Of a conversation; every second one is an answer."""
PASSAGES = 3
"""Of which an answer is made: about 200 characters."""
PAGE_ROUNDS = 5
SEARCHES = {
    "nothing finds it": "호밀밭의파수꾼",
    "a word in most": "막걸리",
    "a word with a particle": "식혜의",
    "a particle": "에서",
    "one syllable": "쌀",
    "two letters": "누룩",
    "without its space": "안동소주",
    "with a space": "안동 소주",
    "a drink's Latin name": "sikhye",
    "Latin glued to Hangul": "DuckDB로",
    "loose jamo": "ㅋㅋ",
    "not yet typed to its end": "막걸ㄹ",
    "a verb": "끓여서",
    "three words": "쌀 누룩 물",
    "three words that stand nowhere": "호밀밭 파수꾼 사금파리",
    "a drink and a day": "drink:식혜 before:2026-06-01 쌀",
    "a model": "model:qwen",
}

FILL = """
CREATE TEMP TABLE said AS
SELECT i, format('{:08x}-0000-7000-8000-{:012x}', i, i)::UUID AS id, format('{:08x}-0000-7000-9000-{:012x}', i // $messages, i // $messages)::UUID AS conversation_id,
       CASE WHEN i % 2 = 0 THEN 'question' ELSE 'answer' END AS role,
       CASE WHEN i % 2 = 0 THEN (i // 2 * 7919) % $questions ELSE $questions + (i // 2 * 104729) % $answers END AS text_number,
       TIMESTAMP '2025-12-01' + to_seconds(i * 31536000 / ($messages * $conversations)) AS created_at
FROM range($messages * $conversations) r(i);
"""


def fill(db: Database, words: TextAnalyzer, conversations: int) -> dict[str, int]:
    """Make the conversations; returns how many rows each table has."""
    passages = all_passages(load_drinks(), load_topics(), load_beliefs(), ("ko",))
    names = sorted({one.title for one in passages})
    questions = [
        f"{name}{ending}"
        for name in names
        for ending in ("는 어떻게 만들어요?", "에 술이 들어가나요 ㅋㅋ", " 맛이 궁금해요", "를 DuckDB로 세면?")
    ]
    told = [" ".join(one.text for one in passages[place : place + PASSAGES]) for place in range(len(passages))]
    texts = [*questions, *told]
    rows = [(place, one.word, one.pos, one.count) for place, text in enumerate(texts) for one in words.count(text)]
    with db.write() as cursor:
        given = {
            "messages": MESSAGES,
            "conversations": conversations,
            "questions": len(questions),
            "answers": len(passages),
        }
        for name, value in given.items():
            cursor.execute(f"SET VARIABLE {name} = {value}")
        sql = FILL
        for name in given:
            sql = sql.replace(f"${name}", f"getvariable('{name}')")
        cursor.execute(sql)
        cursor.execute(
            "CREATE TEMP TABLE texts AS SELECT unnest(?) AS text, unnest(range(?)) AS number", [texts, len(texts)]
        )
        cursor.execute(
            "CREATE TEMP TABLE counted AS SELECT unnest(?) AS number, unnest(?) AS word, unnest(?) AS pos, unnest(?) AS count",
            [list(column) for column in zip(*rows, strict=True)],
        )
        cursor.execute(
            "INSERT INTO conversations (id, session, created_at) SELECT conversation_id, '', min(created_at) FROM said GROUP BY 1"
        )
        cursor.execute(
            "INSERT INTO messages (id, conversation_id, role, lang, text, created_at)"
            " SELECT id, conversation_id, role, 'ko', text, created_at FROM said JOIN texts ON number = text_number ORDER BY i"
        )
        cursor.execute(
            "INSERT INTO words (message_id, conversation_id, created_at, role, lang, model_id, analyser_version, word, pos, count)"
            " SELECT id, conversation_id, created_at, role, 'ko', NULL, ?, word, pos, count FROM said JOIN counted ON number = text_number ORDER BY i",
            [VERSION],
        )
        cursor.execute(
            """
            INSERT INTO generations BY NAME
            SELECT id AS message_id, conversation_id, created_at, 'ko' AS lang, 'stop' AS finish, 'kept' AS guard, '{}'::JSON AS details,
                   CASE WHEN i // 2 % 3 = 0 THEN 'qwen3-4b' ELSE 'kdrinks-mini' END AS model_id, false AS cold, 0.0 AS queue_s, 0.0 AS load_s,
                   0.0 AS retrieve_s, 0 AS prompt_tokens, 0 AS cached_tokens, 0.0 AS prompt_s, 0 AS completion_tokens, 0.0 AS completion_s,
                   1.0 AS total_s
            FROM said WHERE role = 'answer'
            """
        )
        tables = ("conversations", "messages", "words", "generations")
        found = {name: cursor.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables}
    return {name: row[0] for name, row in found.items() if row}


def search(db: Database, words: TextAnalyzer, typed: str) -> int:
    """As the page searches; returns how many rows it would draw."""
    return len(conversation_search.search(db, ADMINISTRATOR, sought.read(typed, words), limit=31))


def times_ms(act: Callable[[], object], rounds: int) -> list[float]:
    """Of each round; the first one, which reads the file, is one of them."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def told(taken: list[float]) -> dict[str, float]:
    ordered = sorted(taken)
    return {
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[ceil(0.95 * len(ordered)) - 1], 1),
        "most_ms": round(ordered[-1], 1),
        "runs": len(ordered),
    }


def _not_at_all(services: Services) -> None:
    """Instead of the warm-up, which nobody waits for here."""


def page_times(home: Path) -> dict[str, dict[str, float]]:
    """A whole run of the chat page with the list of these conversations in the sidebar, and with a search in it."""
    os.environ["KDRINKS_HOME"] = str(home)
    from kdrinks.services import Services
    from tests.support.app_pages import app_test_session, new_app

    Services.warm = _not_at_all  # type: ignore[method-assign,assignment]
    with app_test_session():
        app = new_app()
        app.session_state["language"] = "ko"
        app.run()
        opened = times_ms(app.run, PAGE_ROUNDS)
        box = app.sidebar.text_input[0]
        searched = []
        for typed in list(SEARCHES.values())[: PAGE_ROUNDS + 1]:
            searched += times_ms(lambda typed=typed: box.set_value(typed).run(), 1)  # type: ignore[misc]
        assert not app.exception
    return {"open": told(opened), "search": told(searched[1:])}  # the first one loads Kiwi


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "conversations.json")
    options = parser.parse_args()
    words = TextAnalyzer(packaged_names())
    words.load()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        db = Database.open(home / "kdrinks.duckdb")
        rows = fill(db, words, options.conversations)
        db.checkpoint()
        opened = times_ms(lambda: chats.conversations(db, ADMINISTRATOR, 31), options.rounds)
        searches: dict[str, dict[str, Any]] = {}
        everything: list[float] = []
        for name, typed in SEARCHES.items():
            look = partial(search, db, words, typed)
            taken = times_ms(look, options.rounds)
            searches[name] = {"typed": typed, "found": look()} | told(taken)
            everything += taken
        db.close()
        result: dict[str, Any] = {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip(),
            "machine": f"{os.cpu_count()} processors, {platform.machine()}, load {os.getloadavg()[0]:.1f}",
            "rows": rows,
            "goal_p95_ms": GOAL_MS,
            "open": told(opened),
            "search": told(everything),
            "searches": searches,
            "page": page_times(home),
        }
    options.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, ensure_ascii=False, indent=1))
    slow = [name for name in ("open", "search") if result[name]["p95_ms"] > GOAL_MS]
    raise SystemExit(f"over {GOAL_MS} ms: {', '.join(slow)}" if slow else 0)


if __name__ == "__main__":
    main()
