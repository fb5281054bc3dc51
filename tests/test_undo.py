"""A deletion on the page can be taken back for 30 seconds; then nothing of the conversation is left, whoever left or ended what meanwhile."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from kdrinks import answer, deletions
from kdrinks.config import Settings
from kdrinks.errors import StoreError
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.services import delete_conversation, open_services
from kdrinks.store import analytics, backup, chats, export, forget, mine, sqlbox, undo, word_stats
from kdrinks.store.chats import Conversation
from kdrinks.store.db import Database, now
from kdrinks.store.views import VIEWS
from tests.support.store_rows import rows, say
from tests.support.wait import eventually
from tests.test_forget import files_with, tables_with

SECRET = "Qz7vK1mXw9RtB3nLs5Jd"  # no compression hides it from a search of the file
TABLES = ("conversations", "messages", "generations", "words", "citations", "traces")


def secret(db: Database) -> str:
    """The id of a conversation with a secret, beside another."""
    say(db)
    return say(db, SECRET).conversation_id


def listed(db: Database) -> list[Conversation]:
    return chats.conversations(db, ADMINISTRATOR)


def long_ago(db: Database) -> None:
    """Let the time for undoing be over."""
    with db.write() as cursor:
        cursor.execute(
            "UPDATE conversations SET deleted_at = ? WHERE deleted_at IS NOT NULL",
            [now() - timedelta(seconds=forget.UNDO_S + 1)],
        )


def test_what_was_deleted_is_nowhere_to_be_seen_and_comes_back_as_it_was(db: Database) -> None:
    conversation = secret(db)
    before, said = listed(db), chats.messages(db, ADMINISTRATOR, conversation)
    counted = [rows(db, table) for table in TABLES]
    assert undo.put_away(db, ADMINISTRATOR, conversation) == 1
    assert undo.put_away(db, ADMINISTRATOR, conversation) == 0, "it is away already"
    assert [one.id for one in listed(db)] == [one.id for one in before if one.id != conversation]
    assert chats.messages(db, ADMINISTRATOR, conversation) == []
    assert SECRET not in mine.export(db, ADMINISTRATOR).decode() and mine.summary(db, ADMINISTRATOR).conversations == 1
    assert undo.put_away_by(db, ADMINISTRATOR) == [undo.PutAway(conversation, SECRET)]
    assert forget.carry_out(db) == 0, "its time is not over"

    assert undo.take_back(db, ADMINISTRATOR, conversation) == 1
    assert listed(db) == before and chats.messages(db, ADMINISTRATOR, conversation) == said
    assert [rows(db, table) for table in TABLES] == counted and undo.put_away_by(db, ADMINISTRATOR) == []
    assert undo.take_back(db, ADMINISTRATOR, conversation) == 0


def test_after_its_time_nothing_of_it_is_in_any_table_or_file(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    conversation = secret(db)
    told: list[str] = []
    db.on_delete.append(told.extend)
    undo.put_away(db, ADMINISTRATOR, conversation)
    long_ago(db)
    assert undo.take_back(db, ADMINISTRATOR, conversation) == 0 and undo.put_away_by(db, ADMINISTRATOR) == []
    assert forget.is_overdue(db) and forget.carry_out(db) == 1 and not forget.is_overdue(db)
    assert not tables_with(db, SECRET) and not files_with(tmp_path, SECRET)
    assert told == [conversation] and len(listed(db)) == 1
    db.close()
    assert not files_with(tmp_path, SECRET)


def test_a_clock_that_was_set_back_keeps_nothing(db: Database) -> None:
    undo.put_away(db, ADMINISTRATOR, secret(db))
    with db.write() as cursor:
        cursor.execute(
            "UPDATE conversations SET deleted_at = deleted_at + INTERVAL 1 YEAR WHERE deleted_at IS NOT NULL"
        )
    assert forget.carry_out(db) == 1


def test_an_app_that_ends_within_the_time_deletes_at_its_next_start(tmp_path: Path) -> None:
    services = open_services(Settings(tmp_path, tmp_path))
    conversation = secret(services.db)
    assert delete_conversation(services, ADMINISTRATOR, conversation) == 1
    services.close()
    assert files_with(tmp_path, SECRET)
    again = open_services(Settings(tmp_path, tmp_path))
    assert not tables_with(again.db, SECRET) and not files_with(tmp_path, SECRET) and len(listed(again.db)) == 1
    again.close()


def test_a_running_app_deletes_whether_or_not_any_page_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget, "UNDO_S", 0.2)
    services = open_services(Settings(tmp_path, tmp_path), memory=True)
    delete_conversation(services, ADMINISTRATOR, secret(services.db))
    assert eventually(lambda: not tables_with(services.db, SECRET))
    assert len(listed(services.db)) == 1
    services.close()


def test_a_deletion_that_failed_is_tried_again_by_the_next_visit(tmp_path: Path) -> None:
    services = open_services(Settings(tmp_path, tmp_path), memory=True)
    undo.put_away(services.db, ADMINISTRATOR, secret(services.db))
    long_ago(services.db)
    services.deletions.carry_out()
    assert eventually(lambda: not tables_with(services.db, SECRET))
    services.close()


def test_a_question_from_another_tab_begins_a_new_conversation_and_the_deleted_one_can_still_be_taken_back(
    tmp_path: Path,
) -> None:
    services = open_services(Settings(tmp_path, tmp_path), memory=True)
    one, boss = Visitor("one"), Visitor("boss", administrator=True)
    conversation = chats.start_conversation(services.db, one)
    question = chats.record_question(services.db, one, conversation, SECRET, "ko")
    for who, again in ((one, ""), (one, question), (boss, "")):
        undo.put_away(services.db, one, conversation)
        asked = answer.ask(services, who, "식혜란?", conversation_id=conversation, question_id=again).question
        assert asked.conversation_id != conversation and asked.owner == who.id
        running = answer.running(services, who, asked.conversation_id)
        assert running is None or running.wait(60)
        assert [said.question for said in chats.messages(services.db, who, asked.conversation_id)] == ["식혜란?"]
        assert undo.take_back(services.db, one, conversation) == 1
        assert [said.question for said in chats.messages(services.db, one, conversation)] == [SECRET]
    services.close()


def test_what_is_deleted_while_an_older_deletion_is_carried_out_has_its_whole_time(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = secret(db), say(db).conversation_id
    undo.put_away(db, ADMINISTRATOR, old)
    long_ago(db)
    looked = threading.Event()
    is_overdue = forget.is_overdue

    def look(db: Database, *, at_once: bool = False) -> bool:
        found = is_overdue(db, at_once=at_once)
        looked.set()
        return found

    monkeypatch.setattr(forget, "is_overdue", look)
    with db.write() as cursor:
        at_work = threading.Thread(target=forget.carry_out, args=(db,))
        at_work.start()
        assert looked.wait(10)  # from here on it waits for its turn to write
        cursor.execute("UPDATE conversations SET deleted_at = ? WHERE id = ?", [now(), new])
    at_work.join(10)
    assert [away.id for away in undo.put_away_by(db, ADMINISTRATOR)] == [new]
    assert not tables_with(db, SECRET) and undo.take_back(db, ADMINISTRATOR, new) == 1


def test_no_sentence_of_it_is_read_on_the_analytics_page_or_by_a_query(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "kdrinks.duckdb")
    conversation = secret(db)
    view = analytics.AnalyticsFilter()

    def read() -> tuple[set[str], int, int]:
        concordance = word_stats.concordance(db, ADMINISTRATOR, view, "식혜")
        texts = sqlbox.query(db, ADMINISTRATOR, f"SELECT * FROM messages WHERE text = '{SECRET}'").table
        with db.cursor() as cursor:
            found = [str(row) for each in VIEWS for row in cursor.execute(each.sql).fetchall()]
        return set(concordance["conversation_id"]), len(texts), sum(conversation in row for row in found)

    there, before = read(), analytics.data_version(db)
    assert conversation in there[0] and len(there[0]) == 2 and there[1] == 1 and there[2] > 4
    undo.put_away(db, ADMINISTRATOR, conversation)
    left, away = read(), analytics.data_version(db)
    assert conversation not in left[0] and len(left[0]) == 1 and left[1:] == (0, 0)
    undo.take_back(db, ADMINISTRATOR, conversation)
    assert read() == there and analytics.data_version(db) == before != away
    db.close()


def test_several_deletions_are_carried_out_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forget, "UNDO_S", 0.5)
    services = open_services(Settings(tmp_path, tmp_path), memory=True)
    rewritten: list[int] = []
    carry_out = forget.carry_out
    monkeypatch.setattr(forget, "carry_out", lambda db: rewritten.append(carry_out(db)))
    for conversation in [secret(services.db) for _ in range(3)]:
        delete_conversation(services, ADMINISTRATOR, conversation)
        assert at_work() == 1
    assert eventually(lambda: not tables_with(services.db, SECRET) and not at_work())
    assert sum(rewritten) == 3 and len(rewritten) < 3
    services.close()


def test_a_disk_that_is_full_is_tried_once_a_minute_however_often_pages_are_drawn(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Database] = []

    def full(db: Database) -> None:
        tries.append(db)
        raise StoreError("store_no_room", path="kdrinks.duckdb", need=2, free=1)

    monkeypatch.setattr(forget, "carry_out", full)
    closing = threading.Event()
    timer = deletions.Deletions(db, closing)
    timer.carry_out()
    assert eventually(lambda: tries and not at_work())
    for _ in range(5):
        timer.carry_out()
        assert at_work() == 1
    assert len(tries) == 1
    closing.set()
    assert eventually(lambda: not at_work())
    monkeypatch.setattr(deletions, "RETRY_S", 0.05)
    timer = deletions.Deletions(db, threading.Event())
    timer.carry_out()
    assert eventually(lambda: len(tries) == 2 and not at_work())
    timer.carry_out()
    assert eventually(lambda: len(tries) == 3 and not at_work()), "and then again"


def test_deletions_that_follow_one_another_put_no_older_one_off_for_good(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "UNDO_S", 0.1)
    closing, done = threading.Event(), threading.Event()
    monkeypatch.setattr(forget, "carry_out", lambda db: done.set())
    timer = deletions.Deletions(db, closing)
    timer.carry_out(forget.UNDO_S)
    timer.carry_out(3600.0)
    assert done.wait(10)
    closing.set()


def at_work() -> int:
    return sum(thread.name == "deletion" for thread in threading.enumerate())


def test_no_copy_that_is_made_meanwhile_holds_it(tmp_path: Path) -> None:
    db = Database.open(tmp_path / "home" / "kdrinks.duckdb")
    for make in (
        lambda: export.export(db, ADMINISTRATOR, tmp_path / "export", ["jsonl", "csv"]),
        lambda: backup.write(db, ADMINISTRATOR, tmp_path / "backup.zip"),
    ):
        undo.put_away(db, ADMINISTRATOR, secret(db))
        make()
        assert not tables_with(db, SECRET)
    assert not files_with(tmp_path / "export", SECRET)
    db.close()


def test_everybody_takes_back_their_own(db: Database) -> None:
    one, other = Visitor("one"), Visitor("other")
    conversation = chats.start_conversation(db, one)
    chats.record_question(db, one, conversation, SECRET, "ko")
    undo.put_away(db, one, conversation)
    assert undo.put_away_by(db, other) == [] and undo.take_back(db, other, conversation) == 0
    assert [away.id for away in undo.put_away_by(db, one)] == [conversation]
    assert undo.take_back(db, one, conversation) == 1


def test_a_deleted_visitors_data_goes_whole(db: Database) -> None:
    one = Visitor("one")
    conversation = chats.start_conversation(db, one)
    chats.record_question(db, one, conversation, SECRET, "ko")
    undo.put_away(db, one, conversation)
    assert forget.of_owner(db, one) == 1 and not tables_with(db, SECRET)
