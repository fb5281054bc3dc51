"""What people get who do not write like a form: in a conversation, with a courtesy in front, by the sound of a name, by the weather."""

import pytest

from kdrinks.drinks.names import packaged_names
from kdrinks.findings import Findings
from kdrinks.generation import templates
from kdrinks.search.knowledge import Knowledge
from kdrinks.store.db import Database
from kdrinks.text.analyzer import TextAnalyzer


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    knowledge = Knowledge(Database.open(None), TextAnalyzer(packaged_names()))
    knowledge.fill()
    return knowledge


def rests_on(found: Findings) -> list[tuple[str, str]]:
    return [(hit.passage.subject_id, hit.passage.kind) for hit in found.prompt_hits]


@pytest.mark.parametrize(
    ("history", "question", "first"),
    [
        (["막걸리 도수 몇 도야?"], "그럼 안동소주는?", ("andong-soju", "alcohol")),
        (["문배주는 어느 지방 술이야?"], "감홍로는요?", ("gamhongno", "region")),
        (["막걸리 도수는?", "이강주는?"], "그럼 문배주는?", ("munbaeju", "alcohol")),
        (["What is sikhye made of?"], "And sujeonggwa?", ("sujeonggwa", "ingredients")),
        (["Does green tea have caffeine?"], "what about boricha", ("boricha", "caffeine")),
    ],
)
def test_a_name_alone_asks_of_that_drink_what_was_asked_before(
    knowledge: Knowledge, history: list[str], question: str, first: tuple[str, str]
) -> None:
    assert rests_on(knowledge.find(question, history=history))[0] == first


def test_a_name_alone_after_a_question_of_safety_is_one_of_safety(knowledge: Knowledge) -> None:
    found = knowledge.find("그럼 모주는?", history=["임신 중인데 막걸리 마셔도 돼?"])
    assert found.sensitive and found.intent == "pregnancy" and found.subjects == ("moju",)


@pytest.mark.parametrize(
    ("history", "question", "drinks", "kind"),
    [
        ((), "Which is stronger, munbaeju or makgeolli?", ["munbaeju", "makgeolli"], "alcohol"),
        ((), "녹차랑 보리차 중에 카페인 있는 건 뭐야?", ["nokcha", "boricha"], "caffeine"),
        ((), "동동주 막걸리 뭐가 더 세?", ["dongdongju", "makgeolli"], "alcohol"),
        (["수정과랑 배숙 차이 알려줘"], "둘 중에 곶감 들어가는 건?", ["sujeonggwa", "baesuk"], "ingredients"),
        (["what is andong soju"], "is it stronger than makgeolli?", ["andong-soju", "makgeolli"], "alcohol"),
        (["안동소주가 뭐야?"], "막걸리보다 독해?", ["andong-soju", "makgeolli"], "alcohol"),
        ((), "이강주랑 감홍로 차이점 알려줘", ["igangju", "gamhongno"], "identity"),
    ],
)
def test_a_comparison_rests_on_what_is_compared(
    knowledge: Knowledge, history: list[str], question: str, drinks: list[str], kind: str
) -> None:
    assert rests_on(knowledge.find(question, history=history))[:2] == [(drink, kind) for drink in drinks]


@pytest.mark.parametrize(
    ("history", "question", "drink"),
    [
        (["what is dugyeonju"], "thanks! and is it sweet?", "dugyeonju"),
        (["수정과가 뭐야?"], "고마워요! 재료는 뭐가 들어가?", "sujeonggwa"),
        ((), "안녕하세요, 식혜 만드는 법 알려주세요", "sikhye"),
        ((), "Hello! What is omija-cha?", "omija-cha"),
    ],
)
def test_a_question_behind_a_courtesy_is_answered(
    knowledge: Knowledge, history: list[str], question: str, drink: str
) -> None:
    assert rests_on(knowledge.find(question, history=history))[0][0] == drink


@pytest.mark.parametrize("question", ["시켸 재료 알려줘", "시케 어떻게 만들어", "what is shikeh"])
def test_a_name_written_as_it_sounds_is_found(knowledge: Knowledge, question: str) -> None:
    assert knowledge.find(question).subjects == ("sikhye",)


@pytest.mark.parametrize("question", ["시계 고치는 법", "시켜 먹을까", "oh yeah", "Sarah and Noah"])
def test_what_only_sounds_a_little_like_a_name_names_no_drink(knowledge: Knowledge, question: str) -> None:
    assert knowledge.find(question).subjects == ()


