"""What a person said to leave out is in no drink that is suggested, in whatever words, however long the conversation was."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kdrinks import answer
from kdrinks.config import Settings
from kdrinks.documents import ingest
from kdrinks.drinks.model import Drink
from kdrinks.findings import Findings
from kdrinks.hub import catalog
from kdrinks.records import ADMINISTRATOR
from kdrinks.search.knowledge import Knowledge
from kdrinks.services import Services, open_services

Leaves = Callable[[Drink], bool]
"""Whether a drink has what was to be left out."""


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("home")
    services = open_services(Settings(folder, folder), memory=True)
    services.knowledge.fill()
    yield services
    services.close()


@pytest.fixture
def knowledge(services: Services) -> Knowledge:
    return services.knowledge


def alcohol(drink: Drink) -> bool:
    """Also what only may hold some: 쉰다리, 감주, and what is fermented and not boiled."""
    return drink.is_alcoholic or drink.tags.alcohol != "none" or "fermented" in drink.tags.kind


def caffeine(drink: Drink) -> bool:
    return drink.tags.caffeine == "yes"


def warned(word: str) -> Leaves:
    return lambda drink: word in drink.safety.ko


def holds(tag: str) -> Leaves:
    return lambda drink: tag in drink.tags.diet


def made_with(ingredient: str) -> Leaves:
    return lambda drink: any(ingredient in item for item in drink.ingredients.ko)


def suggested(knowledge: Knowledge, found: Findings) -> list[Drink]:
    """The drinks of an answer that suggests or lists some, and those found beside them."""
    if found.rows:
        assert found.narrowed
        return [knowledge.index.drinks[row.id] for row in found.rows]
    hits = {hit.passage.subject_id: None for hit in (*found.prompt_hits, *found.hits)}
    drinks = [knowledge.index.drinks[subject] for subject in hits if subject in knowledge.index.drinks]
    assert found.narrowed and not found.subjects and any(hit.passage.kind == "identity" for hit in found.prompt_hits)
    return drinks


KOREAN: list[tuple[str, list[Leaves]]] = [
    ("알코올 없는 걸로 추천해 줘", [alcohol]),
    ("무알코올로 부탁해", [alcohol]),
    ("술 말고 다른 거 알려줘", [alcohol]),
    ("나 술 못 마시는데 뭐가 좋을까", [alcohol]),
    ("도수 없는 걸로 추천", [alcohol]),
    ("알코올 들어간 건 안 되는데 뭐 있어", [alcohol]),
    ("술 끊었어. 추천 좀", [alcohol]),
    ("그거랑 비슷한데 알코올 없는 거 있어?", [alcohol]),
    ("운전해야 돼서 그런데 다른 거 없을까?", [alcohol]),
    ("임신했는데 마실 만한 거 추천해줘", [alcohol, warned("임신")]),
    ("초등학생 딸이랑 마실 음료는?", [alcohol, caffeine]),
    ("8개월 아기 데리고 왔는데 아기 줄 만한 거 있어?", [alcohol, holds("honey")]),
    ("항생제 먹는 중인데 뭐 마실까?", [alcohol]),
    ("카페인이랑 알코올 둘 다 없는 거 추천", [alcohol, caffeine]),
    ("알코올도 카페인도 꿀도 없는 걸로", [alcohol, caffeine, holds("honey")]),
    ("꿀이나 견과류 없는 걸로 추천해줘", [holds("honey"), holds("nuts")]),
    ("견과류 알레르기가 있는데 뭐 마시면 돼?", [holds("nuts")]),
    ("글루텐 없는 술 추천해줘", [holds("gluten")]),
    ("유당불내증인데 추천해줄 음료 있어?", [holds("milk")]),
    ("생강 안 들어간 걸로 추천해 줘", [made_with("생강")]),
    ("계피 싫어하는데 다른 거 추천해줘", [made_with("계피")]),
    ("생강이나 계피 안 든 차 추천", [made_with("생강"), made_with("계피")]),
    ("술은 됐고 다른 거 없나요?", [alcohol]),
    ("알콜 0%인 거 있어?", [alcohol]),
    ("디카페인 차 추천해줘", [caffeine]),
    ("쌀 안 들어간 거 추천해줘", [made_with("쌀")]),
    ("사위가 술은 영 못 먹고 단 걸 좋아해요. 뭘 내놓을까요?", [alcohol]),
    ("어르신이 술은 입에도 안 대세요. 추천 부탁드려요", [alcohol]),
    ("생강은 진짜 싫어요. 따뜻한 차 추천해 주세요", [made_with("생강")]),
    ("계피는 별로예요. 추천 부탁해요", [made_with("계피")]),
    ("식혜랑 수정과 빼고 추천해줘", [lambda drink: drink.id in ("sikhye", "sujeonggwa")]),
    ("임산부가 마셔도 되는 거 알려줘", [alcohol, warned("임신")]),
    ("막걸리 말고 알코올 없는 걸로", [alcohol]),
    ("막걸리랑 비슷한데 알코올은 없는 거 추천해줘", [alcohol]),
    ("막걸리 대신 마실 무알코올 음료 추천", [alcohol]),
]
ENGLISH: list[tuple[str, list[Leaves]]] = [
    ("Suggest something without alcohol", [alcohol]),
    ("Anything non-alcoholic?", [alcohol]),
    ("I don't drink. What would you recommend?", [alcohol]),
    ("something with no booze please", [alcohol]),
    ("something other than liquor", [alcohol]),
    ("Suggest something like it but without alcohol", [alcohol]),
    ("recommend a drink for a hot day without alcohol and without honey", [alcohol, holds("honey")]),
    ("I'm driving, what should I have?", [alcohol]),
    ("I'm pregnant. Suggest another drink", [alcohol, warned("임신")]),
    ("something for my 5 year old", [alcohol, caffeine]),
    ("I'm on antibiotics. What can I have instead?", [alcohol]),
    ("Anything caffeine-free?", [caffeine]),
    ("other options with neither alcohol nor caffeine", [alcohol, caffeine]),
    ("an alternative without alcohol, nuts or gluten", [alcohol, holds("nuts"), holds("gluten")]),
    ("I'm allergic to nuts, what can I drink?", [holds("nuts")]),
    ("dairy-free options?", [holds("milk")]),
    ("I have celiac disease, recommend something", [holds("gluten")]),
    ("suggest a tea without cinnamon", [made_with("계피")]),
    ("My grandmother doesn't touch alcohol, what could I serve her?", [alcohol]),
    ("a tart zero-proof drink, any ideas?", [alcohol]),
    ("I'm sick of cinnamon, suggest a tea", [made_with("계피")]),
    ("no nuts for us, honey is fine, suggest something", [holds("nuts")]),
    ("vegan recommendation please", [lambda drink: "vegan" not in drink.tags.diet]),
    ("Which of these has zero alcohol?", [alcohol]),
    ("any drinks that aren't alcoholic?", [alcohol]),
    ("I'm under 18, what can I try?", [alcohol]),
    ("nothing with honey please, recommend a tea", [holds("honey")]),
    ("gluten- and dairy-free drink please", [holds("gluten"), holds("milk")]),
    ("besides makgeolli and soju, something non-alcoholic", [alcohol]),
    ("I like makgeolli but I am pregnant, suggest something similar", [alcohol]),
    ("instead of makgeolli, something without alcohol?", [alcohol]),
]
KOREAN_TALKS = [
    ["막걸리가 뭐야?"],
    ["막걸리가 뭐야?", "어떻게 만들어?", "도수는?", "안동소주는?", "누가 처음 만들었어?"],
    ["쌍화차에는 뭐가 들어가?", "언제 마셔?"],
    ["비 오는 날 마실 술 추천해줘"],
]
ENGLISH_TALKS = [
    ["What is makgeolli?"],
    ["What is makgeolli?", "How is it made?", "How strong is it?", "Where is it from?", "What goes with it?"],
    ["What is ssanghwa-cha made of?", "When do people drink it?"],
    ["Recommend a liquor for a rainy day"],
]


@pytest.mark.parametrize(
    ("history", "question", "left_out"),
    [
        (history, question, left_out)
        for asked, talks in ((KOREAN, KOREAN_TALKS), (ENGLISH, ENGLISH_TALKS))
        for question, left_out in asked
        for history in talks
    ],
)
def test_no_suggested_drink_has_what_was_to_be_left_out(
    knowledge: Knowledge, history: list[str], question: str, left_out: list[Leaves]
) -> None:
    drinks = suggested(knowledge, knowledge.find(question, history=history))
    assert not [drink.id for drink in drinks if any(unwanted(drink) for unwanted in left_out)]


@pytest.mark.parametrize(
    ("history", "question", "left_out"),
    [
        (["나 임신했어", "식혜가 뭐야?"], "추천해줘", [alcohol, warned("임신")]),
        (["나 술 못 마셔", "막걸리가 뭐야?", "누가 만들었어?"], "비 오는 날 뭐 마실까?", [alcohol]),
        (["알코올 없는 걸로 추천해 줘", "막걸리는 어떻게 만들어?"], "다른 것도 추천해줘", [alcohol]),
        (["알코올 없는 걸로 추천해 줘", "막걸리는 어떻게 만들어?"], "그거랑 비슷한 거 있어?", [alcohol]),
        (["꿀은 못 먹어", "대추차 재료는?"], "감기 기운 있을 때 마실 차 추천", [holds("honey")]),
        (["겨울에 마실 차 추천해줘", "카페인 없는 걸로", "꿀도 없는 걸로"], "또 다른 거?", [caffeine, holds("honey")]),
        (["저는 무슬림이에요", "전통주 종류 알려줘"], "잔치에서 마실 거 추천해 주세요", [alcohol]),
        (["식혜 말고 추천해줘", "수정과는?"], "다른 거 추천해줘", [lambda drink: drink.id == "sikhye"]),
        (["임신했어"], "독한 술 추천해줘", [alcohol]),
        (["I'm allergic to nuts.", "What is sikhye?"], "Recommend something for winter", [holds("nuts")]),
        (["I don't drink alcohol", "What is makgeolli?"], "What should I have on a rainy day?", [alcohol]),
        (["recommend a tea, no honey please", "What is nokcha?"], "suggest a different one", [holds("honey")]),
        (["Recommend a winter tea.", "without caffeine", "and no honey"], "anything else?", [caffeine, holds("honey")]),
        (["Is makgeolli ok for kids?"], "What else could they drink?", [alcohol, caffeine]),
    ],
)
def test_what_was_said_earlier_still_holds(
    knowledge: Knowledge, history: list[str], question: str, left_out: list[Leaves]
) -> None:
    drinks = suggested(knowledge, knowledge.find(question, history=history))
    assert not [drink.id for drink in drinks if any(unwanted(drink) for unwanted in left_out)]


@pytest.mark.parametrize(
    ("history", "question", "kind"),
    [
        (["알코올 없는 걸로 추천해 줘"], "막걸리는 어떻게 만들어?", "making"),
        (["알코올 없는 걸로 추천해 줘"], "막걸리 추천해줘", "identity"),
        (["Suggest something without alcohol"], "How do you make makgeolli?", "making"),
        ((), "임신한 친구에게 막걸리 추천해도 돼?", "cautions"),
        ((), "Can I recommend makgeolli to a pregnant friend?", "cautions"),
        (["막걸리가 뭐야?"], "안주 추천해줘", "serving"),
        (["막걸리가 뭐야?"], "다른 이름 있어?", "names"),
        (["What is makgeolli?"], "another name?", "names"),
        (["What is makgeolli?"], "Anything similar?", "similar"),
        (["What is makgeolli?"], "What food do you recommend with it?", "serving"),
        (["What is makgeolli?"], "tell me something else about it", "identity"),
    ],
)
def test_a_drink_that_is_asked_about_is_explained_and_not_suggested(
    knowledge: Knowledge, history: list[str], question: str, kind: str
) -> None:
    found = knowledge.find(question, history=history)
    assert found.subjects == ("makgeolli",) and found.intent != "recommend" and not found.narrowed
    assert (found.prompt_hits[0].passage.subject_id, found.prompt_hits[0].passage.kind) == ("makgeolli", kind)


@pytest.mark.parametrize(
    ("history", "question"),
    [
        (["식혜에 알코올 없어?"], "비 오는 날 마실 술 추천해줘"),
        (["Is sikhye alcohol-free?"], "Recommend a drink for a rainy day"),
        (["알코올 없는 걸로 추천해 줘"], "이번엔 도수 센 술로 추천해줘"),
    ],
)
def test_liquor_is_suggested_where_nobody_left_it_out_or_it_is_asked_for_again(
    knowledge: Knowledge, history: list[str], question: str
) -> None:
    found = knowledge.find(question, history=history)
    assert found.intent == "recommend" and knowledge.index.drinks[found.prompt_hits[0].passage.subject_id].is_alcoholic


def talk(services: Services, questions: list[str]) -> answer.Answer:
    """The answer to the last question of a conversation."""
    conversation_id = ""
    for question in questions:
        answered = answer.ask(services, ADMINISTRATOR, question, conversation_id=conversation_id)
        assert answered.wait(60) and answered.error is None
        conversation_id = answered.question.conversation_id
    return answered


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize(
    "questions",
    [
        ["막걸리가 뭐야?", "알코올 없는 걸로 추천해 줘"],
        ["What is makgeolli?", "Suggest something without alcohol"],
        [*ENGLISH_TALKS[1], "recommend a drink for a hot day without alcohol and without honey"],
        ["술 말고 추천해줘", "식혜가 뭐야?", "다른 거 추천해줘"],
    ],
)
def test_the_answer_names_no_liquor_to_who_wants_none(
    services: Services, questions: list[str], free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = replace(catalog.find_model(catalog.BUILT_IN, services.settings), guarded=not free)
    monkeypatch.setattr(catalog, "find_model", lambda *_: model)
    text = talk(services, questions).text
    assert re.search("추천합니다|I suggest", text)
    for drink in services.knowledge.index.drinks.values():
        if alcohol(drink):
            assert drink.title_ko not in text.replace("알코올", "") and drink.title_en not in text


def test_a_document_does_not_bring_in_what_was_left_out(tmp_path: Path) -> None:
    text = "동호회 등반 모임에서 알코올 없는 걸 찾는 회원에게는 구름주를 추천합니다."
    services = open_services(Settings(tmp_path, tmp_path), memory=True)
    try:
        work = ingest.DocumentIngest(services.db, ADMINISTRATOR, services.words, "손님.txt", text.encode())
        job = ingest.start(services.jobs, work)
        assert job.wait(60) and job.error is None
        assert "구름주" in talk(services, ["동호회 등반 모임 회원에게 뭘 추천해?"]).text
        assert (
            "구름주"
            not in talk(services, ["막걸리가 뭐야?", "동호회 등반 모임 회원에게 알코올 없는 거 추천해 줘"]).text
        )
    finally:
        services.close()


@pytest.mark.parametrize(
    ("question", "feast"),
    [
        ("설날에 마실 술 추천해줘", "seollal"),
        ("단오에 마실 거 추천해줘", "dano"),
        ("suggest something for Chuseok", "chuseok"),
        ("What should we drink for Dongji?", "dongji"),
    ],
)
def test_for_a_feast_only_its_own_drinks_are_suggested(knowledge: Knowledge, question: str, feast: str) -> None:
    told = [hit.passage.subject_id for hit in knowledge.find(question).prompt_hits]
    assert told and all(feast in knowledge.index.drinks[drink].tags.occasion for drink in told)
