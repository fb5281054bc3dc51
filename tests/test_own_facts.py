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
    of_kind = " ".join(passage.text for passage in rests_on if passage.kind == kind)
    assert rests_on[0].kind == kind and said in of_kind
    assert f"gen-{kind}" not in {passage.subject_id for passage in rests_on}


ASKED: list[tuple[str, Kind, str]] = [
    ("15인분 식혜면 엿기름가루가 얼마나 들까요", "amounts", "15인분"),
    ("식혜 설탕 몇 컵 부으면 적당해?", "amounts", "설탕"),
    ("수정과 끓일 때 생강이랑 계피 몇 그램씩?", "amounts", "g"),
    ("수정과 물 2리터로 하면 몇 잔쯤 되려나", "amounts", "8~10잔"),
    ("막걸리 담글 때 누룩은 쌀의 몇 퍼센트?", "amounts", "10~25%"),
    ("유자차 한 컵 타려면 청 몇 큰술", "amounts", "2~3큰술"),
    ("매실청 물에 탈 때 비율 좀", "amounts", "1:4"),
    ("동동주 찹쌀 1킬로 담그면 양이 얼마나 나올까", "amounts", "1~1.5L"),
    ("whats the rice nuruk water ratio in makgeolli", "amounts", "nuruk"),
    ("How many servings will sujeonggwa from two litres give me?", "amounts", "8 to 10 servings"),
    ("how much honey and sugar to sweeten omija tea", "amounts", "honey"),
    ("how many grams of dried omija per litre", "amounts", "30 g"),
    ("How much sugar is usual in sujeonggwa?", "amounts", "sugar"),
    ("yuja to sugar by weight?", "amounts", "1:0.8"),
    ("식혜 엿기름물에 밥 넣고 몇 시간 놔둬요?", "times", "3시간"),
    ("식혜는 몇 도쯤에서 삭혀야 안 쉬나요", "times", "℃"),
    ("수정과 약불에 얼마나 끓이지", "times", "30분"),
    ("막걸리 담가서 며칠이면 거르나요", "times", "7~10일"),
    ("막걸리 실내 온도 몇 도가 알맞아? 발효할 때", "times", "18~25℃"),
    ("오미자 물에 몇 시간이나 우려 둘까", "times", "시간"),
    ("유자차에 펄펄 끓는 물 부어도 되나요", "times", "80~85℃"),
    ("인삼차는 얼마나 달여야 하는지요", "times", "시간"),
    ("how long till my makgeolli can be strained", "times", "7 to 10 days"),
    ("omija tea: hot or cold water for steeping", "times", "Cold"),
    ("How long do the persimmons soak in sujeonggwa", "times", "30 minutes to 2 hours"),
    ("what water temp for yuja tea", "times", "80 to 85"),
    ("is makgeolli a one-day project or does it take weeks", "times", "one to two weeks"),
    ("식혜 압력솥으로 하면 안 되나", "tools", "압력밥솥"),
    ("막걸리 집에서 빚으면 법에 걸려요?", "tools", "면허"),
    ("막걸리 발효할 때 뚜껑 꼭 잠가야 하나", "tools", "잠그지"),
    ("막걸리 담그려면 뭐뭐 갖춰야 돼? 도구", "tools", "찜기"),
    ("인삼차 달일 때 어떤 냄비가 좋아요", "tools", "질그릇"),
    ("유자청 담을 병은 소독해야 하죠?", "tools", "소독"),
    ("do I need special gear to brew makgeolli", "tools", "steamer"),
    ("Should the lid be sealed while makgeolli ferments?", "tools", "Never seal"),
    ("Is a pressure cooker okay for sikhye?", "tools", "pressure cooker"),
    ("am i allowed to make makgeolli at home", "tools", "at home"),
    ("metal bowl ok for soaking omija?", "tools", "glass or ceramic"),
    ("엿기름을 못 구했는데 식혜 다른 걸로 돼요?", "substitution", "엿기름이 없으면"),
    ("밥솥이 없는데 식혜 할 수 있을까", "substitution", "밥솥이 없으면"),
    ("수정과에 통계피 말고 가루 계피 쓰면?", "substitution", "계핏가루"),
    ("수정과 곶감 빼도 되나요", "substitution", "곶감을 못 구하면"),
    ("누룩 못 구하면 막걸리 뭐로 담가", "substitution", "누룩이 없으면"),
    ("유자 대신 레몬 써도 되려나", "substitution", "레몬 5개"),
    ("배숙 한국 배 말고 서양 배 써도 됨?", "substitution", "앙주"),
    ("There is no nuruk in my town. Makgeolli with something else?", "substitution", "koji"),
    ("Can I replace yuja with lemon or orange?", "substitution", "5 lemons"),
    ("no rice cooker here, sikhye possible?", "substitution", "Without a rice cooker"),
    ("sujeonggwa without dried persimmon, does that work", "substitution", "leave it out"),
    ("anything to use in place of malt in sikhye?", "substitution", "diastatic"),
    ("식혜 왕창 했는데 냉동실에 넣을까", "storage", "영하 18℃"),
    ("막걸리는 얼려 두면 안 돼?", "storage", "냉동하지 않는"),
    ("수정과 건더기 빼고 얼려도 괜찮나", "storage", "얼려"),
    ("유자청은 냉장고에서 몇 달 가나요", "storage", "몇 달"),
    ("Would freezing sikhye ruin it?", "storage", "frozen"),
    ("can strained sujeonggwa go in the freezer", "storage", "frozen"),
    ("막걸리 마시기 전에 왜 흔드는 거예요", "why", "앙금"),
    ("막걸리가 뿌연 건 왜죠", "why", "거칠게 걸러"),
    ("비만 오면 막걸리에 파전 찾는 이유가 있어?", "why", "빗소리"),
    ("막걸리는 어째서 사발로 들이켜", "why", "사발"),
    ("막걸리에 아스파탐 왜 타는 거임", "why", "아스파탐"),
    ("식혜 밥알 동동 뜨는 이유", "why", "가벼워지고"),
    ("식혜는 왜 설탕 없이도 달지", "why", "엿당"),
    ("수정과 곶감을 맨 나중에 넣는 건 왜 그래", "why", "풀어지므로"),
    ("안동식혜는 빨간 이유가 뭐야", "why", "고춧가루"),
    ("쌍화차에 계란 노른자는 왜 띄우나요", "why", "노른자"),
    ("화채 위에 잣 올리는 이유 알려줘", "why", "고명"),
    ("오미자는 왜 뜨거운 물에 안 우려", "why", "떫"),
    ("안동소주는 왜 하필 45도래", "why", "45도에 이르면"),
    ("why does everybody shake the makgeolli bottle", "why", "even taste"),
    ("how come makgeolli looks so cloudy", "why", "strained roughly"),
    ("What's the reason Koreans drink makgeolli when it rains?", "why", "rain"),
    ("how come sikhye is sweet even without sugar", "why", "maltose"),
    ("why are grains of rice floating in my sikhye", "why", "hollow"),
    ("why is andong sikhye red of all things", "why", "Chili"),
    ("why would anyone put egg yolk in ssanghwa-cha", "why", "yolk"),
    ("why can't I steep omija in hot water", "why", "astringen"),
    ("how come soju has no colour", "why", "vapour"),
    ("why is barley tea quick to spoil", "why", "germs"),
]


