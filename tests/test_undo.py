"""A deletion on the page can be taken back for 30 seconds; then nothing of the conversation is left, whoever left or ended what meanwhile."""

from datetime import timedelta
from pathlib import Path

import pytest

from kdrinks.config import Settings
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.services import delete_conversation, open_services
from kdrinks.store import backup, chats, export, forget, mine, undo
from kdrinks.store.chats import Conversation
from kdrinks.store.db import Database, now
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
    services.carry_out_deletions()
    assert eventually(lambda: not tables_with(services.db, SECRET))
    services.close()


def test_a_question_asked_meanwhile_begins_the_conversation_again(db: Database) -> None:
    conversation = secret(db)
    undo.put_away(db, ADMINISTRATOR, conversation)
    chats.record_question(db, ADMINISTRATOR, conversation, "새로 물어요", "ko")
    assert [one.question for one in chats.messages(db, ADMINISTRATOR, conversation)] == ["새로 물어요"]
    assert not tables_with(db, SECRET) and undo.put_away_by(db, ADMINISTRATOR) == []


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
