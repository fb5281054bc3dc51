"""Who asks for a fact gets that fact, in words that nobody here had thought of; where the notes do not hold it, they say so."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kdrinks.drinks.names import packaged_names
from kdrinks.generation.templates import NEAREST, render
from kdrinks.records import Language, Passage
from kdrinks.search import selection
from kdrinks.search.knowledge import Knowledge
from kdrinks.search.query import Query, understand
from kdrinks.store import passages as store
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.korean import has_hangul

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "answer_selection.jsonl").read_text("utf-8").splitlines()
]
ANSWERED = [row for row in ROWS if row["says"]]
UNANSWERED = [row for row in ROWS if not row["says"]]


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


def weighed(knowledge: Knowledge, row: dict[str, Any]) -> tuple[list[str], float]:
    """(English texts of the drink's passages, likeliest first; the probability that none answers)."""
    lang: Language = "ko" if has_hangul(row["question"]) else "en"
    index = knowledge.index
    query: Query = understand(row["question"], index.names, index.words, lang=lang)
    english = {one.id[:-3]: one.text for one in store.of_subjects(index.db, [row["subject"]], lang="en")}
    own = store.of_subjects(index.db, [row["subject"]], lang=lang)
    found = selection.select(query.said, query.asks, own, index.aspects)
    return [english[one.id[:-3]] for one, _ in found.passages], found.none


@pytest.fixture(scope="module")
def answered(knowledge: Knowledge) -> list[tuple[list[str], list[str], float]]:
    return [(row["says"], *weighed(knowledge, row)) for row in ANSWERED]


def test_of_all_that_is_known_of_a_drink_the_fact_that_was_asked_for_comes_first(
    answered: list[tuple[list[str], list[str], float]],
) -> None:
    first = sum(told[0] in says for says, told, _ in answered)
    three = sum(bool(set(told[:3]) & set(says)) for says, told, _ in answered)
    assert first >= 0.83 * len(answered) > 200
    assert three >= 0.94 * len(answered)


def test_what_the_notes_do_not_hold_is_told_from_what_they_do(
    knowledge: Knowledge, answered: list[tuple[list[str], list[str], float]]
) -> None:
    without = [none for row in UNANSWERED for _, none in [weighed(knowledge, row)]]
    assert sum(none >= 0.05 for none in without) >= 0.5 * len(without) > 30
    assert sum(none >= 0.05 for *_, none in answered) <= 0.05 * len(answered)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("쌍화차에 달걀노른자는 왜 띄워요?", "요기"),
        ("why does ssanghwa tea come with a raw yolk", "yolk"),
        ("식혜 밥알이 왜 뜨나요", "전분"),
        ("how warm should the rice cooker be for sikhye", "60"),
        ("막걸리 얼려도 돼?", "얼"),
        ("what can I do with the lees of makgeolli", "lees"),
    ],
)
def test_the_fact_itself_is_told(knowledge: Knowledge, question: str, words: str) -> None:
    assert words in knowledge.find(question).prompt_hits[0].passage.text


@pytest.mark.parametrize(
    ("history", "question", "drink"),
    [
        (["식혜 알려줘"], "냉동해도 되나요?", "sikhye"),
        (["What is sungnyung?"], "can it stay out till tomorrow morning", "sungnyung"),
        (["쑥차 알려줘"], "차 만드는 순서 좀 가르쳐 주소", "ssuk-cha"),
    ],
)
def test_a_question_that_only_a_drinks_own_fact_answers_goes_on_from_it(
    knowledge: Knowledge, history: list[str], question: str, drink: str
) -> None:
    found = knowledge.find(question, history=history)
    assert found.subjects == (drink,) and not found.concerns


@pytest.mark.parametrize(
    ("question", "lang"),
    [
        ("안동소주 750ml 내리려면 쌀이 얼마나 드나요", "ko"),
        ("From which century have Koreans been drinking barley tea?", "en"),
    ],
)
def test_an_answer_says_when_it_is_only_near(knowledge: Knowledge, question: str, lang: Language) -> None:
    found = knowledge.find(question)
    told = render(found.intent, lang, [hit.passage for hit in found.prompt_hits])
    assert found.prompt_hits and told.startswith(NEAREST[lang])


def corrected(passages: list[Passage]) -> Iterator[Passage]:
    for passage in passages:
        if passage.kind == "making":
            yield Passage(
                passage.id,
                passage.subject_id,
                passage.kind,
                passage.lang,
                passage.title,
                "How to make: 1. Do it as grandmother did.",
                passage.sources,
            )
        else:
            yield passage


def test_a_fact_that_a_person_corrected_is_still_found(knowledge: Knowledge) -> None:
    index = knowledge.index
    query = understand("How is sikhye made?", index.names, index.words, lang="en")
    own = list(corrected(store.of_subjects(index.db, ["sikhye"], lang="en")))
    found = selection.select(query.said, query.asks, own, index.aspects)
    assert found.passages[0][0].text.endswith("grandmother did.")
