"""What a person's conversations survive: other programs, full disks, broken files, kill -9, many readers and writers at once."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from kdrinks.config import ROOT
from kdrinks.errors import BadInput, StoreDamaged, StoreError, StoreLocked, StoreNotWritable
from kdrinks.records import Citation, Exchange, Loaded, Passage, Timing, WordCount
from kdrinks.store import chats, export, schema
from kdrinks.store.db import Database, new_id

TABLES = ("conversations", "messages", "generations", "words", "citations")
LOADED = Loaded("built-in", "/home/me/kdrinks-mini.gguf", "Q8_0", 1024, "auto", "cpu", 0, 6, 0.25, 2, 120_000_000)
TIMING = Timing(0.1, 0.2, 0.3, 40, 8, 0.05, 0.06, 12, 0.11, 100.0, 0.9)
PASSAGE = Passage(
    "sikhye.alcohol.ko", "sikhye", "alcohol", "ko", "식혜", "식혜는 술이 아닙니다.", ("https://example.org/식혜",)
)


@pytest.fixture
def db() -> Iterator[Database]:
    database = Database.open(None)
    yield database
    database.close()


def exchange(conversation_id: str, question_id: str, **changes: object) -> Exchange:
    values: dict[str, object] = {
        "conversation_id": conversation_id,
        "question_id": question_id,
        "message_id": new_id(),
        "question": "식혜에 술이 들어가나요?",
        "answer": "아닙니다. 식혜는 술이 아닙니다. [1]",
        "language": "ko",
        "finish": "stop",
        "error": None,
        "citations": (Citation(1, PASSAGE, 3.5),),
        "loaded": LOADED,
        "timing": TIMING,
        "guard": "quoted",
        "question_words": (WordCount("식혜", "drink", 1), WordCount("술", "noun", 1)),
        "answer_words": (WordCount("식혜", "drink", 2), WordCount("술", "noun", 1)),
        "details": {"intent": "alcohol", "dropped_turns": 1},
        "analyser": "1",
        **changes,
    }
    return Exchange(**values)  # type: ignore[arg-type]


def say(
    db: Database, question: str = "식혜에 술이 들어가나요?", conversation_id: str = "", **changes: object
) -> Exchange:
    conversation_id = conversation_id or chats.start_conversation(db)
    question_id = chats.record_question(db, conversation_id, question, "ko")
    said = exchange(conversation_id, question_id, question=question, **changes)
    assert chats.record(db, said)
    return said


def rows(db: Database, table: str) -> int:
    with db.cursor() as cursor:
        found = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert found
    return int(found[0])


def test_an_answer_comes_back_with_everything_the_page_draws(db: Database) -> None:
    said = say(db)
    (asked,) = chats.messages(db, said.conversation_id)
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
    back = chats.messages(db, said.conversation_id)[0].exchange
    assert back is not None
    assert (back.finish, back.error, back.loaded, back.timing) == ("failed", said.error, None, Timing())


def test_questions_stay_in_their_order_and_a_retry_replaces_only_its_answer(db: Database) -> None:
    first = say(db, "첫 질문")
    second = say(db, "둘째 질문", first.conversation_id)
    again = exchange(first.conversation_id, first.question_id, answer="다시 쓴 답")
    assert chats.record(db, again)
    one, two = chats.messages(db, first.conversation_id)
    assert [one.question, two.question] == ["첫 질문", "둘째 질문"]
    assert one.answers == 2 and one.exchange and one.exchange.answer == "다시 쓴 답"
    assert two.exchange and two.exchange.message_id == second.message_id
    with db.cursor() as cursor:
        counted = cursor.execute("SELECT count(*) FROM words WHERE message_id = ?", [first.question_id]).fetchone()
    assert counted == (2,), "a retry must not count the question's words again"


def test_conversations_are_listed_last_active_first_with_a_short_title(db: Database) -> None:
    older = say(db, "식혜는 " + "아주 " * 40 + "달까요?")
    newer = say(db, "수정과는\n  무엇인가요?")
    chats.start_conversation(db)  # nothing asked yet: not in the list
    assert [one.id for one in chats.conversations(db)] == [newer.conversation_id, older.conversation_id]
    say(db, "둘째", older.conversation_id)
    first, second = chats.conversations(db)
    assert first.id == older.conversation_id and first.questions == 2
    assert len(first.title) <= 60 and first.title.startswith("식혜는 아주") and first.title.endswith("…")
    assert second.title == "수정과는 무엇인가요?"
    assert len(chats.conversations(db, limit=1)) == 1


def test_deleting_a_conversation_deletes_all_that_was_counted_in_it(db: Database) -> None:
    gone, kept = say(db), say(db)
    chats.delete_conversation(db, gone.conversation_id)
    assert chats.messages(db, gone.conversation_id) == []
    for table in TABLES:
        column = "id" if table == "conversations" else "conversation_id"
        with db.cursor() as cursor:
            ids = cursor.execute(f"SELECT DISTINCT {column}::VARCHAR FROM {table}").fetchall()
        assert ids == [(kept.conversation_id,)], table


def test_an_answer_that_ends_after_its_conversation_was_deleted_is_not_kept(db: Database) -> None:
    conversation_id = chats.start_conversation(db)
    question_id = chats.record_question(db, conversation_id, "식혜?", "ko")
    chats.delete_conversation(db, conversation_id)
    assert not chats.record(db, exchange(conversation_id, question_id))
    assert [rows(db, table) for table in TABLES] == [0] * len(TABLES)


def test_an_address_that_names_no_conversation_shows_an_empty_one(db: Database) -> None:
    assert chats.messages(db, "../../etc/passwd") == []
    assert chats.messages(db, new_id()) == []
    with pytest.raises(BadInput) as caught:
        chats.record_question(db, "x'; DROP TABLE messages; --", "?", "ko")
    assert "DROP TABLE" in caught.value.message("ko")


def test_the_last_choice_is_remembered(db: Database) -> None:
    assert chats.last_choice(db, "model", "built-in") == "built-in"
    chats.save_choice(db, "model", {"id": "a", "context_tokens": 0})
    chats.save_choice(db, "model", {"id": "식혜", "context_tokens": 512})
    chats.save_choice(db, "language", "en")
    assert chats.last_choice(db, "model") == {"id": "식혜", "context_tokens": 512}


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert [one[14] for one in ids] == ["7"] * 2000
    early = new_id()
    deadline = time.time_ns() + 2_000_000
    while time.time_ns() < deadline:
        pass
    assert early < new_id()


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "home" / "kdrinks.duckdb"
    db = Database.open(path)
    said = say(db)
    db.close()
    db = Database.open(path)
    back = chats.messages(db, said.conversation_id)[0].exchange
    assert back and back.answer == said.answer
    assert rows(db, "migrations") == len(schema.MIGRATIONS)
    db.close()


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_store import exchange
    from kdrinks.store import chats
    from kdrinks.store.db import Database

    db = Database.open(Path({path!r}))
    conversation_id = chats.start_conversation(db)
    print(conversation_id, flush=True)
    while True:
        question_id = chats.record_question(db, conversation_id, "식혜?", "ko")
        print("asked", question_id, flush=True)
        said = exchange(conversation_id, question_id)
        chats.record(db, said)
        print("said", said.message_id, flush=True)
""")


