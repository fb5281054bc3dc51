"""The live connection, from a second process as an analyst would open it: it reads what was just said and can change nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from kdrinks.config import ROOT
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import live
from kdrinks.store.db import Database
from kdrinks.store.views import VIEWS
from tests.support.counted_answers import say
from tests.support.wait import eventually

CLIENT = """
import duckdb, json, sys
files, address, token, queries = json.load(sys.stdin)
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
for file in files:
    connection.execute(f"LOAD '{file}'")
answers = []
for sql in [f"ATTACH '{address}' AS app (TOKEN '{token}')", *queries]:
    try:
        answers.append(connection.execute(sql).fetchall())
    except duckdb.Error as error:
        answers.append(str(error).splitlines()[0])
        try:
            connection.execute("ROLLBACK")
        except duckdb.Error:
            pass
json.dump(answers, sys.stdout, default=str)
"""

WRITES = (
    "INSERT INTO app.main.words SELECT * FROM app.live.words",
    "DELETE FROM app.main.messages",
    "UPDATE app.main.messages SET text = ''",
    "DROP TABLE app.main.messages",
    "DROP VIEW app.live.messages",
    "CREATE TABLE app.main.mine (i INTEGER)",
    "FROM app.query('DELETE FROM messages')",
    "FROM app.query('WITH gone AS (DELETE FROM messages RETURNING *) FROM gone')",
    "FROM app.query('SELECT 1; DELETE FROM messages')",
    "FROM app.query('SET GLOBAL quack_authorization_function = ''quack_nop_authorization''')",
    "FROM app.query('COPY live.messages TO ''stolen.csv''')",
    "FROM app.query('ATTACH ''other.duckdb''')",
    "FROM app.query('FROM quack_serve(''quack:localhost:9999'')')",
    "FROM app.query('CHECKPOINT')",
)
READS = (
    "FROM app.query('FROM conversations')",
    "FROM app.query('FROM main.conversations')",
    "FROM app.query('SELECT * FROM (WITH conversations AS (SELECT 1) FROM conversations), conversations')",
    "FROM app.query('SELECT (SELECT max(session) FROM main.conversations)')",
    "FROM app.query('FROM query_table(''conversations'')')",
    "FROM app.query('FROM read_text(''/etc/hostname'')')",
    "FROM app.query('FROM ''/etc/hostname.csv''')",
    'FROM app.query(\'FROM (WITH "/etc/hostname.csv" AS (SELECT 1) FROM "/etc/hostname.csv"), "/etc/hostname.csv"\')',
    "FROM app.query('FROM duckdb_settings()')",
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "kdrinks.duckdb")
    say(database, {"식혜": 3}, pos="drink", text="식혜는 답니다.")
    yield database
    live.stop(database, ADMINISTRATOR)
    database.close()


def ask(connection: live.LiveConnection, *queries: str, token: str = "") -> list[object]:
    """What a process of its own gets for each query, after the ATTACH."""
    files = [str(live._extension(name)) for name in live.EXTENSIONS]
    task = json.dumps([files, connection.address, token or connection.token, queries])
    done = subprocess.run(
        [sys.executable, "-c", CLIENT], input=task, capture_output=True, text=True, timeout=60, check=True
    )
    answers: list[object] = json.loads(done.stdout)
    return answers


def test_a_second_process_reads_every_view_and_sees_a_new_answer_at_once(db: Database) -> None:
    connection = live.start(db, ADMINISTRATOR)
    names = [view.name for view in VIEWS]
    counts = [f"SELECT count(*) FROM app.live.{name}" for name in names]
    _, *answers = ask(connection, *counts, "SELECT word, sum(count) FROM app.live.words GROUP BY word")
    assert answers[-1] == [["식혜", 3]]
    assert dict(zip(names, answers, strict=False)) == {
        "conversations": [[1]], "messages": [[2]], "answers": [[1]], "words": [[1]], "citations": [[0]],
    }  # fmt: skip
    say(db, {"막걸리": 2}, pos="drink")
    _, words = ask(
        connection, "FROM app.query('SELECT word, sum(count) AS n FROM live.words GROUP BY word ORDER BY n')"
    )
    assert words == [["막걸리", 2], ["식혜", 3]]


def test_nothing_can_be_written_through_it(db: Database) -> None:
    with db.cursor() as cursor:
        before = cursor.execute("SELECT * FROM messages ORDER BY id").fetchall()
    attached, *answers = ask(live.start(db, ADMINISTRATOR), *WRITES)
    assert attached == []
    for sql, refused in zip(WRITES, answers, strict=True):
        assert isinstance(refused, str) and "Error" in refused, sql
    with db.cursor() as cursor:
        assert cursor.execute("SELECT * FROM messages ORDER BY id").fetchall() == before
        assert cursor.execute("SELECT count(*) FROM words").fetchone() == (1,)


def test_nothing_but_the_documented_views_can_be_read(db: Database) -> None:
    _, *answers = ask(live.start(db, ADMINISTRATOR), *READS)
    for sql, refused in zip(READS, answers, strict=True):
        # the child that answers has the views alone: a table's name means nothing there
        nothing = "Invalid Input Error: Table with name conversations does not exist!"
        assert refused in ("Invalid Input Error: Authorization failed", nothing), sql
    _, refused, views = ask(
        live.start(db, ADMINISTRATOR),
        "SELECT session FROM app.main.conversations",
        "FROM app.query('SELECT sql FROM duckdb_views()')",
    )
    assert isinstance(refused, str) and "does not exist" in refused
    assert "token" not in str(views).lower()


def test_it_is_shut_until_asked_for_needs_the_token_and_listens_on_this_machine_alone(db: Database) -> None:
    def listening() -> set[str]:
        found = set()
        for process in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                sockets = process.net_connections("tcp")
                found |= {one.laddr.ip for one in sockets if one.status == "LISTEN" and one.laddr.port == port}
        return found

    connection = live.start(db, ADMINISTRATOR)
    port = int(connection.address.rsplit(":", 1)[1])
    assert live.start(db, ADMINISTRATOR) == connection, "one connection"
    assert listening() and listening() <= {"127.0.0.1", "::1"}
    (refused,) = ask(connection, token="not-the-token")
    assert refused == "Invalid Input Error: Authentication failed"
    live.stop(db, ADMINISTRATOR)
    assert not listening()
    (gone,) = ask(connection)
    assert isinstance(gone, str) and "Error" in gone


def test_a_common_table_expression_and_a_join_of_views_may_be_asked(db: Database) -> None:
    sql = "WITH said AS (FROM live.words) SELECT m.text FROM said JOIN live.messages m ON m.id = said.message_id"
    _, rows = ask(live.start(db, ADMINISTRATOR), f"FROM app.query('{sql}')")
    assert rows == [["식혜는 답니다."]]


HEAVY = "FROM app.query('SELECT count(*) FROM range(1000000) a, range(100000000) b')"


def computing() -> list[psutil.Process]:
    """Processes that serve a live connection and are busy."""
    found = [one for one in psutil.Process().children() if "live_child" in " ".join(one.cmdline())]
    for one in found:
        one.cpu_percent()
    return [one for one in found if one.cpu_percent(0.5) > 20]


def test_a_query_that_takes_too_long_ends_and_the_next_one_is_answered(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TIME_LIMIT_S", 1.0)
    connection = live.start(db, ADMINISTRATOR)
    _, cut = ask(connection, HEAVY)
    assert isinstance(cut, str) and "Error" in cut
    assert eventually(lambda: ask(connection, "SELECT count(*) FROM app.live.words")[-1] == [[1]], 30)


def test_the_query_of_a_client_that_was_killed_ends_with_it(db: Database) -> None:
    connection = live.start(db, ADMINISTRATOR)
    files = [str(live._extension(name)) for name in live.EXTENSIONS]
    task = json.dumps([files, connection.address, connection.token, [HEAVY]])
    with subprocess.Popen([sys.executable, "-c", CLIENT], stdin=subprocess.PIPE, text=True) as client:
        assert client.stdin
        client.stdin.write(task)
        client.stdin.close()
        assert eventually(computing, 60)
        (serving,) = computing()
        client.kill()
    assert eventually(lambda: not serving.is_running(), 20)
    live.stop(db, ADMINISTRATOR)
    assert eventually(lambda: not computing())


def test_the_notebook_lines_of_the_documentation_work(db: Database) -> None:
    connection = live.start(db, ADMINISTRATOR)
    text = (ROOT / "docs" / "analysts.md").read_text("utf-8")
    lines = re.search(r"    from importlib\.resources.*?describe\(\)\n", text, re.DOTALL)
    assert lines
    code = (
        lines[0]
        .replace("\n    ", "\n")
        .lstrip()
        .replace("quack:localhost:9494", connection.address)
        .replace("TOKEN '...'", f"TOKEN '{connection.token}'")
    )
    done = subprocess.run(
        [sys.executable, "-c", code + "\nprint(len(answers))"], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "1\n", done.stderr
