"""What is deleted is gone: from every table, from the files, from copies for analysts, from caches and from the engine's memory."""

import inspect
import threading
from pathlib import Path

import pytest

from kdrinks.__main__ import main
from kdrinks.config import BUILT_IN_FILE
from kdrinks.engine.local import LocalEngine
from kdrinks.engine.protocol import Done
from kdrinks.records import ADMINISTRATOR, Choice, LocalModel, Message, Sampling
from kdrinks.store import chats, forget, sqlbox
from kdrinks.store.db import Database
from tests.support.counted_answers import say

# No compression hides these from a search of the file.
SECRETS = ["Qz7vK1mXw9RtB3nLs5Jd", "Hc4yU8pGf2EaN6oTi0Vk"]


def files_with(folder: Path, text: str) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def tables_with(db: Database, text: str) -> list[str]:
    found = []
    with db.cursor() as cursor:
        for (table,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            rows = cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE contains(t::VARCHAR, ?)', [text]).fetchone()
            if rows and rows[0]:
                found.append(table)
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def filled(home: Path) -> tuple[Database, list[str]]:
    """Two people's secrets among others, stored, folded into the file and copied for analysts."""
    db = Database.open(home / "kdrinks.duckdb")
    ids = [say(db, {secret: 2, "술": 1}, text=f"{secret} 비밀입니다.", asked={secret: 1}) for secret in SECRETS]
    for number in range(50):
        say(db, {f"말{number}": 1}, text=f"다른 이야기 {number}")
    sqlbox.query(db, ADMINISTRATOR, "SELECT 1", time_limit_s=60)
    db.close()
    db = Database.open(home / "kdrinks.duckdb")
    db.checkpoint()
    for secret in SECRETS:
        assert tables_with(db, secret) and files_with(home, secret)
    return db, ids


def test_a_deleted_conversation_is_in_no_table_and_no_file_and_the_others_stay(home: Path) -> None:
    db, ids = filled(home)
    chats.delete_conversation(db, ADMINISTRATOR, ids[0])
    assert not tables_with(db, SECRETS[0]) and not files_with(home, SECRETS[0])
    assert tables_with(db, SECRETS[1]) == ["messages", "traces", "words"]
    with db.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM messages WHERE text LIKE '다른 이야기%'").fetchone() == (50,)
    db.close()
    assert not files_with(home, SECRETS[0])


def test_deleting_everything_leaves_nothing_in_any_file(home: Path) -> None:
    db, ids = filled(home)
    told: list[list[str]] = []
    db.on_delete.append(lambda gone: told.append(list(gone)))
    assert forget.everything(db, ADMINISTRATOR) == 52
    for secret in (*SECRETS, "다른 이야기"):
        assert not tables_with(db, secret) and not files_with(home, secret)
    assert set(ids) < set(told[0]), "caches are told which"
    db.close()


def test_retention_by_age_leaves_nothing_either(home: Path) -> None:
    db, ids = filled(home)
    with db.write() as cursor:
        for table in ("conversations", "messages"):
            key = "id" if table == "conversations" else "conversation_id"
            cursor.execute(f"UPDATE {table} SET created_at = created_at - INTERVAL 31 DAY WHERE {key} = ?", [ids[0]])
    assert forget.set_retention(db, ADMINISTRATOR, 30) == 1
    assert not tables_with(db, SECRETS[0]) and not files_with(home, SECRETS[0])
    assert tables_with(db, SECRETS[1])
    db.close()


def test_the_command_deletes_one_the_old_or_all(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    db, ids = filled(home)
    db.close()
    monkeypatch.setenv("KDRINKS_HOME", str(home))
    for options, count in ((["--conversation", ids[0]], 1), (["--older-than", "1"], 0), (["--all"], 51)):
        assert main(["forget", *options, "--json"]) == 0
        assert capsys.readouterr().out.replace("\n", "") == f'{{"conversations": {count}}}'
    for secret in SECRETS:
        assert not files_with(home, secret)


def test_the_engine_reads_a_forgotten_conversation_from_its_beginning() -> None:
    engine = LocalEngine()
    choice = Choice(LocalModel("built-in", BUILT_IN_FILE), "cpu")
    messages = [Message("user", "막걸리는 어떤 술인가요? " * 20)]

    def cached(conversation: str) -> int:
        events = list(
            engine.stream(
                lambda count, tokens: messages,
                choice,
                Sampling(max_tokens=2),
                conversation=conversation,
                stop=threading.Event(),
            )
        )
        assert isinstance(events[-1], Done)
        return events[-1].timing.cached_tokens

    assert cached("a") == 0 and cached("a") > 0
    engine.forget(["b"])
    assert cached("a") > 0
    engine.forget(["a"])
    assert cached("a") == 0
    engine.forget()
    assert cached("a") == 0
    engine.close()


def test_what_a_reader_held_back_is_rewritten_by_the_next_start(home: Path) -> None:
    db, ids = filled(home)
    with db.cursor() as reader:
        reader.execute("SELECT * FROM messages")
        chats.delete_conversation(db, ADMINISTRATOR, ids[0])
        assert not tables_with(db, SECRETS[0])
    db.close()
    db = Database.open(home / "kdrinks.duckdb")
    assert not files_with(home, SECRETS[0]) and tables_with(db, SECRETS[1])
    assert [file.name for file in home.iterdir() if file.is_file()] == ["kdrinks.duckdb"]
    db.close()


def test_people_go_on_writing_and_reading_while_the_file_is_written_anew(home: Path) -> None:
    db, ids = filled(home)
    errors: list[BaseException] = []
    done = threading.Event()

    def talk() -> None:
        try:
            while not done.is_set():
                say(db, {"쌀": 1})
                counted.append(1)
                tables_with(db, "쌀")
        except BaseException as error:
            errors.append(error)

    counted: list[int] = []
    threads = [threading.Thread(target=talk) for _ in range(3)]
    for thread in threads:
        thread.start()
    chats.delete_conversation(db, ADMINISTRATOR, ids[0])
    chats.delete_conversation(db, ADMINISTRATOR, ids[1])
    done.set()
    for thread in threads:
        thread.join()
    assert not errors and counted
    with db.cursor() as cursor:
        assert cursor.execute("SELECT sum(count) FROM words WHERE word = '쌀'").fetchone() == (len(counted),)
        assert cursor.execute("SELECT count(*) FROM conversations").fetchone() == (50 + len(counted),)
    db.close()


def test_a_deletion_empties_the_pages_caches_and_the_engines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    from kdrinks.services import Services
    from kdrinks.ui import frame

    monkeypatch.setenv("KDRINKS_HOME", str(home))
    monkeypatch.setattr(Services, "warm", lambda self: None)
    told: list[object] = []
    forgotten = threading.Event()

    def forget(self: LocalEngine, conversations: object) -> None:
        told.append(conversations)
        forgotten.set()

    monkeypatch.setattr(LocalEngine, "forget", forget)
    services: Services = inspect.unwrap(frame.get_services)()
    drawn: list[int] = []

    @st.cache_data(show_spinner=False)
    def sentences(data_version: str) -> str:
        drawn.append(1)
        return SECRETS[0]

    talk = say(services.db, {"술": 1})
    sentences("1"), sentences("1")
    assert len(drawn) == 1
    chats.delete_conversation(services.db, ADMINISTRATOR, talk)
    sentences("1")
    assert len(drawn) == 2
    assert forgotten.wait(10) and told == [(talk,)]
    services.close()
