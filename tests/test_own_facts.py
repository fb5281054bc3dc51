"""What a drink's record says of a question comes first and alone; where it says nothing, what holds of all drinks answers."""

import pytest

from kdrinks.drinks import catalog
from kdrinks.drinks.names import packaged_names
from kdrinks.drinks.read import load_drinks, record_of
from kdrinks.kinds import Kind
from kdrinks.records import ADMINISTRATOR
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


@pytest.mark.parametrize(
    ("question", "kind", "said"),
    [
        ("막걸리는 어떻게 발음해요?", "pronunciation", "[막껄리]"),
        ("죽력고 발음 좀 알려 주세요", "pronunciation", "[중녁꼬]"),
        ("감잎차는 소리 나는 대로 읽으면 어떻게 되나요?", "pronunciation", "[감닙차]"),
        ("How do you pronounce makgeolli?", "pronunciation", "mahk-kkuhl-lee"),
        ("what is the right pronunciation of gukhwa-cha", "pronunciation", "goo-kwah-chah"),
        ("How does dugyeonju sound?", "pronunciation", "doo-gyuhn-joo"),
        ("식혜 냉동해도 돼요?", "storage", "영하 18℃"),
        ("수정과 냉장고에 며칠 둘 수 있어?", "storage", "이틀쯤"),
        ("막걸리 유통기한이 얼마나 되나요", "storage", "10~30일"),
        ("동동주 남은 거 어떻게 보관하지", "storage", "2~3주"),
        ("How long does sujeonggwa keep in the fridge?", "storage", "two days"),
        ("can I freeze makgeolli?", "storage", "may burst"),
        ("leftover misutgaru shelf life?", "storage", "within a day"),
    ],
)
def test_the_drinks_own_fact_answers(knowledge: Knowledge, question: str, kind: Kind, said: str) -> None:
    rests_on = [hit.passage for hit in knowledge.find(question).prompt_hits]
    assert rests_on[0].kind == kind and said in rests_on[0].text
    assert f"gen-{kind}" not in {passage.subject_id for passage in rests_on}


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("식혜 발음이 어떻게 돼요?", "gen-pronunciation"),
        ("How is sikhye pronounced?", "gen-pronunciation"),
        ("식혜는 어떻게 보관해요?", "gen-storage"),
        ("How long does sikhye keep in the fridge?", "gen-storage"),
    ],
)
def test_a_drink_whose_record_says_nothing_of_it_is_answered_by_what_holds_of_all(question: str, topic: str) -> None:
    db = Database.open(None)
    record = record_of(next(drink for drink in load_drinks() if drink.id == "sikhye"))
    kept = [detail for detail in record["details"] if detail["aspect"] not in ("storage", "freezing")]
    without = {**record, "pronunciation": {"ko": "", "en": ""}, "details": kept}
    catalog.save(db, ADMINISTRATOR, "corrected", {"sikhye": without})
    knowledge = Knowledge(db, TextAnalyzer(packaged_names()))
    knowledge.fill()
    assert knowledge.find(question).prompt_hits[0].passage.subject_id == topic


def test_how_to_keep_a_drink_is_no_answer_to_whether_somebody_with_child_may_have_it(knowledge: Knowledge) -> None:
    found = knowledge.find("임신 중인데 냉동한 식혜 먹어도 돼?")
    assert found.sensitive and "storage" not in {hit.passage.kind for hit in found.prompt_hits}


@pytest.mark.parametrize("question", ["식혜 로마자 표기는?", "sikhye is written how in Korean?", "막걸리 다른 이름은?"])
def test_a_question_for_names_is_not_answered_by_how_they_sound(knowledge: Knowledge, question: str) -> None:
    assert knowledge.find(question).prompt_hits[0].passage.kind == "names"
