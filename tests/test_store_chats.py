"""What the store keeps of conversations: whole, in order, under many readers and writers at once, deleted, exported."""

import json
import threading
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from kdrinks.errors import BadInput, StoreError, StoreNotWritable
from kdrinks.records import ADMINISTRATOR, Timing, WordCount
from kdrinks.store import chats, export, preferences
from kdrinks.store.db import Database, new_id
from tests.support.store_rows import exchange, rows, say

TABLES = ("conversations", "messages", "generations", "words", "citations", "traces")


def test_an_answer_comes_back_with_everything_the_page_draws(db: Database) -> None:
    said = say(db)
    (asked,) = chats.messages(db, ADMINISTRATOR, said.conversation_id)
    assert asked.question == said.question and asked.answers == 1 and not asked.interrupted
    back = asked.exchange
    assert back is not None
    for name in (
        "answer",
        "language",
        "finish",
        "error",
        "citations",
        "loaded",
        "timing",
        "guard",
        "details",
        "message_id",
    ):
        assert getattr(back, name) == getattr(said, name), name


def test_an_answer_without_a_model_comes_back_as_failed_with_its_cause(db: Database) -> None:
    said = say(
        db, finish="failed", error="모델을 읽을 수 없습니다.", loaded=None, answer="", citations=(), timing=Timing()
    )
    back = chats.messages(db, ADMINISTRATOR, said.conversation_id)[0].exchange
    assert back is not None
    assert (back.finish, back.error, back.loaded, back.timing) == ("failed", said.error, None, Timing())


def test_questions_stay_in_their_order_and_a_retry_replaces_only_its_answer(db: Database) -> None:
    first = say(db, "첫 질문")
    second = say(db, "둘째 질문", first.conversation_id)
    again = exchange(first.conversation_id, first.question_id, answer="다시 쓴 답")
    assert chats.record(db, again)
    one, two = chats.messages(db, ADMINISTRATOR, first.conversation_id)
    assert [one.question, two.question] == ["첫 질문", "둘째 질문"]
    assert one.answers == 2 and one.exchange and one.exchange.answer == "다시 쓴 답"
    assert two.exchange and two.exchange.message_id == second.message_id
    with db.cursor() as cursor:
        counted = cursor.execute("SELECT count(*) FROM words WHERE message_id = ?", [first.question_id]).fetchone()
    assert counted == (2,), "a retry must not count the question's words again"


def test_conversations_are_listed_last_active_first_with_a_short_title(db: Database) -> None:
    older = say(db, "식혜는 " + "아주 " * 40 + "달까요?")
    newer = say(db, "수정과는\n  무엇인가요?")
    chats.start_conversation(db, ADMINISTRATOR)  # nothing asked yet: not in the list
    assert [one.id for one in chats.conversations(db, ADMINISTRATOR)] == [newer.conversation_id, older.conversation_id]
    say(db, "둘째", older.conversation_id)
    first, second = chats.conversations(db, ADMINISTRATOR)
    assert first.id == older.conversation_id and first.questions == 2
    assert len(first.title) <= 60 and first.title.startswith("식혜는 아주") and first.title.endswith("…")
    assert second.title == "수정과는 무엇인가요?"
    assert len(chats.conversations(db, ADMINISTRATOR, limit=1)) == 1


def test_deleting_a_conversation_deletes_all_that_was_counted_in_it(db: Database) -> None:
    gone, kept = say(db), say(db)
    chats.delete_conversation(db, ADMINISTRATOR, gone.conversation_id)
    assert chats.messages(db, ADMINISTRATOR, gone.conversation_id) == []
    for table in TABLES:
        column = "id" if table == "conversations" else "conversation_id"
        with db.cursor() as cursor:
            ids = cursor.execute(f"SELECT DISTINCT {column}::VARCHAR FROM {table}").fetchall()
        assert ids == [(kept.conversation_id,)], table


def test_an_answer_that_ends_after_its_conversation_was_deleted_is_not_kept(db: Database) -> None:
    conversation_id = chats.start_conversation(db, ADMINISTRATOR)
    question_id = chats.record_question(db, ADMINISTRATOR, conversation_id, "식혜?", "ko")
    chats.delete_conversation(db, ADMINISTRATOR, conversation_id)
    assert not chats.record(db, exchange(conversation_id, question_id))
    assert [rows(db, table) for table in TABLES] == [0] * len(TABLES)


def test_an_address_that_names_no_conversation_shows_an_empty_one(db: Database) -> None:
    assert chats.messages(db, ADMINISTRATOR, "../../etc/passwd") == []
    assert chats.messages(db, ADMINISTRATOR, new_id()) == []
    with pytest.raises(BadInput) as caught:
        chats.record_question(db, ADMINISTRATOR, "x'; DROP TABLE messages; --", "?", "ko")
    assert "DROP TABLE" in caught.value.message("ko")


