"""A conversation knows what it said: the first one, both, the other one, once more, in the other language."""

from collections.abc import Sequence

import pytest

from kdrinks.drinks.names import packaged_names
from kdrinks.findings import Findings
from kdrinks.records import Language
from kdrinks.search import said_again
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


def asked(knowledge: Knowledge, question: str, history: Sequence[str]) -> Findings:
    return knowledge.find(question, history=history, lang=said_again.heard(question).language)


def test_the_first_one_is_the_first_that_was_suggested_whatever_else_is_said_beside_it(knowledge: Knowledge) -> None:
    before = "Can you suggest three cold drinks for summer without alcohol?"
    first = next(hit.passage.subject_id for hit in asked(knowledge, before, ()).prompt_hits)
    found = asked(knowledge, "the first one. how do i make it", [before])
    assert found.subjects == (first,)
    assert [hit.passage.kind for hit in found.prompt_hits] == ["making"]


@pytest.mark.parametrize(
    ("history", "question", "drinks"),
    [
        (("수정과 유래", "식혜는?"), "둘 중에 만들기 쉬운건", ("sujeonggwa", "sikhye")),
        (("what's munbaeju", "and andong soju?"), "which of the two is stronger", ("andong-soju", "munbaeju")),
        (("are sikhye and sujeonggwa sweet",), "do both keep a week in the fridge", ("sikhye", "sujeonggwa")),
        (("매실주 도수 알려줘", "복분자주는?", "이강주는?"), "둘 다 집에서 만들 수 있어?", ("bokbunjaju", "igangju")),
    ],
)
def test_both_are_the_two_that_were_named_last(
    knowledge: Knowledge, history: tuple[str, ...], question: str, drinks: tuple[str, ...]
) -> None:
    found = asked(knowledge, question, history)
    assert set(found.subjects) == set(drinks)
    assert {hit.passage.subject_id for hit in found.prompt_hits} >= set(drinks)


@pytest.mark.parametrize(
    ("history", "question", "drink"),
    [
        (("막걸리 도수", "동동주는?"), "나머지는 뭘로 만들어", "makgeolli"),
        (("are yuja-cha and mogwa-cha the same fruit", "how do I make mogwa-cha"), "and the other one?", "yuja-cha"),
    ],
)
def test_the_other_one_is_the_one_that_was_not_asked_about_last(
    knowledge: Knowledge, history: tuple[str, ...], question: str, drink: str
) -> None:
    assert asked(knowledge, question, history).subjects == (drink,)


def test_two_that_are_pointed_to_in_one_breath_are_set_beside_each_other(knowledge: Knowledge) -> None:
    history = ["Tell me about samhaeju", "And baekseju?"]
    found = asked(knowledge, "Go back to the first drink. Is it older than the second?", history)
    assert found.subjects == ("samhaeju", "baekseju")


def test_a_slip_of_the_pen_is_the_question_before_of_another_drink(knowledge: Knowledge) -> None:
    found = asked(knowledge, "sorry typo i meant makgeolli not soju", ["how strong is soju"])
    assert found.subjects == ("makgeolli",)
    assert found.prompt_hits[0].passage.kind == "alcohol"


def test_a_figure_narrows_the_list_before(knowledge: Knowledge) -> None:
    before = asked(knowledge, "What liquors come from Jeolla?", ())
    found = asked(knowledge, "Only the ones under 20 percent though.", ["What liquors come from Jeolla?"])
    assert {row.id for row in found.rows} < {row.id for row in before.rows}
    assert found.rows


def test_what_goes_with_a_drink_is_no_question_of_whether_one_may(knowledge: Knowledge) -> None:
    history = ["My Korean colleague wants to drink makgeolli on a rainy day, why rain?"]
    found = asked(knowledge, "ok and what should I eat with it", history)
    assert [hit.passage.kind for hit in found.prompt_hits] == ["serving"] and not found.cautions


@pytest.mark.parametrize(
    ("history", "question", "lang"),
    [
        (("How do you store makgeolli",), "in korean please", "ko"),
        (("How do you store makgeolli",), "can you say that again in korean? simple, i'm level 2", "ko"),
        (("막걸리 보관법",), "영어로 다시 말해줘", "en"),
        (("막걸리 보관법",), "다시 말해줘", "ko"),
    ],
)
def test_the_last_answer_is_told_once_more_in_the_language_that_is_asked_for(
    knowledge: Knowledge, history: tuple[str, ...], question: str, lang: Language
) -> None:
    before, again = asked(knowledge, history[-1], ()), asked(knowledge, question, history)
    assert [hit.passage.id[:-3] for hit in again.prompt_hits] == [hit.passage.id[:-3] for hit in before.prompt_hits]
    assert {hit.passage.lang for hit in again.prompt_hits} == {lang}


@pytest.mark.parametrize(("question", "lang"), [("수정과를 영어로 설명해줘", "en"), ("explain sikhye in korean", "ko")])
def test_a_drink_is_explained_in_the_language_that_is_asked_for(
    knowledge: Knowledge, question: str, lang: Language
) -> None:
    (first, *_) = asked(knowledge, question, ()).prompt_hits
    assert (first.passage.kind, first.passage.lang) == ("identity", lang)


def test_one_of_several_is_explained_in_the_other_language(knowledge: Knowledge) -> None:
    before = "붉은 술 뭐 있어?"
    first = asked(knowledge, before, ()).rows[0].id
    (hit, *_) = asked(knowledge, "첫 번째 거 영어로 설명해줘", [before]).prompt_hits
    assert (hit.passage.subject_id, hit.passage.kind, hit.passage.lang) == (first, "identity", "en")


@pytest.mark.parametrize(
    "question",
    [
        "what is sikhye called in korean",
        "식혜 영어로 뭐야",
        "tell me what sikhye is called in korean",
        "how do you say makgeolli",
    ],
)
def test_who_asks_for_a_name_in_another_language_is_answered_in_his_own(question: str) -> None:
    assert said_again.heard(question).language is None
