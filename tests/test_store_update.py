"""A store of another version: a newer one is left as it is; before an update changes what is stored, one copy is kept, until it is deleted."""

import hashlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from kdrinks.config import ROOT, Settings
from kdrinks.errors import StoreDamaged, StoreLocked, StoreNotWritable
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import chats, forget, schema
from kdrinks.store import db as store
from kdrinks.store.db import Database, now
from kdrinks.ui import frame
from tests.support.app_pages import open_page, shown
from tests.support.command_line import kdrinks
from tests.support.store_rows import say

PATIENCE_S = 60
NEWEST = schema.MIGRATIONS[-1][0]
OLD = 3
"""The next migration deletes rows and adds columns."""
FOLDED, LOGGED = "접힌 이야기", "로그에만 있는 이야기"
CONVERSATION = "01900000-0000-7000-8000-000000000001"


def make(path: Path, version: int = OLD) -> None:
    """A store as a kdrinks of this version left it after a kill: one question in the file, one in its log only."""
    path.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE migrations (number INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMP)"
        )
        for number, name, sql in schema.MIGRATIONS[:version]:
            connection.execute(sql)
            connection.execute("INSERT INTO migrations VALUES (?, ?, NULL)", [number, name])
        connection.execute(
            "INSERT INTO conversations (id, session, created_at) VALUES (?, '', now()::TIMESTAMP)", [CONVERSATION]
        )
        _ask(connection, FOLDED)
        connection.execute("CHECKPOINT")
        _ask(connection, LOGGED)
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    assert path.with_name(path.name + ".wal").stat().st_size > 0


def _ask(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    connection.execute(
        "INSERT INTO messages (id, conversation_id, role, lang, text, created_at) VALUES (uuid(), ?, 'question', 'ko', ?, now()::TIMESTAMP)",
        [CONVERSATION, text],
    )  # fmt: skip


def everything_in(path: Path) -> dict[str, tuple[str, int, int]]:
    return {
        file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns, file.stat().st_mode)
        for file in path.parent.iterdir()
    }


def copies(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir() if file.name not in (path.name, f"{path.name}.wal"))


