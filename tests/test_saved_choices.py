"""Choices that a newer version or damage left behind: the app opens, takes what it understands, and changes nothing of the rest."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kdrinks.config import BUILT_IN_FILE, Settings
from kdrinks.errors import NotAllowed
from kdrinks.records import ADMINISTRATOR, Choice, Described, KeepAlive, LocalModel, Visitor
from kdrinks.services import (
    CHOICE_KEY,
    KEEPING_KEY,
    MODES_KEY,
    Services,
    last_choice,
    mode_of,
    open_services,
    save_choice,
    save_keep_alive,
    save_mode,
)
from kdrinks.store import chats, forget, preferences, sqlbox
from kdrinks.store.db import Database, new_id, now
from kdrinks.ui import frame
from kdrinks.ui.analytics.view import STOP_WORDS_KEY
from tests.support.app_pages import models_page, open_page
from tests.support.store_rows import say

KEYS = (
    CHOICE_KEY,
    KEEPING_KEY,
    MODES_KEY,
    STOP_WORDS_KEY,
    sqlbox.SAVED_KEY,
    forget.RETENTION_KEY,
    "of a newer version",
)
DAMAGED = ["[1,]", "NaN", "-Infinity", "1e999", "1" + "0" * 5000, "[" * 5000 + "]" * 5000]
"""What the store's own check of JSON lets pass and Python's reader does not, or reads as no value of ours."""
STRANGE: list[Any] = [
    None, True, 0, -1, 1, 7, 0.5, -1e300, 10**30, "", "30", "식혜", "\0", [], [None], [1, "물", {}], {}, {"x": 1},
    {"idle_s": None, "models": None}, {"idle_s": "1800", "models": "2"}, {"idle_s": True, "models": True},
    {"idle_s": -1, "models": 0}, {"idle_s": 10**400, "models": 10**400}, {"idle_s": [], "models": {}, "new": 1},
    {"idle_s": 1e300, "models": 1.5}, {"model_id": 5, "device": 5, "context_tokens": "many"},
    {"model_id": None, "device": None, "context_tokens": None}, {"model_id": ["a"], "device": ["cpu"], "context_tokens": [1]},
    {"model_id": "\0", "device": "npu", "context_tokens": -5}, {"model_id": "gone", "device": "split", "context_tokens": 10**12},
    {"model_id": "~nobody/x", "device": {}, "context_tokens": True}, {"model_id": "x" * 5000, "context_tokens": 512.5},
    {"name": 1, "other": {"sql": "SELECT 1"}, "mine": "SELECT 2"}, {"days": 30},
]  # fmt: skip
LEFT = [*DAMAGED, *(json.dumps(value, ensure_ascii=False) for value in STRANGE)]
each = pytest.mark.parametrize("text", LEFT, ids=[text[:40].encode("unicode_escape").decode() for text in LEFT])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", models=tmp_path / "models")


def leave(db: Database, key: str, text: str) -> None:
    """As another version saved it."""
    with db.write() as cursor:
        cursor.execute("INSERT INTO choices VALUES (?, ?, ?, ?)", [new_id(), key, text, now()])


def saved(db: Database) -> list[Any]:
    """Every saved choice, the texts as they are."""
    with db.cursor() as cursor:
        return cursor.execute("SELECT id, key, value::VARCHAR FROM choices ORDER BY id").fetchall()


@each
def test_the_app_opens_with_the_defaults_and_loses_nothing(settings: Settings, text: str) -> None:
    with closing(Database.open(settings.database)) as db:
        said = say(db)
        with db.write() as cursor:
            for table in ("messages", "conversations"):
                cursor.execute(f"UPDATE {table} SET created_at = ?", [now() - timedelta(days=4000)])
        for key in KEYS:
            leave(db, key, text)
        before = saved(db)
    with closing(open_services(settings)) as services:
        assert services.engine.keep_alive == KeepAlive()
        assert last_choice(services) == Choice(LocalModel("built-in", BUILT_IN_FILE))
        assert forget.retention_days(services.db) is None and forget.apply_retention(services.db) == 0
        assert preferences.get(services.db, STOP_WORDS_KEY, []) in ([], ["물"])
        queries = preferences.get(services.db, sqlbox.SAVED_KEY, {})
        assert isinstance(queries, dict) and all(isinstance(sql, str) for sql in queries.values())
        say(services.db)
        assert chats.messages(services.db, ADMINISTRATOR, said.conversation_id) and saved(services.db) == before


def test_what_is_understood_of_a_newer_version_s_choice_holds_and_the_rest_is_kept_for_it(settings: Settings) -> None:
    with closing(open_services(settings)) as services:
        leave(services.db, KEEPING_KEY, '{"idle_s": 300, "models": "many", "where": "gpu"}')
        leave(
            services.db, CHOICE_KEY, '{"model_id": "built-in", "device": "cpu", "context_tokens": 512, "threads": [1]}'
        )
        leave(services.db, STOP_WORDS_KEY, '["물", 5, {"word": "쌀"}]')
        leave(services.db, sqlbox.SAVED_KEY, '{"mine": "SELECT 2", "other": {"sql": "SELECT 1"}}')
        leave(services.db, forget.RETENTION_KEY, "90")
    with closing(open_services(settings)) as services:
        assert services.engine.keep_alive == KeepAlive(idle_s=300.0)
        assert last_choice(services) == Choice(LocalModel("built-in", BUILT_IN_FILE), "cpu", 512)
        assert preferences.get(services.db, STOP_WORDS_KEY, []) == ["물"]
        assert preferences.get(services.db, sqlbox.SAVED_KEY, {}) == {"mine": "SELECT 2"}
        assert forget.retention_days(services.db) == 90
        save_keep_alive(services, ADMINISTRATOR, KeepAlive(900.0, 2))
        save_choice(services, ADMINISTRATOR, Choice(LocalModel("built-in", BUILT_IN_FILE)))
        assert preferences.get(services.db, KEEPING_KEY) == {"idle_s": 900.0, "models": 2, "where": "gpu"}
        assert preferences.get(services.db, CHOICE_KEY)["threads"] == [1]


def test_a_models_mode_is_its_own_by_size_until_an_administrator_chose(settings: Settings) -> None:
    small, large = Described("small", "", "", guarded=True, small=True), Described("large", "", "", guarded=False)
    built_in = Described("built-in", "", "", guarded=True, small=True)
    with closing(open_services(settings)) as services:
        assert [mode_of(services, model) for model in (small, large, built_in)] == ["held", "quote", "held"]
        leave(services.db, MODES_KEY, '{"small": "loud", "large": ["free"], "built-in": "free", "gone": 5}')
        assert [mode_of(services, model) for model in (small, large, built_in)] == ["held", "quote", "held"]
        with pytest.raises(NotAllowed):
            save_mode(services, Visitor("somebody"), small, "free")
        save_mode(services, ADMINISTRATOR, small, "free")
    with closing(open_services(settings)) as services:
        assert (mode_of(services, small), mode_of(services, large)) == ("free", "quote")
        assert preferences.get(services.db, MODES_KEY)["gone"] == 5


@pytest.mark.parametrize("text", ['{"model_id": 5, "device": "npu", "context_tokens": 1000000}', "[1,]", '"30"', "-1"])
def test_every_page_opens_over_a_newer_version_s_choices_and_saves_none(home: Path, text: str) -> None:
    services: Services = frame.get_services()
    say(services.db)
    for key in KEYS:
        leave(services.db, key, text)
    before = saved(services.db)
    assert models_page().radio[0].value == "built-in"
    for section in ("words", "drinks", "speed", "data"):
        open_page("analytics", section=section)
    open_page("drinks")
    open_page("chat")
    assert saved(services.db) == before
