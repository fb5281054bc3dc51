"""Who wishes for a drink in words of his own is shown drinks that suit, and never one that he must not have."""

import json
from pathlib import Path

import pytest

from kdrinks.drinks.names import packaged_names
from kdrinks.drinks.read import load_drinks
from kdrinks.findings import Findings
from kdrinks.search import wished
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer

WISHES = [
    json.loads(line) for line in (Path(__file__).parent / "data" / "wishes.jsonl").read_text("utf-8").splitlines()
]
"""150 of a writer who wrote none of those that were learned from: `fits` are all drinks that a fair judge would accept."""


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


def shown(knowledge: Knowledge, found: Findings) -> list[str]:
    if found.rows:
        return [row.id for row in found.rows]
    named = [hit.passage.subject_id for hit in found.prompt_hits if hit.passage.subject_id in knowledge.index.drinks]
    return list(dict.fromkeys(named))


def test_of_the_wishes_of_a_stranger_most_are_met_by_the_first_drink(knowledge: Knowledge) -> None:
    first = [shown(knowledge, knowledge.find(row["wish"]))[:1] for row in WISHES]
    met = sum(bool(set(ids) & set(row["fits"])) for ids, row in zip(first, WISHES, strict=True))
    assert met >= 0.62 * len(WISHES) == 0.62 * 150


def test_a_wish_is_matched_in_words_that_no_record_holds() -> None:
    drinks = load_drinks()
    met = 0
    for row in WISHES:
        suits = wished.suiting(row["wish"], drinks)
        met += max(suits, key=suits.__getitem__) in row["fits"]
        assert sum(suits.values()) == pytest.approx(1)
    assert met >= 0.7 * len(WISHES)


@pytest.mark.parametrize(
    ("wish", "tag"),
    [
        ("anything but sweet. iced. all day at my desk", "sweet"),
        ("달지 않은 걸로 하나 추천해줘, 밥 먹고 마실 거", "sweet"),
    ],
)
def test_what_is_not_wanted_is_not_suggested(knowledge: Knowledge, wish: str, tag: str) -> None:
    ids = shown(knowledge, knowledge.find(wish))
    assert ids
    assert all(tag not in knowledge.index.drinks[one].tags.mood for one in ids)


@pytest.mark.parametrize(
    "wish",
    [
        "movie night, freezing here, something warm, no booze",
        "운전해야 하는데 회식 자리에서 분위기 맞출 만한 거",
        "i'm 8 weeks pregnant and want something that feels like a cocktail",
    ],
)
def test_whatever_was_learned_of_wishes_who_must_not_have_alcohol_is_shown_none(
    knowledge: Knowledge, wish: str
) -> None:
    for one in shown(knowledge, knowledge.find(wish)):
        assert knowledge.index.drinks[one].alcohol_free


@pytest.mark.parametrize(
    ("question", "group", "tag"),
    [
        ("anything made w/ flowers? just names", "base", "flower"),
        ("붉은 술 뭐 있어?", "look", "red"),
        ("톡 쏘는 음료 몇 가지야?", "taste", "fizzy"),
        ("which drinks can I make without a stove", "kitchen", "no_heat"),
        ("I only have a kettle, what can I make", "kitchen", "kettle"),
    ],
)
def test_a_list_by_taste_look_base_or_kitchen_is_whole(
    knowledge: Knowledge, question: str, group: str, tag: str
) -> None:
    drinks = knowledge.index.drinks
    having = {one for one, drink in drinks.items() if tag in getattr(drink.tags, group)}
    if "술" in question:
        having = {one for one in having if drinks[one].is_alcoholic}
    assert {row.id for row in knowledge.find(question).rows} == having


def test_two_drinks_are_set_beside_each_other_by_what_they_taste_like(knowledge: Knowledge) -> None:
    told = knowledge.find("Which is sweeter, sikhye or sujeonggwa, and which one is spicier?").listed
    assert "Sikhye is sweet and toasty." in told
    assert "Of these, Sujeonggwa is the one that is spiced." in told


def test_what_is_dropped_from_a_list_by_its_strength_is_gone(knowledge: Knowledge) -> None:
    found = knowledge.find("drop the ones under 20%", history=["list distilled liquors"])
    assert found.rows
    assert all(isinstance(row.value, float) and row.value >= 20 for row in found.rows)


def test_liquors_that_are_designated_are_counted_and_the_state_s_own_listed(knowledge: Knowledge) -> None:
    drinks = knowledge.index.drinks
    told = {one for one, drink in drinks.items() if any("국가무형" in fact.ko for fact in drink.heritage)}
    found = knowledge.find("list the liquors that are national intangible heritage")
    assert {row.id for row in found.rows} == told
    counted = knowledge.find("무형문화재로 지정된 술이 몇 개죠?")
    # 송화백일주 was designated and not the drink of the same maker
    assert "songjuk-ogokju" not in {row.id for row in counted.rows} > told