def held(path: Path) -> tuple[int, set[str]]:
    """Version and questions of a closed store or copy."""
    with duckdb.connect(str(path), read_only=True) as connection:
        (version,) = connection.execute("SELECT max(number) FROM migrations").fetchone() or (0,)
        return version, {row[0] for row in connection.execute("SELECT text FROM messages").fetchall()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "kdrinks.duckdb"


def name(done: int, newest: int = NEWEST) -> str:
    return f"kdrinks.{done}-before-{newest}.duckdb"


def test_a_newer_store_is_refused_in_both_languages_and_every_byte_stays(path: Path) -> None:
    make(path, NEWEST)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO migrations VALUES (?, 'of tomorrow', NULL)", [NEWEST + 1])
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
    for file in path.parent.iterdir():
        file.chmod(0o600)  # as a start leaves them, refused or not
    before = everything_in(path)
    assert f"{path.name}.wal" in before
    for _ in range(2):
        with pytest.raises(StoreDamaged) as refused:
            Database.open(path)
        assert refused.value.key == "store_newer"
    for lang in ("ko", "en"):
        assert str(NEWEST + 1) in refused.value.message(lang) and str(path) in refused.value.message(lang)
        assert "KDRINKS_HOME" in refused.value.hint(lang)
    done = kdrinks("documents", "list", home=path.parent)
    assert done.returncode == 1 and "newer kdrinks" in done.stderr and len(done.stderr.splitlines()) == 2
    assert everything_in(path) == before


def test_before_an_update_changes_what_is_stored_one_private_copy_holds_all_of_it(path: Path) -> None:
    make(path)
    began = now()
    with closing(Database.open(path)) as db:
        assert {one.question for one in chats.messages(db, ADMINISTRATOR, CONVERSATION)} == {FOLDED, LOGGED}
        kept = db.kept_copy()
        assert kept and kept.path == path.with_name(name(OLD))
        assert kept.size_bytes == kept.path.stat().st_size > 0
        assert abs((kept.made_at - began).total_seconds()) < PATIENCE_S
    assert copies(path) == [name(OLD)]
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert held(kept.path) == (OLD, {FOLDED, LOGGED})
    assert held(path) == (NEWEST, {FOLDED, LOGGED})
    with closing(Database.open(path)) as db:
        assert db.kept_copy() == kept, "the next start keeps it"


def test_put_back_the_copy_is_a_store_again(path: Path) -> None:
    make(path)
    Database.open(path).close()
    path.unlink()
    path.with_name(name(OLD)).rename(path)
    with closing(Database.open(path)) as db:
        assert {one.question for one in chats.messages(db, ADMINISTRATOR, CONVERSATION)} == {FOLDED, LOGGED}
    assert copies(path) == [name(OLD)]


ADDING = schema.MIGRATIONS[:8]
"""From the fourth on these only make and fill tables; the ninth alters some."""


def test_a_new_store_and_an_update_that_only_adds_leave_no_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MIGRATIONS", ADDING)
    for version in (0, 4, 5, ADDING[-1][0]):
        if version:
            make(path, version)
        with closing(Database.open(path)) as db:
            assert db.kept_copy() is None
        assert copies(path) == []
        path.unlink()


REWRITING = (NEWEST + 1, "of tomorrow", "UPDATE messages SET text = text || '!'")


def test_the_next_update_puts_its_copy_in_place_of_the_older_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path)
    Database.open(path).close()
    monkeypatch.setattr(store, "MIGRATIONS", (*schema.MIGRATIONS, REWRITING))
    Database.open(path).close()
    assert copies(path) == [name(NEWEST, NEWEST + 1)]
    assert held(path.with_name(name(NEWEST, NEWEST + 1))) == (NEWEST, {FOLDED, LOGGED})
    assert held(path) == (NEWEST + 1, {f"{FOLDED}!", f"{LOGGED}!"})


