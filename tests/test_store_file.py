"""What the database file survives: other programs, full disks, damage, kill -9, older and newer versions."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from kdrinks.config import ROOT
from kdrinks.errors import StoreDamaged, StoreLocked, StoreNotWritable
from kdrinks.records import ADMINISTRATOR, Citation
from kdrinks.store import chats, schema
from kdrinks.store.db import Database
from kdrinks.store.schema import MIGRATIONS, tables_of
from tests.support.store_rows import PASSAGE, rows, say


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "home" / "kdrinks.duckdb"
    db = Database.open(path)
    said = say(db)
    db.close()
    db = Database.open(path)
    back = chats.messages(db, ADMINISTRATOR, said.conversation_id)[0].exchange
    assert back and back.answer == said.answer
    assert rows(db, "migrations") == len(schema.MIGRATIONS)
    db.close()


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from tests.support.store_rows import exchange
    from kdrinks.records import ADMINISTRATOR
    from kdrinks.store import chats
    from kdrinks.store.db import Database

    db = Database.open(Path({path!r}))
    conversation_id = chats.start_conversation(db, ADMINISTRATOR)
    print(conversation_id, flush=True)
    while True:
        question_id = chats.record_question(db, ADMINISTRATOR, conversation_id, "식혜?", "ko")
        print("asked", question_id, flush=True)
        said = exchange(conversation_id, question_id)
        chats.record(db, said)
        print("said", said.message_id, flush=True)
""")


def test_kill_9_in_the_middle_keeps_every_finished_answer_and_tells_the_cut_one(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    code = WRITER.format(tests=str(Path(__file__).parent.parent), path=str(path))
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
        asked = chats.messages(db, ADMINISTRATOR, conversation_id)
        assert {one[1] for one in lines if one[0] == "asked"} <= {one.question_id for one in asked}
        answered = {one.exchange.message_id for one in asked if one.exchange}
        assert {one[1] for one in lines if one[0] == "said"} <= answered
        for one in asked:
            assert one.interrupted == (one.exchange is None)
            if one.exchange:
                assert one.exchange.citations == (Citation(1, PASSAGE, 3.5),)
        # an answer is whole or not there: words, timings, citations and trace came in the same transaction
        assert rows(db, "words") == 4 * rows(db, "generations") == 4 * rows(db, "citations") == 4 * rows(db, "traces")
        db.close()


def test_a_question_whose_answer_is_still_written_is_not_called_interrupted(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    conversation_id = chats.start_conversation(db, ADMINISTRATOR)
    chats.record_question(db, ADMINISTRATOR, conversation_id, "식혜?", "ko")
    assert [one.interrupted for one in chats.messages(db, ADMINISTRATOR, conversation_id)] == [False]
    db.close()
    db = Database.open(tmp_path / "kdrinks.duckdb")
    assert [one.interrupted for one in chats.messages(db, ADMINISTRATOR, conversation_id)] == [True]
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


def pipe(path: Path) -> None:
    os.mkfifo(path)


def leads_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("end"))
    path.symlink_to("end")


def leads_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's folders")
@pytest.mark.parametrize("name", ["kdrinks.duckdb", "kdrinks.duckdb.wal"])
@pytest.mark.parametrize("make", [pipe, leads_to_a_pipe, leads_to_itself])
def test_what_is_no_file_is_named_and_nobody_waits_for_it(
    tmp_path: Path, make: Callable[[Path], None], name: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(StoreDamaged) as caught:
        Database.open(tmp_path / "kdrinks.duckdb")
    assert caught.value.key == "store_is_special" and name in caught.value.message("ko")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE customers (name VARCHAR)",
        "CREATE TABLE words (word VARCHAR)",
        "CREATE TABLE migrations (app VARCHAR)",
        "CREATE TABLE migrations (number VARCHAR); INSERT INTO migrations VALUES ('first')",
    ],
)
def test_another_program_s_database_is_named_and_left_alone(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "kdrinks.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged) as caught:
        Database.open(path)
    assert caught.value.key == "store_foreign" and "KDRINKS_HOME" in caught.value.hint("ko")
    assert path.read_bytes() == before


def test_a_store_that_lacks_a_table_is_refused_before_an_answer_is_lost_in_it(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    Database.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE traces")
        connection.execute("CHECKPOINT")
    command = [sys.executable, "-m", "kdrinks", "ask", "식혜는 뭐야?", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "KDRINKS_HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1 and "traces" in json.loads(done.stdout)["error"]["message"]
    assert "Traceback" not in done.stderr


def test_the_tables_that_are_asked_for_are_those_that_a_new_store_has(db: Database) -> None:
    assert db._tables() == tables_of(MIGRATIONS)


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


@pytest.mark.skipif(os.name == "nt", reason="has no modes")
def test_nobody_else_reads_the_database_its_log_and_its_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    path, log = home / "kdrinks.duckdb", home / "kdrinks.duckdb.wal"

    def modes() -> list[str]:
        return [oct(one.stat().st_mode & 0o777) for one in (home, path, log) if one.exists()]

    db = Database.open(path)
    chats.start_conversation(db, ADMINISTRATOR)
    assert modes() == ["0o700", "0o600", "0o600"]
    db.checkpoint()
    chats.start_conversation(db, ADMINISTRATOR)
    assert modes() == ["0o700", "0o600", "0o600"], "DuckDB makes a new log after each checkpoint"
    assert db.rewrite() and modes() == ["0o700", "0o600"]
    db.close()
    home.chmod(0o755)
    path.chmod(0o644)
    Database.open(path).close()
    assert modes() == ["0o700", "0o600"], "as an earlier version left them"


@pytest.mark.skipif(os.name == "nt", reason="has no modes")
def test_a_folder_that_everybody_shares_is_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    Database.open(shared / "kdrinks.duckdb").close()
    assert shared.stat().st_mode & 0o7777 == 0o1777
    assert (shared / "kdrinks.duckdb").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreNotWritable):
        Database.open(tmp_path / "kdrinks.duckdb")


FULL_DISK = textwrap.dedent("""
    import resource, signal, sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from tests.support.store_rows import say
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
    code = FULL_DISK.format(tests=str(Path(__file__).parent.parent), path=str(path))
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.stdout, run.stderr
    conversation_id, number, key = run.stdout.split()
    assert key == "store_not_writable"
    db = Database.open(path)
    assert chats.messages(db, ADMINISTRATOR, conversation_id)[0].exchange
    assert rows(db, "generations") == int(number) + 1
    db.close()
