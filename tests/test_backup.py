"""A backup is one state of everything, taken while people write, and comes back whole into an empty home and nowhere else."""

import hashlib
import json
import os
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, expect

from kdrinks.config import ROOT
from kdrinks.errors import BadInput, KdrinksError, NotAllowed, StoreDamaged, StoreLocked, StoreNotWritable
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import backup, backup_requests, chats, forget, live, preferences
from kdrinks.store.db import Database
from tests.support.command_line import document, kdrinks
from tests.support.running_app import needs_chromium, running_app, visit
from tests.support.store_rows import rows, say
from tests.support.wait import eventually

HOMES = Path(__file__).parent / "data" / "homes"


def counts(path: Path) -> dict[str, int]:
    db = Database.open(path)
    try:
        with db.cursor() as cursor:
            names = [
                name
                for (name,) in cursor.execute(
                    "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
                ).fetchall()
            ]
        return {name: rows(db, name) for name in names}
    finally:
        db.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """One with conversations, a choice and files beside the database."""
    home = tmp_path / "home"
    db = Database.open(home / "kdrinks.duckdb")
    for _ in range(3):
        say(db)
    preferences.set(db, ADMINISTRATOR, "stopwords", ["그냥"])
    db.close()
    (home / "questions").mkdir()
    (home / "questions" / "mine.jsonl").write_text('{"question": "식혜가 뭐야?"}\n', encoding="utf-8")
    (home / "plans.json").write_text("{}", encoding="utf-8")
    return home


@pytest.fixture
def db(home: Path) -> Iterator[Database]:
    opened = Database.open(home / "kdrinks.duckdb")
    yield opened
    opened.close()


def test_every_table_and_file_comes_back_into_an_empty_home(home: Path, db: Database, tmp_path: Path) -> None:
    tables = backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    assert tables["conversations"] == tables["generations"] == 3 and tables["choices"] == 1
    again = tmp_path / "again"
    assert backup.restore(again, tmp_path / "one.zip") == tables == counts(again / "kdrinks.duckdb")
    for name in ("questions/mine.jsonl", "plans.json"):
        assert (again / name).read_bytes() == (home / name).read_bytes()
    restored = Database.open(again / "kdrinks.duckdb")
    assert preferences.get(restored, "stopwords", []) == ["그냥"]
    conversations = chats.conversations(restored, ADMINISTRATOR)
    assert [one.title for one in conversations] == ["식혜에 술이 들어가나요?"] * 3
    restored.close()
    assert sorted(path.name for path in again.iterdir()) == ["kdrinks.duckdb", "plans.json", "questions"]


def test_a_backup_taken_while_people_write_holds_whole_answers_only(db: Database, tmp_path: Path) -> None:
    """An answer comes with 4 words, a citation and a trace in one transaction: a copy table by table would hold some without."""
    stop, failed = threading.Event(), []

    def write() -> None:
        try:
            while not stop.is_set():
                say(db)
        except BaseException as exc:
            failed.append(exc)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    taken = []
    try:
        for number in range(4):
            wait_for_more(db)
            taken.append(backup.write(db, ADMINISTRATOR, tmp_path / f"{number}.zip"))
    finally:
        stop.set()
        for writer in writers:
            writer.join(30)
    assert failed == []
    assert len({tables["generations"] for tables in taken}) == 4, "nothing was written meanwhile"
    for number, tables in enumerate(taken):
        restored = tmp_path / f"home-{number}"
        assert backup.restore(restored, tmp_path / f"{number}.zip") == tables == counts(restored / "kdrinks.duckdb")
        assert tables["words"] == 4 * tables["generations"] == 4 * tables["citations"] == 4 * tables["traces"]


def wait_for_more(db: Database) -> None:
    before = rows(db, "generations")
    assert eventually(lambda: rows(db, "generations") > before, 30)