@pytest.mark.parametrize(
    "sql", ["CREATE OR REPLACE TABLE words (a INTEGER)", "-- a\nDROP TABLE words", "TRUNCATE words"]
)
def test_whatever_takes_something_away_counts_as_a_change(
    path: Path, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    Database.open(path).close()
    monkeypatch.setattr(store, "MIGRATIONS", (*schema.MIGRATIONS, (NEWEST + 1, "of tomorrow", sql)))
    Database.open(path).close()
    assert copies(path) == [name(NEWEST, NEWEST + 1)]


def test_without_room_for_the_copy_the_file_stays_as_it_was_and_the_sizes_are_told(path: Path) -> None:
    make(path)
    log = path.with_name(path.name + ".wal")
    content, size = path.read_bytes(), 8 * 2**40
    os.truncate(path, size)  # a hole: 8 TiB that take no room
    before = path.stat().st_mtime_ns, log.read_bytes()
    with pytest.raises(StoreNotWritable) as refused:
        Database.open(path)
    assert refused.value.key == "store_no_room"
    for lang in ("ko", "en"):
        assert "17,592,186 MB" in refused.value.message(lang) and refused.value.hint(lang)
    with path.open("rb") as file:
        assert file.read(len(content)) == content
    assert path.stat().st_size == size and (path.stat().st_mtime_ns, log.read_bytes()) == before
    assert copies(path) == []


CHILD = textwrap.dedent("""
    import resource, signal, sys
    from pathlib import Path
    from kdrinks.errors import StoreError
    from kdrinks.store import db
    from kdrinks.store.db import Database
    {before}
    try:
        Database.open(Path({path!r}))
    except StoreError as error:
        print(error.key, flush=True)
    else:
        print("opened", flush=True)
""")


def child(path: Path, before: str = "") -> "subprocess.Popen[str]":
    code = CHILD.format(path=str(path), before=before)
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed_once(path: Path, there: str, before: str = "") -> None:
    """A start that is killed as soon as a file is there whose name begins like this."""
    process = child(path, before)
    until = time.monotonic() + PATIENCE_S
    while not any(path.parent.glob(f"{there}*")):
        assert process.poll() is None and time.monotonic() < until
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_disk_that_fills_up_while_the_copy_is_written_costs_nothing(path: Path) -> None:
    make(path)
    limit = "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))"
    with child(path, limit) as process:
        assert process.communicate(timeout=PATIENCE_S)[0] == "store_not_writable\n"
    assert copies(path) == []
    assert held(path) == (OLD, {FOLDED, LOGGED})
    Database.open(path).close()
    assert held(path) == (NEWEST, {FOLDED, LOGGED})


def test_a_kill_while_the_copy_is_written_leaves_no_half_that_looks_whole(path: Path) -> None:
    make(path)
    with duckdb.connect(str(path)) as connection:  # random hashes: 100 MB that nothing compresses
        connection.execute("CREATE TABLE big AS SELECT hash(i) AS a, hash(i + 0.5) AS b FROM range(6_000_000) t(i)")
    killed_once(path, name(OLD))
    left = copies(path)
    assert left in ([name(OLD) + store.COPYING_SUFFIX], [name(OLD)])
    if left == [name(OLD)]:
        assert held(path.with_name(name(OLD))) == (OLD, {FOLDED, LOGGED})
    with closing(Database.open(path)) as db:
        assert {one.question for one in chats.messages(db, ADMINISTRATOR, CONVERSATION)} == {FOLDED, LOGGED}
    assert copies(path) == [name(OLD)]
    assert held(path.with_name(name(OLD))) == (OLD, {FOLDED, LOGGED})


def of_tomorrow(path: Path) -> str:
    """Two more migrations: one is done in no time, the other writes, says so by a file, and then takes longer than anybody waits."""
    slow = (
        f"DELETE FROM messages; COPY (SELECT 1) TO '{path.parent / 'within'}'; "
        "CREATE TABLE never AS SELECT count(*) FROM range(10000000000) a, range(10000000000) b"
    )
    return f"db.MIGRATIONS = (*db.MIGRATIONS, {REWRITING!r}, ({NEWEST + 2}, 'slow', {slow!r}))"


def test_a_kill_in_the_middle_of_a_migration_loses_nothing_and_the_next_start_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(path, NEWEST)
    killed_once(path, "within", of_tomorrow(path))
    (path.parent / "within").unlink()
    kept = path.with_name(name(NEWEST, NEWEST + 2))
    assert copies(path) == [kept.name]
    assert held(kept) == (NEWEST, {FOLDED, LOGGED})
    before = everything_in(path)[kept.name]
    # the first of the two migrations is in the file, the second is not: the copy from before both is the one that stays
    last = (NEWEST + 2, "slow", "UPDATE messages SET text = text || '?'")
    monkeypatch.setattr(store, "MIGRATIONS", (*schema.MIGRATIONS, REWRITING, last))
    Database.open(path).close()
    assert held(path) == (NEWEST + 2, {f"{FOLDED}!?", f"{LOGGED}!?"})
    assert copies(path) == [kept.name]
    assert everything_in(path)[kept.name] == before


def test_several_starts_at_once_update_once_and_keep_one_whole_copy(path: Path) -> None:
    make(path)
    processes = [child(path) for _ in range(3)]
    told = [process.communicate(timeout=PATIENCE_S)[0].strip() for process in processes]
    assert "opened" in told and set(told) <= {"opened", "store_locked", "store_locked_by"}, told
    assert copies(path) == [name(OLD)]
    assert held(path.with_name(name(OLD))) == (OLD, {FOLDED, LOGGED})
    assert held(path) == (NEWEST, {FOLDED, LOGGED})


def test_a_copy_is_not_made_while_another_program_has_the_file(path: Path) -> None:
    make(path)
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    try:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreLocked):
            Database.open(path)
        assert copies(path) == []
    finally:
        holder.communicate()


