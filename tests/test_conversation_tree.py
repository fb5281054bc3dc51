"""A conversation is a tree: what is shown is the branch that its leaf ends, and old conversations are one branch."""

from contextlib import closing
from pathlib import Path

import duckdb

from kdrinks.records import ADMINISTRATOR
from kdrinks.store import chats, schema
from kdrinks.store.db import Database, new_id, now
from tests.support.store_rows import exchange, rows, say

LINEAR = 8
"""The last version in which a conversation was one line, read by time."""


def shown(db: Database, conversation_id: str) -> list[tuple[str, str]]:
    return [
        (asked.question, asked.exchange.answer if asked.exchange else "")
        for asked in chats.messages(db, ADMINISTRATOR, conversation_id)
    ]


def parents(db: Database) -> dict[str, str | None]:
    with db.cursor() as cursor:
        return dict(cursor.execute("SELECT text, parent::VARCHAR FROM messages").fetchall())


def branch(db: Database, conversation_id: str, parent: str, text: str) -> str:
    """A question behind another message than the last one, as editing an earlier question will write it."""
    question_id = new_id()
    with db.write() as cursor:
        cursor.execute(
            "INSERT INTO messages (id, conversation_id, parent, role, lang, text, created_at) VALUES (?, ?, ?, 'question', 'ko', ?, ?)",
            [question_id, conversation_id, parent, text, now()],
        )
        cursor.execute("UPDATE conversations SET leaf = ? WHERE id = ?", [question_id, conversation_id])
    return question_id


def test_each_question_follows_the_answer_before_it(db: Database) -> None:
    first = say(db, "하나", answer="일")
    second = say(db, "둘", first.conversation_id, answer="이")
    assert parents(db) == {"하나": None, "일": first.question_id, "둘": first.message_id, "이": second.question_id}


def test_a_version_of_a_question_is_shown_with_what_follows_it_and_the_other_stays(db: Database) -> None:
    first = say(db, "하나", answer="일")
    say(db, "둘", first.conversation_id, answer="이")
    version = branch(db, first.conversation_id, first.message_id, "둘, 다르게")
    assert shown(db, first.conversation_id) == [("하나", "일"), ("둘, 다르게", "")]
    assert chats.record(db, exchange(first.conversation_id, version, answer="이, 다르게"))
    say(db, "셋", first.conversation_id, answer="삼")
    assert shown(db, first.conversation_id) == [("하나", "일"), ("둘, 다르게", "이, 다르게"), ("셋", "삼")]
    assert rows(db, "messages") == 8


def test_an_answer_of_another_branch_does_not_move_what_is_shown(db: Database) -> None:
    first = say(db, "하나", answer="일")
    second = say(db, "둘", first.conversation_id, answer="이")
    branch(db, first.conversation_id, first.message_id, "둘, 다르게")
    assert chats.record(db, exchange(first.conversation_id, second.question_id, answer="이, 다시"))
    assert shown(db, first.conversation_id) == [("하나", "일"), ("둘, 다르게", "")]


def test_an_answer_that_is_asked_for_again_goes_before_what_followed_the_first(db: Database) -> None:
    first = say(db, "하나", answer="", finish="failed")
    say(db, "둘", first.conversation_id, answer="이")
    assert chats.record(db, exchange(first.conversation_id, first.question_id, answer="일"))
    assert shown(db, first.conversation_id) == [("하나", "일"), ("둘", "이")]
    assert parents(db)["둘"] != first.message_id
    say(db, "셋", first.conversation_id, answer="삼")
    assert shown(db, first.conversation_id) == [("하나", "일"), ("둘", "이"), ("셋", "삼")]


def test_a_question_that_was_cut_is_answered_later_with_the_rest_behind_it(db: Database) -> None:
    conversation_id = chats.start_conversation(db, ADMINISTRATOR)
    cut = chats.record_question(db, ADMINISTRATOR, conversation_id, "하나", "ko")
    say(db, "둘", conversation_id, answer="이")
    assert shown(db, conversation_id) == [("하나", ""), ("둘", "이")]
    assert chats.record(db, exchange(conversation_id, cut, answer="일"))
    assert shown(db, conversation_id) == [("하나", "일"), ("둘", "이")]


def test_a_damaged_tree_that_leads_in_a_circle_still_opens(db: Database) -> None:
    said = say(db, "하나", answer="일")
    with db.write() as cursor:
        cursor.execute("UPDATE messages SET parent = ? WHERE id = ?", [said.message_id, said.question_id])
    assert shown(db, said.conversation_id) == [("하나", "일")]


def test_old_conversations_are_shown_as_they_were_whatever_was_retried_in_them(tmp_path: Path) -> None:
    path = tmp_path / "kdrinks.duckdb"
    talk, empty = new_id(), new_id()
    ids = {text: new_id() for text in ("하나", "일", "일, 다시", "둘", "셋", "삼")}
    # (text, parent, role) in the order of their times; the second question was cut, the first one's answer written anew after it
    said = (
        ("하나", None, "question"),
        ("일", "하나", "answer"),
        ("둘", "일", "question"),
        ("일, 다시", "하나", "answer"),
        ("셋", "일, 다시", "question"),
        ("삼", "셋", "answer"),
    )
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE migrations (number INTEGER NOT NULL, name VARCHAR NOT NULL, applied_at TIMESTAMP)"
        )
        for number, name, sql in schema.MIGRATIONS[:LINEAR]:
            connection.execute(sql)
            connection.execute("INSERT INTO migrations VALUES (?, ?, NULL)", [number, name])
        for conversation_id in (talk, empty):
            connection.execute(
                "INSERT INTO conversations (id, session, created_at) VALUES (?, '', ?)", [conversation_id, now()]
            )
        for text, parent, role in said:
            connection.execute(
                "INSERT INTO messages (id, conversation_id, parent, role, lang, text, created_at) VALUES (?, ?, ?, ?, 'ko', ?, ?)",
                [ids[text], talk, ids[parent] if parent else None, role, text, now()],
            )
    with closing(Database.open(path)) as db:
        assert [asked.question for asked in chats.messages(db, ADMINISTRATOR, talk)] == ["하나", "둘", "셋"]
        found = parents(db)
        assert (found["둘"], found["셋"]) == (ids["일, 다시"], ids["둘"])
        assert chats.messages(db, ADMINISTRATOR, empty) == []
        chats.record_question(db, ADMINISTRATOR, talk, "넷", "ko")
        assert parents(db)["넷"] == ids["삼"]