def test_the_last_choice_is_remembered(db: Database) -> None:
    assert preferences.get(db, "model", "built-in") == "built-in"
    preferences.set(db, ADMINISTRATOR, "model", {"id": "a", "context_tokens": 0})
    preferences.set(db, ADMINISTRATOR, "model", {"id": "식혜", "context_tokens": 512})
    preferences.set(db, ADMINISTRATOR, "language", "en")
    assert preferences.get(db, "model") == {"id": "식혜", "context_tokens": 512}


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert [one[14] for one in ids] == ["7"] * 2000
    early = new_id()
    deadline = time.time_ns() + 2_000_000
    while time.time_ns() < deadline:
        pass
    assert early < new_id()


def test_four_chats_write_while_three_analysts_read_and_every_row_is_counted(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    errors: list[BaseException] = []
    writing = threading.Event()
    writing.set()

    def write() -> None:
        try:
            conversation_id = chats.start_conversation(db, ADMINISTRATOR)
            for _ in range(25):
                say(db, conversation_id=conversation_id)
        except BaseException as error:
            errors.append(error)

    def look() -> None:
        try:
            seen = 0
            while writing.is_set():
                with db.cursor() as cursor:
                    found = cursor.execute(
                        "SELECT (SELECT sum(count) FROM words), (SELECT count(*) FROM generations)"
                    ).fetchone()
                assert found and found[1] >= seen and (found[0] or 0) == 5 * found[1], "a half-written answer was seen"
                seen = found[1]
                for one in chats.conversations(db, ADMINISTRATOR):
                    chats.messages(db, ADMINISTRATOR, one.id)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write) for _ in range(4)]
    readers = [threading.Thread(target=look) for _ in range(3)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    writing.clear()
    for thread in readers:
        thread.join()
    assert errors == []
    assert (rows(db, "generations"), rows(db, "messages"), rows(db, "words")) == (100, 200, 400)
    assert sorted(one.questions for one in chats.conversations(db, ADMINISTRATOR)) == [25] * 4
    db.close()


def test_a_write_that_fails_half_way_leaves_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as cursor:
        cursor.execute("INSERT INTO conversations (id, session, created_at) VALUES (uuid(), '', now()::TIMESTAMP)")
        raise ZeroDivisionError
    assert rows(db, "conversations") == 0
    say(db)  # and the next one works
    assert rows(db, "conversations") == 1


def test_recording_an_answer_of_a_hundred_words_takes_less_than_a_frame_of_patience(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    words = tuple(WordCount(f"낱말{number}", "noun", 1) for number in range(100))
    took = []
    for _ in range(9):
        begin = time.perf_counter()
        say(db, answer_words=words)
        took.append(time.perf_counter() - begin)
    db.close()
    assert sorted(took)[4] < 0.2


def test_exports_open_in_a_spreadsheet_a_notebook_and_a_fine_tuning_tool(db: Database, tmp_path: Path) -> None:
    said = say(db, "=HYPERLINK(1)", error="'/home/my name/a.gguf' is gone", finish="failed")
    say(db, "수정과는?", said.conversation_id, answer="계피와 생강을 달인 음료입니다.")
    chats.record_question(db, ADMINISTRATOR, said.conversation_id, "끊긴 질문", "ko")
    result = export.export(db, ADMINISTRATOR, tmp_path / "out")
    told = {"conversations": 1, "messages": 5, "generations": 2, "words": 8, "citations": 2, "traces": 2, "ratings": 0}
    assert result["rows"] == told
    assert sorted(result["files"]) == sorted(file.name for file in (tmp_path / "out").iterdir())
    text = (tmp_path / "out" / "messages.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbf") and "수정과는?" in text.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text.decode("utf-8-sig")
    assert len(pd.read_csv(tmp_path / "out" / "messages.csv")) == 5
    assert duckdb.sql(f"SELECT text FROM '{tmp_path}/out/messages.parquet' ORDER BY created_at").fetchall()[0] == (
        "=HYPERLINK(1)",
    )
    (line,) = (tmp_path / "out" / "chats.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "id": said.conversation_id,
        "messages": [
            {"role": "user", "content": "수정과는?"},
            {"role": "assistant", "content": "계피와 생강을 달인 음료입니다."},
        ],
    }
    for file in (tmp_path / "out").iterdir():
        assert b"/home" not in file.read_bytes() and b"my name" not in file.read_bytes(), file.name


def test_an_export_says_what_it_cannot_do(db: Database, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        export.export(db, ADMINISTRATOR, tmp_path, ["xlsx"])
    assert "parquet, csv, jsonl" in caught.value.hint("ko")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreNotWritable):
        export.export(db, ADMINISTRATOR, tmp_path / "file")
    (tmp_path / "messages.parquet").mkdir()
    with pytest.raises(StoreError):
        export.export(db, ADMINISTRATOR, tmp_path, ["parquet"])