@pytest.mark.parametrize(
    ("text", "lang", "wanted"),
    [
        ("비건인데 마실 수 있는 음료", "ko", {("diet", "vegan")}),
        ("비 오는 날 마실 술", "ko", {("weather", "rain")}),
        ("봄에 마실 술", "ko", {("season", "spring")}),
        ("제주도 가면 꼭 마셔봐야 할 술", "ko", {("region", "jeju")}),
        ("감기 걸렸을 때 마실 것", "ko", {("occasion", "cold_season")}),
        ("더울 때 마실 것", "ko", {("weather", "hot_day")}),
        ("a drink for a hot summer day", "en", {("season", "summer")}),
        ("Recommend a cold drink", "en", {("temperature", "cold")}),
        ("I have a cold", "en", {("occasion", "cold_season")}),
        ("something hot please", "en", {("temperature", "hot")}),
    ],
)
def test_a_wish_is_what_was_said_and_no_part_of_another_word(
    knowledge: Knowledge, text: str, lang: str, wanted: set[tuple[str, str]]
) -> None:
    wishes = knowledge.index.facets.wishes(text, lang)
    assert {(group, tag) for group, tags in wishes.wanted.items() for tag in tags} == wanted


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("식혜 재료랑 만드는 법 알려줘", {"ingredients", "making"}),
        ("이강주 도수하고 어울리는 안주 좀", {"alcohol", "serving"}),
        ("what's gamhongno made of and why is it red", {"ingredients", "why"}),
        ("이강주랑 어울리는 음식", {"serving"}),
    ],
)
def test_who_asks_for_two_facts_gets_both(knowledge: Knowledge, question: str, kinds: set[str]) -> None:
    found = knowledge.find(question)
    assert {kind for _, kind in rests_on(found)} == kinds


@pytest.mark.parametrize(
    "question", ["something to help me sleep", "잠이 안 올 때 마실 차", "카페인 없는 따뜻한 차 추천"]
)
def test_who_wants_to_sleep_is_given_no_caffeine(knowledge: Knowledge, question: str) -> None:
    drinks = [drink for drink, kind in rests_on(knowledge.find(question)) if kind == "identity"]
    assert drinks and all(knowledge.index.drinks[drink].tags.caffeine == "none" for drink in drinks)


def test_what_is_drunk_the_day_after_is_no_new_liquor(knowledge: Knowledge) -> None:
    drinks = [drink for drink, _ in rests_on(knowledge.find("과음한 다음날 마시는 거"))]
    assert "moju" in drinks and not {"soju", "makgeolli", "cheongju"} & set(drinks)


def test_a_schoolchild_is_told_the_legal_age(knowledge: Knowledge) -> None:
    assert ("gen-legal-age", "topic") in rests_on(knowledge.find("고3인데 막걸리 한 잔은 괜찮죠?"))


def test_an_answer_does_not_end_after_the_first_of_two_facts(knowledge: Knowledge) -> None:
    passages = [hit.passage for hit in knowledge.find("이강주 언제 마시고 재료는 뭐야?").prompt_hits]
    lines = templates.script("ingredients", "ko", passages)
    assert len(passages) == 2 and {line.number for line in lines if line.may_end} == {2}


@pytest.mark.parametrize(
    ("history", "question", "left_out"),
    [
        ((), "막걸리 말고 비 오는 날 마실 거", "makgeolli"),
        ((), "Recommend a cold drink other than sikhye", "sikhye"),
        (["막걸리 알려줘"], "그거 말고 다른 술 추천해줘", "makgeolli"),
    ],
)
def test_a_drink_that_is_named_to_be_left_out_is_left_out(
    knowledge: Knowledge, history: list[str], question: str, left_out: str
) -> None:
    found = knowledge.find(question, history=history)
    drinks = [drink for drink, kind in rests_on(found) if kind == "identity"]
    assert found.intent == "recommend" and not found.sensitive
    assert drinks and left_out not in drinks


def test_of_two_drinks_the_one_that_is_meant_is_answered(knowledge: Knowledge) -> None:
    assert rests_on(knowledge.find("식혜 말고 수정과 재료 알려줘")) == [("sujeonggwa", "ingredients")]


@pytest.mark.parametrize("question", ["취하지 않는 전통 음료", "any drink with flowers in it but no alcohol"])
def test_who_wants_to_stay_sober_is_given_no_liquor(knowledge: Knowledge, question: str) -> None:
    found = knowledge.find(question)
    drinks = [drink for drink, kind in rests_on(found) if kind == "identity"]
    assert found.intent == "recommend"
    assert drinks and not any(knowledge.index.drinks[drink].is_alcoholic for drink in drinks)


