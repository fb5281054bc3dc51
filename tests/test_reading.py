"""What a question asks is read right, of wordings whose writers wrote none of those that were learned from."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from kdrinks.drinks.names import packaged_names
from kdrinks.findings import Findings
from kdrinks.search import asides, reading
from kdrinks.search.entities import masked, read
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text import encoder
from kdrinks.text.analyzer import TextAnalyzer

DATA = Path(__file__).parent / "data"
WORDINGS: list[dict[str, Any]] = [
    json.loads(line) for line in (DATA / "asked_wordings.jsonl").read_text("utf-8").splitlines()
]
SENTENCES = (DATA / "everyday_sentences.txt").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


def read_as(knowledge: Knowledge, row: Mapping[str, Any]) -> reading.Reading:
    def hidden(text: str) -> str:
        said, mentions = read(text, knowledge.index.names, knowledge.index.words)
        return masked(said, mentions, reading.MASK)

    return reading.read(hidden(row["text"]), tuple(hidden(said) for said in row.get("history", ())))


def right(row: Mapping[str, Any], asks: Sequence[str]) -> bool:
    """Whether one of them is the first thing asked, or what its writer calls as fair."""
    first = [ask for ask in row["asks"] if ask != "clarify"][:1] or ["identity"]
    return bool(set(asks) & {*first, *row.get("also", ())})


def test_what_is_asked_is_read_right_and_nearly_always_among_the_first_two(knowledge: Knowledge) -> None:
    asked = [(row, list(read_as(knowledge, row).asks)) for row in WORDINGS]
    assert sum(right(row, asks[:1]) for row, asks in asked) >= 0.80 * len(asked)
    assert sum(right(row, asks[:2]) for row, asks in asked) >= 0.90 * len(asked)
    for lang in ("ko", "en"):
        own = [right(row, asks[:1]) for row, asks in asked if row["lang"] == lang]
        assert sum(own) >= 0.80 * len(own), lang


def test_probabilities_of_what_is_asked_add_up_and_a_question_without_others_goes_on_from_none(
    knowledge: Knowledge,
) -> None:
    found = read_as(knowledge, {"text": "식혜 도수가 몇 도예요?"})
    assert found.first == "abv" and sum(found.asks.values()) == pytest.approx(1.0)
    assert list(found.asks.values()) == sorted(found.asks.values(), reverse=True)
    assert found.needs == 0.0


def test_a_question_goes_on_from_the_one_before_it_where_it_has_no_subject_of_its_own(knowledge: Knowledge) -> None:
    asked = [(row, read_as(knowledge, row)) for row in WORDINGS if row.get("history")]
    agree = [(found.needs >= 0.5) == row.get("needs", True) for row, found in asked]
    assert sum(agree) >= 0.80 * len(agree)


def found(knowledge: Knowledge, question: str) -> tuple[Any, ...]:
    shown: Findings = knowledge.find(question)
    first = [hit.passage.id for hit in shown.prompt_hits[:1]]
    return shown.understood.operation, shown.subjects, first, [row.id for row in shown.rows]


def test_everyday_sentences_beside_a_question_seldom_change_what_is_shown(knowledge: Knowledge) -> None:
    chance = random.Random(5)
    alone = [row for row in WORDINGS if not row.get("history")]
    changed = 0
    for number in range(100):
        row = chance.choice(alone)
        of_language = [one for one in SENTENCES if any("가" <= sign <= "힣" for sign in one) == (row["lang"] == "ko")]
        said, question = chance.choice(of_language), row["text"].rstrip()
        stop = "" if question[-1] in ".?!" else "."
        beside = f"{said} {question}" if number % 2 else f"{question}{stop} {said}"
        changed += found(knowledge, question) != found(knowledge, beside)
    assert changed <= 20  # of 100; the commit before changed 26


@pytest.mark.parametrize(
    "question",
    [
        "식혜 도수가 몇 도야? 방금 퇴근했어요.",
        "The museum had a sign about it. How strong is soju?",
    ],
)
def test_a_sentence_that_asks_nothing_is_left_aside(knowledge: Knowledge, question: str) -> None:
    index = knowledge.index
    kept = asides.without(question, index.names, index.words, lambda said, lang: False)
    assert len(kept) < len(question) and "?" in kept


@pytest.mark.parametrize(
    "said", ["저 임신 중이에요.", "My son is allergic to nuts.", "막걸리를 좋아해요.", "We have ginger."]
)
def test_what_bears_on_the_answer_is_never_left_aside(knowledge: Knowledge, said: str) -> None:
    index = knowledge.index
    question = f"{said} 뭐 마실까요?"
    assert asides.without(question, index.names, index.words, lambda said, lang: False) == question


def test_a_text_without_letters_is_read_too() -> None:
    assert encoder.of_texts(["", "  ", "?!"]).shape == (3, encoder.DIMENSIONS)
    assert sum(reading.read("?!").asks.values()) == pytest.approx(1.0)