@pytest.fixture
def updated(path: Path) -> Iterator[Database]:
    """A store with a copy, whole and half."""
    make(path)
    with closing(Database.open(path)) as db:
        path.with_name(name(OLD) + store.COPYING_SUFFIX).write_text(FOLDED)
        yield db


def test_deleting_a_conversation_deletes_the_copy(updated: Database, path: Path) -> None:
    assert chats.delete_conversation(updated, ADMINISTRATOR, "00000000-0000-7000-8000-000000000000") == 0
    assert updated.kept_copy(), "nothing was deleted"
    assert chats.delete_conversation(updated, ADMINISTRATOR, CONVERSATION) == 1
    assert updated.kept_copy() is None and copies(path) == []


def test_a_conversation_that_began_after_the_update_leaves_the_copy_when_it_is_deleted(updated: Database) -> None:
    visitor = Visitor("of a hosted site")
    conversation = chats.start_conversation(updated, visitor)
    assert chats.delete_conversation(updated, visitor, conversation) == 1
    assert updated.kept_copy(), "it is not in there"


def test_deleting_everything_deletes_the_copy_even_where_no_conversation_is_left(updated: Database, path: Path) -> None:
    with updated.write() as cursor:
        cursor.execute("DELETE FROM messages; DELETE FROM conversations")
    assert forget.everything(updated, ADMINISTRATOR) == 0
    assert updated.kept_copy() is None and copies(path) == []


def test_retention_deletes_the_copy_with_what_is_older(updated: Database, path: Path) -> None:
    say(updated)
    assert forget.set_retention(updated, ADMINISTRATOR, 30) == 0
    assert updated.kept_copy(), "nothing is older"
    with updated.write() as cursor:
        for table in ("conversations", "messages"):
            cursor.execute(f"UPDATE {table} SET created_at = created_at - INTERVAL 31 DAY")
    assert forget.apply_retention(updated) == 2
    assert updated.kept_copy() is None and copies(path) == []


def test_the_command_deletes_the_copy(path: Path) -> None:
    make(path)
    Database.open(path).close()
    assert kdrinks("forget", "--all", home=path.parent).returncode == 0
    assert copies(path) == []


@pytest.mark.parametrize(("lang", "title"), [("ko", "업데이트 전 사본"), ("en", "Copy from before the update")])
def test_the_data_page_shows_the_copy_and_deletes_it(home: Path, path: Path, lang: str, title: str) -> None:
    make(path)
    page = open_page("analytics", lang, section="data")
    kept = frame.get_services().db.kept_copy()
    assert kept and kept.size_bytes >= 1024**2
    assert title in [one.value for one in page.subheader]
    assert kept.path.name in shown(page)
    assert f"{kept.size_bytes / 1024**2:.1f} MiB · {kept.made_at:%Y-%m-%d %H:%M}" in shown(page)
    page.button(key="kept-copy-delete").click().run()
    assert not page.exception
    assert title not in [one.value for one in page.subheader]
    assert copies(path) == []


def test_only_administrators_see_the_copy(home: Path, path: Path) -> None:
    make(path)
    open_page("analytics", "en", section="data")
    frame.get_services().settings = Settings(home, home, admins=frozenset({"boss@example.com"}))
    page = open_page("analytics", "en", section="data")
    assert "before the update" not in "\n".join(str(one.value) for one in page.subheader)
    assert "kept-copy-delete" not in [one.key for one in page.button] and copies(path) == [name(OLD)]


def test_without_a_copy_the_data_page_shows_none(home: Path) -> None:
    page = open_page("analytics", "en", section="data")
    assert page.subheader and "Copy from before the update" not in [one.value for one in page.subheader]