def test_korean_says_nothing_of_which_drink_is_meant(knowledge: Knowledge) -> None:
    assert rests_on(knowledge.find("What's the Korean drink with floating rice?"))[0][0] == "sikhye"


@pytest.mark.parametrize("question", ["막걸리랑 동동주 중에 뭐가 더 세?", "이강주 도수하고 어울리는 안주 좀"])
def test_what_is_said_of_alcohol_is_quoted_whatever_else_is_asked(knowledge: Knowledge, question: str) -> None:
    assert knowledge.find(question).sensitive


@pytest.mark.parametrize("question", ["can makgeolli kill covid", "쌍화차가 코로나에 좋아?"])
def test_what_is_hoped_of_a_drink_against_an_illness_meets_the_evidence(knowledge: Knowledge, question: str) -> None:
    found = knowledge.find(question)
    assert found.sensitive and ("gen-health", "topic") in rests_on(found)


def test_a_recommendation_names_its_drinks_before_what_qualifies_them(knowledge: Knowledge) -> None:
    found = rests_on(knowledge.find("카페인 없는 고소한 차 추천해줘"))
    assert [kind for _, kind in found] == ["identity", "identity", "topic"]


def test_a_rumour_is_set_right_before_anything_else(knowledge: Knowledge) -> None:
    found = knowledge.find("Is it true that sujeonggwa has always contained cinnamon?")
    assert rests_on(found)[0][0] == "cf-sujeonggwa-cinnamon"


@pytest.mark.parametrize(
    ("question", "drink", "kind"),
    [
        ("진도홍주는 왜 빨간색이야", "jindo-hongju", "why"),
        ("고로쇠물은 언제 나와?", "gorosoe", "season"),
        ("what does sikhye taste like?", "sikhye", "history"),
    ],
)
def test_a_plain_question_gets_its_own_fact(knowledge: Knowledge, question: str, drink: str, kind: str) -> None:
    assert rests_on(knowledge.find(question))[0] == (drink, kind)


@pytest.mark.parametrize("question", ["식혜 위에 밥알은 왜 뜨는 거야?", "식혜 삭히는 시간에 뚜껑 열어도 돼?"])
def test_what_only_holds_the_letters_of_an_organ_is_no_question_of_health(knowledge: Knowledge, question: str) -> None:
    found = knowledge.find(question)
    assert found.intent != "health" and not found.sensitive


def test_what_was_drunk_long_ago_is_a_question_about_drinks(knowledge: Knowledge) -> None:
    assert rests_on(knowledge.find("what was drunk at the royal court in summer"))[0][0] == "jehotang"


@pytest.mark.parametrize("question", ["유치원생 간식으로 줄 만한 전통 음료", "a drink for my 8 month old baby?"])
def test_drinks_for_small_children_come_with_the_warning_about_honey(knowledge: Knowledge, question: str) -> None:
    found = knowledge.find(question)
    assert found.sensitive and "gen-honey-infant" in {hit.passage.subject_id for hit in found.prompt_hits}


@pytest.mark.parametrize(
    ("question", "warned"),
    [
        ("항생제 먹는 중인데 약주 조금은 괜찮죠?", True),
        ("감기약 먹고 막걸리 마셔도 돼?", True),
        ("can I drink soju while on antibiotics", True),
        ("is it ok to have a glass of makgeolli with my blood pressure medication?", True),
        ("감기약 먹는데 식혜 마셔도 돼?", False),
        ("술 약한 사람이 마시기 좋은 약주는?", False),
    ],
)
def test_who_takes_medicine_is_told_to_leave_liquor(knowledge: Knowledge, question: str, warned: bool) -> None:
    found = knowledge.find(question)
    assert ("gen-alcohol-medicine" in {hit.passage.subject_id for hit in found.prompt_hits}) is warned
    assert found.sensitive or not warned


def test_the_warning_about_medicine_holds_for_the_next_drink_too(knowledge: Knowledge) -> None:
    found = knowledge.find("그럼 안동소주는?", history=["감기약 먹고 막걸리 마셔도 돼?"])
    assert found.sensitive and found.subjects == ("andong-soju",)
    assert "gen-alcohol-medicine" in {hit.passage.subject_id for hit in found.prompt_hits}


def test_the_strength_of_two_drinks_is_compared_by_their_alcohol(knowledge: Knowledge) -> None:
    found = knowledge.find("Compare the strength of makgeolli and andong soju")
    assert rests_on(found)[:2] == [("makgeolli", "alcohol"), ("andong-soju", "alcohol")]
