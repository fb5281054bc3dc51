"""The table of kinds: nothing that is said of one is missing, and a kind that only another version has does no harm."""

import ast
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from kdrinks import kinds
from kdrinks.config import ROOT
from kdrinks.drinks import catalog, model, read
from kdrinks.drinks.facts import facts_of
from kdrinks.drinks.model import Bilingual
from kdrinks.drinks.passages import all_passages, passages_of
from kdrinks.drinks.read import load_beliefs, load_drinks, load_topics, record_of
from kdrinks.generation import templates
from kdrinks.generation.guard import Guard
from kdrinks.kinds import Intent, Kind
from kdrinks.records import ADMINISTRATOR, Citation, Passage
from kdrinks.search import reading
from kdrinks.search.query import INTENT_OF
from kdrinks.search.topics import load_cues
from kdrinks.store.db import Database
from tests.support import store_rows
from tests.support.app_pages import open_app, shown

INTENTS = frozenset(get_args(Intent))


def test_every_kind_has_a_row() -> None:
    assert list(get_args(Kind)) == list(kinds.TABLE)


@pytest.mark.parametrize("kind", kinds.TABLE)
def test_a_kind_has_its_words_in_both_languages(kind: Kind) -> None:
    row = kinds.TABLE[kind]
    assert all(row.label), "what its sources are called"
    assert bool(row.questions[0]) == bool(row.questions[1])
    assert all("{title}" in question for asked in row.questions for question in asked)
    own = [field for field in row.fields if field.name != "hanja"]  # an English text has the Hanja in parentheses
    assert all(all(field.label) and all(field.shown or field.label) for field in own)
    assert all(bool(field.frame.ko) == bool(field.frame.en) for field in own)
    assert all("{" in text for field in own for text in field.frame if text)
    assert row.told != "phrases" or all(all(field.frame) for field in row.fields), "what an answer says of it"
    assert bool(row.fields) == (row.told not in ("elsewhere", "details"))
    assert row.aspects or row.told not in ("facts", "details")
    assert row.told != "details" or row.aspects <= set(get_args(model.Aspect))


def test_a_kind_tells_fields_that_a_drink_has_and_no_two_the_same() -> None:
    has = {field.name for field in dataclasses.fields(model.Drink)}
    told = [field.name for row in kinds.TABLE.values() if row.told not in ("own", "elsewhere") for field in row.fields]
    assert set(told) <= has and len(told) == len(set(told))
    assert len(kinds.FIELDS) == sum(len(row.fields) for row in kinds.TABLE.values())
    aspects = [aspect for row in kinds.TABLE.values() for aspect in row.aspects]
    assert len(aspects) == len(set(aspects))


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_kind_is_told_of_some_drink_and_said_by_an_answer(lang: str) -> None:
    passages = all_passages(load_drinks(), load_topics(), load_beliefs())
    found = {passage.kind for passage in passages if passage.lang == lang}
    assert found == set(kinds.TABLE) - {"document", "listing"}
    for passage in passages:
        said = templates.sentences(passage)
        assert said and not any("{" in sentence for sentence in said), passage.id


def test_every_kind_of_a_drink_can_be_asked_for() -> None:
    asked = {INTENT_OF.get(ask, ask) for ask in reading.ASKS}
    assert set(kinds.OF_DRINKS) <= asked | {"cautions"}, "search/reading.py: ASKS; what to mind is asked for as health"


def test_the_built_in_model_has_a_token_for_what_each_kind_is_taken_for() -> None:
    file = (ROOT / "models" / "kdrinks-mini.gguf").read_bytes()
    assert [kind for kind in kinds.TABLE if f"<|{kinds.learned_as(kind)}|>".encode() not in file] == []


def test_what_is_quoted_is_never_shortened() -> None:
    assert not any(row.quoted and row.may_be_shortened for row in kinds.TABLE.values())


def test_the_data_name_no_intent_that_there_is_none_of() -> None:
    assert {INTENT_OF.get(ask, ask) for ask in reading.ASKS} <= INTENTS
    assert {intent for cues in load_cues().values() for intent in cues.intents} <= INTENTS


def test_no_line_compares_an_intent_with_one_that_there_is_none_of() -> None:
    # `intent == "typo"` is mypy's; it says nothing of `intent in ("typo",)`
    for path in [ROOT / "kdrinks" / "answer.py", *sorted((ROOT / "kdrinks" / "search").glob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare) and any(_is_intent(side) for side in (node.left, *node.comparators)):
                named = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
                assert {one for one in named if isinstance(one, str)} <= INTENTS, f"{path.name}:{node.lineno}"


def _is_intent(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name == "intent"


STRANGE = Passage("sikhye.glow.ko", "sikhye", "glow", "ko", "식혜", "식혜는 밤에 빛납니다. 정말입니다.")  # type: ignore[arg-type]


def test_a_source_of_a_kind_that_this_version_lacks_is_still_shown(home: Path) -> None:
    db = Database.open(home / "kdrinks.duckdb")
    said = store_rows.say(db, citations=(Citation(1, STRANGE, 1.0),))
    db.close()
    app = open_app(c=said.conversation_id)
    assert not app.exception
    assert "식혜는 밤에 빛납니다." in shown(app)
    assert kinds.row("glow").label.ko in [one.value for one in app.caption]


def test_a_passage_of_a_kind_that_this_version_lacks_is_said_whole() -> None:
    guard = Guard("identity", "ko", [STRANGE])
    assert [line.sentence for line in guard.script] == ["식혜는 밤에 빛납니다.", "정말입니다."]
    assert [line.may_end for line in guard.script] == [False, True]
    assert kinds.learned_as(STRANGE.kind) in kinds.TABLE


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[model.Drink]]:
    """A version in which drinks have one field more."""
    field = ("keeping", Bilingual, dataclasses.field(default=Bilingual("", "")))
    drink = dataclasses.make_dataclass("Drink", [field], bases=(model.Drink,), frozen=True, slots=True)
    monkeypatch.setattr(read, "Drink", drink)
    catalog.packaged.cache_clear()
    yield drink
    catalog.packaged.cache_clear()


@pytest.mark.usefixtures("later")
def test_a_drink_edited_before_a_field_came_is_kept() -> None:
    db = Database.open(None)
    before = {**record_of(load_drinks()[0]), "hanja": "一"}
    assert "keeping" not in before
    catalog.save(db, ADMINISTRATOR, "corrected", {before["id"]: before})
    now = catalog.current(db)
    assert now.unfit == () and now.by_id[before["id"]].hanja == "一"
    assert record_of(now.by_id[before["id"]]) == before, "what is at its default is not written"


def test_a_field_that_came_later_is_read_and_written(later: type[model.Drink]) -> None:
    record = {**record_of(load_drinks()[0]), "keeping": {"ko": "냉장고에 둡니다.", "en": "Keep it cold."}}
    assert json.loads(json.dumps(record_of(read.drink_from(record)))) == record
    assert "keeping" in read.later_fields(later)


def test_a_kind_that_a_record_says_nothing_of_makes_no_passage() -> None:
    nothing = Bilingual("", "")
    drink = dataclasses.replace(load_drinks()[0], region=nothing, caffeine=nothing)
    assert not {passage.kind for passage in passages_of(facts_of(drink), "ko")} & {"region", "caffeine"}