def test_kill_9_in_the_middle_keeps_every_finished_answer_and_tells_the_cut_one(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    code = WRITER.format(tests=str(Path(__file__).parent), path=str(path))
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        conversation_id = writer.stdout.readline().strip()
        lines = [writer.stdout.readline().split() for _ in range(41)]  # the last one: a question that was asked
        os.kill(writer.pid, signal.SIGKILL)
        lines += [line.split() for line in writer.stdout.read().splitlines() if len(line) > 40]
        writer.wait()
        writer.stdout.close()
        db = Database.open(path)
        asked = chats.messages(db, conversation_id)
        assert {one[1] for one in lines if one[0] == "asked"} <= {one.question_id for one in asked}
        answered = {one.exchange.message_id for one in asked if one.exchange}
        assert {one[1] for one in lines if one[0] == "said"} <= answered
        for one in asked:
            assert one.interrupted == (one.exchange is None)
            if one.exchange:
                assert one.exchange.citations == (Citation(1, PASSAGE, 3.5),)
        # an answer is whole or not there: words, timings and citations came in the same transaction
        assert rows(db, "words") == 4 * rows(db, "generations") == 4 * rows(db, "citations")
        db.close()


def test_a_question_whose_answer_is_still_written_is_not_called_interrupted(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    conversation_id = chats.start_conversation(db)
    chats.record_question(db, conversation_id, "식혜?", "ko")
    assert [one.interrupted for one in chats.messages(db, conversation_id)] == [False]
    db.close()
    db = Database.open(tmp_path / "kdrinks.duckdb")
    assert [one.interrupted for one in chats.messages(db, conversation_id)] == [True]
    db.close()


def test_a_database_that_another_process_holds_is_named_with_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin and holder.stdout
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked) as caught:
            Database.open(path)
        assert str(holder.pid) in caught.value.message("ko") and str(path) in caught.value.message("en")
        assert "KDRINKS_HOME" in caught.value.hint("ko")
    finally:
        holder.communicate()
    Database.open(path).close()


@pytest.mark.parametrize("damage", ["junk", "empty", "cut", "flipped"])
def test_a_damaged_file_is_named_and_stays_as_it_is(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "kdrinks.duckdb"
    db = Database.open(path)
    say(db)
    db.close()
    whole = path.read_bytes()
    broken = {
        "junk": b"not a database " * 9000,
        "empty": b"",
        "cut": whole[:9000],
        "flipped": b"\x00" * 20_000 + whole[20_000:],
    }
    path.write_bytes(broken[damage])
    with pytest.raises(StoreDamaged) as caught:
        Database.open(path)
    assert str(path) in caught.value.message("ko")
    assert path.read_bytes() == broken[damage]
    path.rename(tmp_path / "kept.duckdb")  # as the hint says
    Database.open(path).close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    Database.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES (999, 'from the future', NULL)")
    with pytest.raises(StoreDamaged) as caught:
        Database.open(path)
    assert "999" in caught.value.message("ko") and caught.value.hint("en")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, where the folder should be")
    with pytest.raises(StoreNotWritable) as caught:
        Database.open(tmp_path / "home" / "kdrinks.duckdb")
    assert "KDRINKS_HOME" in caught.value.hint("ko")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreNotWritable):
        Database.open(tmp_path / "kdrinks.duckdb")


FULL_DISK = textwrap.dedent("""
    import resource, signal, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_store import say
    from kdrinks.errors import StoreNotWritable
    from kdrinks.store.db import Database

    db = Database.open(Path({path!r}))
    kept = say(db)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))  # the system refuses to let a file grow, as a full disk does
    try:
        for number in range(200):
            say(db, "긴 질문 " + str(number) + "." * 5000)
    except StoreNotWritable as error:
        print(kept.conversation_id, number, error.key, flush=True)
""")


def test_a_full_disk_is_told_and_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    code = FULL_DISK.format(tests=str(Path(__file__).parent), path=str(path))
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.stdout, run.stderr
    conversation_id, number, key = run.stdout.split()
    assert key == "store_not_writable"
    db = Database.open(path)
    assert chats.messages(db, conversation_id)[0].exchange
    assert rows(db, "generations") == int(number) + 1
    db.close()


def test_four_chats_write_while_three_analysts_read_and_every_row_is_counted(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    errors: list[BaseException] = []
    writing = threading.Event()
    writing.set()

    def write() -> None:
        try:
            conversation_id = chats.start_conversation(db)
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
                for one in chats.conversations(db):
                    chats.messages(db, one.id)
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
    assert sorted(one.questions for one in chats.conversations(db)) == [25] * 4
    db.close()


def test_a_write_that_fails_half_way_leaves_nothing(db: Database) -> None:
    with pytest.raises(ZeroDivisionError), db.write() as cursor:
        cursor.execute("INSERT INTO conversations VALUES (uuid(), '', now()::TIMESTAMP)")
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
    chats.record_question(db, said.conversation_id, "끊긴 질문", "ko")
    result = export.export(db, tmp_path / "out")
    assert result["rows"] == {"conversations": 1, "messages": 5, "generations": 2, "words": 8, "citations": 2}
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
        export.export(db, tmp_path, ["xlsx"])
    assert "parquet, csv, jsonl" in caught.value.hint("ko")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreNotWritable):
        export.export(db, tmp_path / "file")
    (tmp_path / "messages.parquet").mkdir()
    with pytest.raises(StoreError):
        export.export(db, tmp_path, ["parquet"])