def test_the_live_connection_does_not_hinder_a_backup_and_is_not_in_it(db: Database, tmp_path: Path) -> None:
    live.start(db, ADMINISTRATOR)
    try:
        tables = backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    finally:
        live.stop(db, ADMINISTRATOR)
    backup.restore(tmp_path / "again", tmp_path / "one.zip")
    assert counts(tmp_path / "again" / "kdrinks.duckdb") == tables
    with duckdb.connect(str(tmp_path / "again" / "kdrinks.duckdb"), read_only=True) as connection:
        schemas = connection.execute("SELECT schema_name FROM duckdb_schemas() WHERE NOT internal").fetchall()
    assert ("live",) not in schemas


def test_what_was_deleted_before_is_in_no_byte_of_a_backup(db: Database, tmp_path: Path) -> None:
    secret = "비밀이야기"
    said = say(db, question=f"{secret} 식혜?")
    forget.one(db, ADMINISTRATOR, said.conversation_id)
    backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert all(secret.encode() not in archive.read(name) for name in archive.namelist())


def test_a_deletion_that_met_the_copying_is_finished_when_the_copy_is(db: Database, tmp_path: Path) -> None:
    """The file is written anew only while nobody reads; that would have waited for the next start."""
    secret = "비밀이야기"
    said = say(db, question=f"{secret} 식혜?")
    db.checkpoint()
    with db.cursor():  # as a long copy holds one
        forget.one(db, ADMINISTRATOR, said.conversation_id)
    assert db.path
    due, content = db.rewrite_is_due, db.path.read_bytes()
    assert due and secret.encode() in content
    backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    due, content = db.rewrite_is_due, db.path.read_bytes()
    assert not due and secret.encode() not in content


def test_a_backup_of_an_older_kdrinks_comes_back_and_is_brought_up_to_date(tmp_path: Path) -> None:
    """Of the home that commit b7ffbff made, schema 8, packed as a backup of that time would be."""
    old = tmp_path / "old"
    with zipfile.ZipFile(HOMES / "b7ffbff.zip") as archive:
        archive.extractall(old)
    (path,) = old.rglob("kdrinks.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CHECKPOINT")
        rows_of_old = {
            name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        }
    content = path.read_bytes()
    file = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest = {"format": 1, "schema": 8, "tables": rows_of_old, "files": {"kdrinks.duckdb": file}}
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("kdrinks.duckdb", content)
        archive.writestr("manifest.json", json.dumps(manifest))
    assert backup.restore(tmp_path / "again", tmp_path / "old.zip") == rows_of_old
    now = counts(tmp_path / "again" / "kdrinks.duckdb")
    kept = ("conversations", "messages", "generations", "words", "citations", "choices", "drink_versions")
    assert {name: now[name] for name in kept} == {name: rows_of_old[name] for name in kept}
    assert now["conversations"] > 0


