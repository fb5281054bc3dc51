"""What came from a file is kept and read like anything else, and says nothing of how this app answers: no figure, no training, no ballast."""

import json
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from kdrinks.generation.prompt import QUESTION_LIMIT_CHARACTERS, turn_of
from kdrinks.portability.bring_in import bring_in
from kdrinks.portability.formats import export
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import analytics, chats, forget, speed
from kdrinks.store import export as tables
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database, new_id, now
from kdrinks.text.analyzer import TextAnalyzer
from tests.support.store_rows import exchange, rows, say
from tests.test_portability import branched, brought, node, outcomes, talk, tree

ONE = Visitor("one")
ALL = AnalyticsFilter()


def chat(*nodes: tuple[str, dict[str, Any]], leaf: str = "") -> str:
    mapping = dict(nodes)
    return json.dumps([{"conversation_id": "c", "mapping": mapping, "current_node": leaf or next(reversed(mapping))}])


def texts(db: Database) -> list[str]:
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    return [one.text for one in tree(db, ADMINISTRATOR, listed.id).nodes]


def reason(db: Database, words: TextAnalyzer, content: str) -> str:
    (item,) = brought(db, words, content).items
    assert item.reason and rows(db, "messages") == 0
    return item.reason.message("en")


def trained(db: Database, folder: Path) -> str:
    tables.export(db, ADMINISTRATOR, folder, ["jsonl"])
    return (folder / "chats.jsonl").read_text(encoding="utf-8")


def test_a_small_file_whose_pieces_would_make_gigabytes_is_refused_at_once(db: Database, words: TextAnalyzer) -> None:
    began = time.monotonic()
    fan = [node("b", "q", "assistant", "가" * 400_000), *(node(f"a{n}", "b", "assistant", "나") for n in range(10_000))]
    assert "too many answers" in reason(db, words, chat(node("q", None, "user", "?"), *fan))
    chain = [node(f"a{n}", f"a{n - 1}" if n else "q", "assistant", "다" * 100) for n in range(9_000)]
    asked = [node(f"q{n}", f"a{n}", "user", "라") for n in range(9_000)]
    assert "in pieces, more than" in reason(db, words, chat(node("q", None, "user", "?"), *chain))
    assert "too many answers" in reason(db, words, chat(node("q", None, "user", "?"), *chain[:4_000], *asked[:4_000]))
    assert time.monotonic() - began < 20


def test_an_answer_in_many_pieces_arrives_whole(db: Database, words: TextAnalyzer) -> None:
    pieces = [node(f"a{n}", f"a{n - 1}" if n else "q", "assistant", f"조각 {n}") for n in range(3_000)]
    assert outcomes(brought(db, words, chat(node("q", None, "user", "?"), *pieces))) == ["added"]
    assert texts(db) == ["?", "\n\n".join(f"조각 {n}" for n in range(3_000))]


def test_an_answer_without_a_question_shares_its_made_up_one_with_no_message_of_the_file(
    db: Database, words: TextAnalyzer
) -> None:
    content = chat(
        node("a", None, "assistant", "답"),
        node("before a", None, "assistant", "다른 답"),
        node("q", "a", "user", "물음"),
    )
    assert outcomes(brought(db, words, content)) == ["added"] and outcomes(brought(db, words, content)) == ["there"]
    assert sorted(texts(db)) == sorted(["…", "…", "답", "다른 답", "물음"])


def test_two_conversations_of_a_file_share_no_message(db: Database, words: TextAnalyzer) -> None:
    (first,) = json.loads(export(db, ADMINISTRATOR, branched(db), "json", "ko")[0])
    forget.everything(db, ADMINISTRATOR)
    content = json.dumps([first, first | {"id": new_id()}])
    assert outcomes(brought(db, words, content)) == ["added", "added"]
    assert outcomes(brought(db, words, content)) == ["there", "there"]
    with db.cursor() as cursor:
        assert cursor.execute("SELECT count(*), count(DISTINCT id) FROM messages").fetchone() == (10, 10)


def test_a_conversation_of_thousands_of_days_is_counted_day_by_day_in_seconds(
    db: Database, words: TextAnalyzer
) -> None:
    day, count = 86_400, 3_000
    nodes = []
    for n in range(count):
        nodes.append(node(f"q{n}", f"a{n - 1}" if n else None, "user", "식혜", 1_400_000_000 + n * day))
        nodes.append(node(f"a{n}", f"q{n}", "assistant", "수정과", 1_400_000_001 + n * day))
    began = time.monotonic()
    assert outcomes(brought(db, words, chat(*nodes))) == ["added"]
    assert time.monotonic() - began < 30
    with db.cursor() as cursor:
        by_day = cursor.execute(
            "SELECT count(DISTINCT day) FROM word_days WHERE day < ?", [date(2023, 1, 1)]
        ).fetchone()
    assert by_day == (count,)


