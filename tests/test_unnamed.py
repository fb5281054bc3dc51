"""What people get who ask whether something is in a drink, or after a drink without its name: the fact, and no list of suggestions."""

from collections.abc import Iterator

import pytest

from kdrinks.config import Settings
from kdrinks.drinks.ingredients import ingredients
from kdrinks.drinks.read import load_drinks
from kdrinks.records import Language
from kdrinks.search.knowledge import Knowledge
from kdrinks.services import open_services

ASKED = {
    "ko": ("{title}에 {thing} 들어가나요?", "{title}에는 {thing}도 넣어요?"),
    "en": ("Is there {thing} in {title}?", "does {title} have {thing} in it"),
}
BEGINS = {"ko": ("네.", "경우에 따라", "아니요."), "en": ("Yes.", "It depends.", "No.")}


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("home")
    services = open_services(Settings(folder, folder), memory=True)
    services.knowledge.fill()
    yield services.knowledge
    services.close()


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_whether_an_ingredient_is_in_a_drink_is_answered_with_yes_or_no_as_its_list_has_it(
    knowledge: Knowledge, lang: Language
) -> None:
    yes, _, no = BEGINS[lang]
    things = [ingredients()[name].words[lang][0] for name in ("ginger", "jujube", "malt", "pear", "ginseng", "nuruk")]
    wrong = []
    for number, drink in enumerate(load_drinks()[::4]):
        listed = " ".join(getattr(drink.ingredients, lang)).lower()
        thing = things[number % len(things)]
        title = getattr(drink, f"title_{lang}")
        found = knowledge.find(ASKED[lang][number % 2].format(title=title, thing=thing), lang=lang)
        denied, stands = found.listed.startswith(no), thing in listed
        if (
            not found.listed.startswith(BEGINS[lang])
            or (stands and denied)
            or (not stands and found.listed.startswith(yes))
        ):
            wrong.append((title, thing, found.listed or [hit.passage.id for hit in found.prompt_hits]))
    assert not wrong


def test_somebody_with_an_allergy_is_answered_with_the_cautions_and_no_bare_no(knowledge: Knowledge) -> None:
    found = knowledge.find("I'm allergic to nuts. Is there pine nut in sujeonggwa?")
    assert found.cautions and not found.listed


@pytest.mark.parametrize(
    ("question", "passages"),
    [
        ("볶은 메밀은 어디다 보관해요? 차 끓이려고 1kg 샀어요", {"memil-cha.storage"}),
        ("My pressed ginger juice comes out cloudy with white sludge, how do I get it clear?", {"saenggang-cha.tools"}),
        ("why is the bottle of the cheap stuff green", {"soju.why"}),
        ("쑥 뜯어왔는데 차 만드는 순서 좀 가르쳐 주소", {"ssuk-cha.making"}),
        ("What is the best way to store roasted cassia seeds for tea?", {"gyeolmyeongja-cha.storage"}),
    ],
)
def test_a_fact_is_told_where_the_drink_is_not_named(knowledge: Knowledge, question: str, passages: set[str]) -> None:
    found = knowledge.find(question)
    subject, kind, *_ = found.prompt_hits[0].passage.id.split(".")
    assert f"{subject}.{kind}" in passages


@pytest.mark.parametrize(
    "question",
    [
        "비 오는 날 뭐 마실까",
        "something warm after skiing",
        "추석에 어울리는 거 추천 좀",
        "which drinks are made with omija?",
        "선물할 만한 술",
        "a sweet one for my aunt, please",
    ],
)
def test_a_wish_still_gets_drinks(knowledge: Knowledge, question: str) -> None:
    found = knowledge.find(question)
    assert not found.subjects and (found.rows or len(found.prompt_hits) > 1)


@pytest.mark.parametrize(
    ("question", "made"),
    [
        ("냉장고에 대추랑 생강밖에 없는데 뭐 만들 수 있어?", {"대추차", "생강차"}),
        ("집에 꿀밖에 없어. 뭐 만들까", {"꿀물"}),
    ],
)
def test_nothing_but_what_there_is_is_what_there_is(knowledge: Knowledge, question: str, made: set[str]) -> None:
    found = knowledge.find(question)
    assert not found.exclusions and all(one in found.listed for one in made)


def test_a_request_before_the_word_allergy_is_nothing_that_one_is_allergic_to(knowledge: Knowledge) -> None:
    found = knowledge.find("애들 간식으로 낼 전통음료 좀 골라주세요 알러지 있는 애도 있을 수 있어요")
    assert found.cautions and not any("골라주세요" in caution.text for caution in found.cautions)


def test_which_of_two_is_stronger_is_told_by_their_figures_in_any_ending(knowledge: Knowledge) -> None:
    found = knowledge.find("안동소주 vs 이강주 뭐가 더 셈?")
    assert "45%" in found.listed and "38%" in found.listed