def test_of_a_drinks_details_the_one_that_was_asked_for_comes_first(knowledge: Knowledge) -> None:
    wrong = []
    for question, kind, said in ASKED:
        rests_on = [hit.passage for hit in knowledge.find(question).prompt_hits]
        told = bool(rests_on) and rests_on[0].kind == kind and said in rests_on[0].text
        if not told or {passage.kind for passage in rests_on} & {"topic", "belief"}:
            wrong.append((question, [passage.id for passage in rests_on]))
    assert len(wrong) <= 0.07 * len(ASKED), wrong


@pytest.mark.parametrize(
    "question", ["식혜 삭히는 온도랑 시간 좀", "What temperature and how many hours for sikhye rice?"]
)
def test_time_and_temperature_are_both_told_where_both_are_asked(knowledge: Knowledge, question: str) -> None:
    said = " ".join(hit.passage.text for hit in knowledge.find(question).prompt_hits)
    assert ("3시간" in said and "℃" in said) or ("hours" in said and "degrees" in said)


@pytest.mark.parametrize("question", ["수정과에 생강이 없으면 뭘 넣어?", "What can replace the ginger in sujeonggwa?"])
def test_what_stands_in_for_another_ingredient_is_no_answer(knowledge: Knowledge, question: str) -> None:
    assert "substitution" not in {hit.passage.kind for hit in knowledge.find(question).prompt_hits}


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


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("식혜 몇 도에서 삭혀야 맛있어?", "times"),
        ("있잖아 막걸리 며칠이면 익어?", "times"),
        ("you make sikhye with malt, right? so how long does it take", "times"),
        ("how long can I keep fresh makgeolli", "storage"),
        ("why do the rice grains float in sikhye", "why"),
        ("how do old-school brewers make makgeolli", "making"),
    ],
)
def test_a_word_in_passing_does_not_decide_what_is_asked(knowledge: Knowledge, question: str, kind: Kind) -> None:
    found = knowledge.find(question)
    assert found.prompt_hits[0].passage.kind == kind and not found.sensitive


@pytest.mark.parametrize("question", ["막걸리는 왜 막걸리야?", "모주를 왜 모주라고 해?"])
def test_why_a_drink_has_its_name_is_told(knowledge: Knowledge, question: str) -> None:
    first = knowledge.find(question).prompt_hits[0].passage.text
    assert any(word in first for word in ("뜻", "모주라", "means"))


@pytest.mark.parametrize(
    ("question", "drink"),
    [
        ("유자 없으면 레몬으로 돼?", "yuja-cha"),
        ("can I use lemons instead of yuja", "yuja-cha"),
        ("소주병은 왜 목을 치는 거야?", "soju"),
    ],
)
def test_a_detail_answers_though_no_drink_is_named(knowledge: Knowledge, question: str, drink: str) -> None:
    assert knowledge.find(question).prompt_hits[0].passage.subject_id == drink