def test_models_and_what_can_be_made_again_are_left_out_and_links_are_not_followed(
    home: Path, db: Database, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.txt").write_text("not of this home")
    (home / "link.txt").symlink_to(tmp_path / "elsewhere.txt")
    (home / "models").mkdir()
    (home / "models" / "large.gguf").write_bytes(b"GGUF")
    (home / "snapshot").mkdir()
    (home / "snapshot" / "words.parquet").write_bytes(b"PAR1")
    (home / "kdrinks.8-before-13.duckdb").write_bytes(b"with what was deleted since")
    backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert sorted(archive.namelist()) == ["kdrinks.duckdb", "manifest.json", "plans.json", "questions/mine.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="no modes on this system")
def test_nobody_else_on_the_machine_reads_a_backup_or_what_it_restores(db: Database, tmp_path: Path) -> None:
    backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    backup.restore(tmp_path / "again", tmp_path / "one.zip")
    files = [tmp_path / "one.zip", *(path for path in (tmp_path / "again").rglob("*") if path.is_file())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "again").stat().st_mode) == 0o700


def test_a_visitor_takes_none(db: Database, tmp_path: Path) -> None:
    with pytest.raises(NotAllowed):
        backup.write(db, Visitor("somebody"), tmp_path / "one.zip")
    assert not (tmp_path / "one.zip").exists()


def test_an_earlier_backup_is_never_overwritten_and_a_failed_one_leaves_nothing(db: Database, tmp_path: Path) -> None:
    (tmp_path / "one.zip").write_bytes(b"yesterday")
    with pytest.raises(BadInput) as caught:
        backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    assert caught.value.key == "backup_exists" and (tmp_path / "one.zip").read_bytes() == b"yesterday"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreNotWritable):
        backup.write(db, ADMINISTRATOR, tmp_path / "file" / "one.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "home", "one.zip"]


def test_a_home_in_use_is_left_as_it_is(home: Path, db: Database, tmp_path: Path) -> None:
    backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    say(db)
    with pytest.raises(BadInput) as caught:
        backup.restore(home, tmp_path / "one.zip")
    assert caught.value.key == "restore_not_empty" and str(home) in caught.value.message("ko")
    assert rows(db, "conversations") == 4


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def junk(file: Path) -> None:
    file.write_bytes(b"not a backup" * 100)


def gone(file: Path) -> None:
    file.unlink()


def rewritten(file: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """The archive again, with its files changed."""
    with zipfile.ZipFile(file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def told(**changes: object) -> Callable[[Path], None]:
    """A manifest that says something else."""

    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        for name, value in changes.items():
            manifest[name] = value if not isinstance(value, dict) else manifest[name] | value
        files["manifest.json"] = json.dumps(manifest).encode()

    return lambda file: rewritten(file, change)


def another_database(file: Path) -> None:
    rewritten(file, lambda files: files.update({"kdrinks.duckdb": bytes(len(files["kdrinks.duckdb"]))}))


OUTSIDE = {"size_bytes": 2, "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}
DAMAGES = {
    "cut": cut,
    "flipped": flip,
    "junk": junk,
    "gone": gone,
    "another database": another_database,
    "no manifest": lambda file: rewritten(file, lambda files: files.pop("manifest.json")),
    "a manifest that is a list": lambda file: rewritten(file, lambda files: files.update({"manifest.json": b"[]"})),
    "other rows": told(tables={"conversations": 4}),
    "a file that is not there": told(files={"more.json": OUTSIDE}),
    "above the home": told(files={"../evil.json": OUTSIDE}),
    "an absolute name": told(files={"/tmp/evil.json": OUTSIDE}),
    "a name of Windows": told(files={"..\\evil.json": OUTSIDE}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_no_whole_backup_changes_nothing(db: Database, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "one.zip"
    backup.write(db, ADMINISTRATOR, file)
    DAMAGES[damage](file)
    with pytest.raises(BadInput) as caught:
        backup.restore(tmp_path / "again", file)
    assert caught.value.key == "backup_damaged" and str(file) in caught.value.message("ko")
    assert not (tmp_path / "again").exists() or list((tmp_path / "again").iterdir()) == []
    assert not (tmp_path / "evil.json").exists()


def test_a_backup_of_a_newer_kdrinks_is_named_as_such(db: Database, tmp_path: Path) -> None:
    backup.write(db, ADMINISTRATOR, tmp_path / "one.zip")
    told(schema=9999)(tmp_path / "one.zip")
    with pytest.raises(StoreDamaged) as caught:
        backup.restore(tmp_path / "again", tmp_path / "one.zip")
    assert caught.value.key == "store_newer"


APP = textwrap.dedent("""
    import sys
    from pathlib import Path
    from kdrinks.store.backup_requests import BackupRequests
    from kdrinks.store.db import Database

    home = Path(sys.argv[1])
    db = Database.open(home / "kdrinks.duckdb")
    requests = BackupRequests(db, home) if sys.argv[2] == "listens" else None
    print("open", flush=True)
    sys.stdin.read()
    if requests:
        requests.close()
    db.close()
""")


@pytest.fixture(params=["listens", "is silent"])
def holder(home: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Another process that has the store open, as the app has."""
    process = subprocess.Popen(
        [sys.executable, "-c", APP, str(home), request.param],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin and process.stdout
    assert process.stdout.readline() == "open\n"
    yield request.param
    process.communicate()


@pytest.mark.parametrize("holder", ["listens"], indirect=True)
def test_the_command_backs_up_through_the_running_app_and_restores_into_another_home(
    home: Path, holder: str, tmp_path: Path
) -> None:
    file = tmp_path / "backups" / "one.zip"
    made = document(kdrinks("backup", str(file), "--json", home=home))
    restored = document(kdrinks("restore", str(file), "--json", home=tmp_path / "again"))
    assert made == restored == {"tables": counts(tmp_path / "again" / "kdrinks.duckdb")}
    assert made["tables"]["conversations"] == 3
    again = kdrinks("backup", str(file), home=home)
    assert again.returncode == 1 and str(file) in again.stderr and "Traceback" not in again.stderr


@pytest.mark.parametrize("holder", ["is silent"], indirect=True)
def test_where_another_program_has_the_database_the_command_says_so(home: Path, holder: str, tmp_path: Path) -> None:
    refused = kdrinks("backup", str(tmp_path / "one.zip"), home=home)
    assert refused.returncode == 1 and str(home) in refused.stderr and "Traceback" not in refused.stderr


def test_without_the_app_the_command_backs_up_itself_and_makes_no_home_of_a_slip(home: Path, tmp_path: Path) -> None:
    assert document(kdrinks("backup", str(tmp_path / "one.zip"), "--json", home=home))["tables"]["conversations"] == 3
    slip = kdrinks("backup", str(tmp_path / "two.zip"), home=tmp_path / "hom")
    assert slip.returncode == 1 and not (tmp_path / "hom").exists() and not (tmp_path / "two.zip").exists()


def test_nobody_but_its_owner_asks_the_app_for_a_backup_and_nobody_holds_it_up(
    home: Path, db: Database, tmp_path: Path
) -> None:
    requests = backup_requests.BackupRequests(db, home)
    try:
        told = home / backup.REQUESTS
        if os.name != "nt":
            assert stat.S_IMODE(told.stat().st_mode) == 0o600
        port = json.loads(told.read_text())["port"]
        for line in (
            b"\n",
            b"{}\n",
            b"[]\n",
            b"null\n",
            b"\xff\n",
            b'{"key": "0", "file": "%b"}\n' % bytes(tmp_path / "x.zip"),
        ):
            with socket.create_connection(("127.0.0.1", port), 10) as stranger:
                stranger.sendall(line)
                assert stranger.recv(100) == b""
        with socket.create_connection(("127.0.0.1", port), 10) as silent:
            assert backup_requests.ask(home, tmp_path / "one.zip")["conversations"] == 3
            assert silent.recv(100) == b""
        with pytest.raises(KdrinksError) as caught:
            backup_requests.ask(home, tmp_path / "one.zip" / "two.zip")
        assert caught.value.key == "backup_not_writable"
        assert [path.name for path in tmp_path.glob("*.zip")] == ["one.zip"]
    finally:
        requests.close()
    assert not told.exists()
    with pytest.raises(StoreLocked):
        backup_requests.ask(home, tmp_path / "late.zip")


@pytest.mark.browser
@needs_chromium
def test_an_administrator_takes_a_backup_on_the_page_and_none_stays_on_the_server(
    browser: Browser, home: Path, tmp_path: Path
) -> None:
    with running_app(home, tmp_path) as app, visit(browser, app, "/analytics?section=data", locale="en-US") as page:
        expect(
            page.get_by_text("What is deleted after a backup stays in that file until the file is deleted")
        ).to_be_visible()
        before = beside_the_database(home)
        with page.expect_download() as download:
            page.get_by_role("button", name="Take a backup").click()
        download.value.save_as(tmp_path / "one.zip")
        assert beside_the_database(home) == before
    tables = backup.restore(tmp_path / "again", tmp_path / "one.zip")
    assert tables == counts(tmp_path / "again" / "kdrinks.duckdb") and tables["conversations"] == 3


def beside_the_database(home: Path) -> list[str]:
    """Its log comes and goes."""
    return sorted(path.name for path in home.iterdir() if not path.name.startswith("kdrinks.duckdb"))