def test_what_a_file_says_of_answers_changes_no_figure_on_how_this_app_answers(
    db: Database, words: TextAnalyzer
) -> None:
    conversation = branched(db, ONE)
    content = json.loads(export(db, ADMINISTRATOR, conversation, "json", "ko")[0])
    forget.one(db, ADMINISTRATOR, conversation)
    say(db)
    unanswered = chat(node("q", None, "user", "대답 없는 물음", 1_700_000_000))

    def figures() -> list[Any]:
        asked = [analytics.guard_shares, speed.timings, speed.timing_points, speed.failures, speed.memory]
        counted = analytics.counts(db, ADMINISTRATOR, ALL)[["failures", "tokens", "first_token_s", "tokens_per_s"]]
        spread = speed.distribution(db, ADMINISTRATOR, ALL, "total_s")  # type: ignore[arg-type]
        course = analytics.activity(db, ADMINISTRATOR, ALL)["tokens"].sum()
        drawn = [one(db, ADMINISTRATOR, ALL).to_csv() for one in asked]
        return [counted.to_csv(), spread.to_csv(), course, chats.last_asked(db), *drawn]

    before, said = figures(), analytics.counts(db, ADMINISTRATOR, ALL)["questions"][0]
    for one in content[0]["chat"]["history"]["messages"].values():
        one["kdrinks"]["created_at"] = f"{now() + timedelta(days=1):%Y-%m-%dT%H:%M:%S}Z"
    assert outcomes(brought(db, words, json.dumps(content))) == ["added"]
    assert outcomes(brought(db, words, unanswered)) == ["added"]
    assert figures() == before
    assert analytics.counts(db, ADMINISTRATOR, ALL)["questions"][0] == said + 3, "but it was said"
    (shown,) = chats.messages(db, ADMINISTRATOR, conversation)
    assert shown.exchange and shown.exchange.loaded and shown.exchange.timing.total_s == 0.9, "and it is shown"


def test_nothing_of_a_file_trains_a_model(db: Database, words: TextAnalyzer, tmp_path: Path) -> None:
    mine = say(db).conversation_id
    before = trained(db, tmp_path)
    assert mine in before
    # other programs' answers, what was answered here behind them, and one that was put into a conversation of one's own
    brought(db, words, json.dumps([talk(1)]))
    imported = next(one.id for one in chats.conversations(db, ADMINISTRATOR) if one.id != mine)
    asked = chats.record_question(db, ADMINISTRATOR, imported, "이어서", "ko")
    assert chats.record(db, exchange(imported, asked))
    (own,) = json.loads(export(db, ADMINISTRATOR, mine, "json", "ko")[0])
    history = own["chat"]["history"]
    put_in, answer = new_id(), history["messages"][history["currentId"]]
    history["messages"][put_in] = {"id": put_in, "parentId": answer["parentId"], "role": "assistant", "content": "지어낸 답",
                                   "kdrinks": {"lang": "ko", "created_at": "2100-01-01T00:00:00Z", "finish": "stop"}}  # fmt: skip
    assert outcomes(brought(db, words, json.dumps([own]))) == ["grown"]
    assert trained(db, tmp_path) == before
    # a visitor's own conversation that an administrator brings back has no owner
    theirs = branched(db, ONE)
    content = export(db, ONE, theirs, "json", "ko")[0]
    forget.one(db, ONE, theirs)
    assert outcomes(brought(db, words, content)) == ["added"]
    assert trained(db, tmp_path) == before


def test_a_visitors_conversation_that_came_back_from_a_file_goes_after_the_visitors_days(
    db: Database, words: TextAnalyzer
) -> None:
    conversation, own = branched(db, ONE), say(db).conversation_id
    content = export(db, ONE, conversation, "json", "ko")[0]
    forget.one(db, ONE, conversation)
    assert outcomes(brought(db, words, content)) == ["added"]
    with db.write() as cursor:
        for table in ("conversations", "messages"):
            cursor.execute(f"UPDATE {table} SET created_at = created_at - INTERVAL 40 DAY")
    assert forget.set_visitor_days(db, ADMINISTRATOR, 30) == 1
    assert [one.id for one in chats.conversations(db, ADMINISTRATOR)] == [own]


def test_of_a_question_that_is_longer_than_one_may_ask_the_beginning_is_read(db: Database, words: TextAnalyzer) -> None:
    brought(db, words, chat(node("q", None, "user", "식혜 " * 2_000), node("a", "q", "assistant", "답")))
    (listed,) = chats.conversations(db, ADMINISTRATOR)
    (shown,) = chats.messages(db, ADMINISTRATOR, listed.id)
    assert len(shown.question) == 6_000 and len(turn_of(shown).question) == QUESTION_LIMIT_CHARACTERS


def test_a_file_is_stored_in_batches_that_let_others_write(
    db: Database, words: TextAnalyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdrinks.portability.bring_in.MESSAGES_AT_ONCE", 12)
    done: list[int] = []
    content = json.dumps([talk(number) for number in range(5)]).encode()
    report = bring_in(db, ADMINISTRATOR, content, "chats.json", words, done.append)
    assert report.count("added") == 5 and done == [2, 4, 5]
