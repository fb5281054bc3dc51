"""What sources say otherwise than the data once did, and that nobody who must have no alcohol is offered what may hold some."""

from collections.abc import Callable, Iterator

import pytest

from kdrinks.config import Settings
from kdrinks.drinks.browse import DrinkFilter, filter_drinks
from kdrinks.drinks.model import Drink
from kdrinks.drinks.passages import all_passages
from kdrinks.drinks.read import load_drinks, load_topics
from kdrinks.findings import Findings
from kdrinks.search.knowledge import Knowledge
from kdrinks.services import open_services

DRINKS = {drink.id: drink for drink in load_drinks()}
TOPICS = {topic.id: topic for topic in load_topics()}
PASSAGES: dict[str, str] = {}
for passage in all_passages(DRINKS.values(), TOPICS.values(), ()):
    PASSAGES[passage.subject_id] = PASSAGES.get(passage.subject_id, "") + passage.text + "\n"
"""Everything that answers can say of a subject, in both languages."""

MAY = {"swindari", "gamju", "yeonyeop-sikhye"}
PERHAPS_A_LITTLE = {"andong-sikhye", "jangsu", "maesil-cha"}
UNSURE = MAY | PERHAPS_A_LITTLE


def says(subject: str, *words: str) -> bool:
    return all(word in PASSAGES[subject] for word in words)


def never(subject: str, *words: str) -> bool:
    return not any(word in PASSAGES[subject] for word in words)


def unsure(subject: str) -> bool:
    drink = DRINKS[subject]
    return drink.abv_percent is None and drink.tags.alcohol == "maybe" and not drink.alcohol_free


def warns(subject: str, *words: str) -> bool:
    safety = DRINKS[subject].safety
    return all(word in safety.ko + safety.en for word in words)


def tags(subject: str) -> set[str]:
    return set(DRINKS[subject].tags.diet)


def strength(subject: str) -> str:
    return DRINKS[subject].tags.alcohol


FACTS: dict[str, Callable[[], bool]] = {
    "swindari-is-a-low-alcohol-drink": lambda: (
        unsure("swindari") and says("swindari", "저농도 알코올 음료", "low-alcohol") and never("swindari", "soft drink")
    ),
    "swindari-holds-sugar": lambda: "sugar_free" not in tags("swindari") and "sugar" in tags("swindari"),
    "yeonyeop-sikhye-may-contain-alcohol": lambda: (
        unsure("yeonyeop-sikhye")
        and says("yeonyeop-sikhye", "청주", "cheongju")
        and never("yeonyeop-sikhye", "옛 방식")
    ),
    "yeonyeop-sikhye-needs-malt-and-sugar": lambda: (
        {"엿기름물", "설탕·꿀"} <= set(DRINKS["yeonyeop-sikhye"].ingredients.ko)
    ),
    "yeonyeop-sikhye-holds-barley-and-pine-nuts": lambda: (
        {"gluten", "nuts", "honey"} <= tags("yeonyeop-sikhye") and warns("yeonyeop-sikhye", "보리", "잣", "pine nuts")
    ),
    "gamju-may-contain-alcohol": lambda: unsure("gamju"),
    "okroju-is-shown-as-ongnoju": lambda: (
        DRINKS["okroju"].title_en == "Ongnoju" and "okroju" in DRINKS["okroju"].aliases and says("okroju", "[옹노주]")
    ),
    "the-first-food-master-is-of-songhwa-baegilju": lambda: (
        says("songjuk-ogokju", "송화백일주", "songhwa-baegilju")
        and never("songjuk-ogokju", "송죽오곡주의 대한민국식품명인", "Master of Songjuk")
    ),
    "hosanchun-was-designated-in-march": lambda: (
        says("hosanchun", "1991년 3월 25일", "25 March 1991") and never("hosanchun", "11월 23일", "November", "11-23")
    ),
    "hosanchun-of-yeosan-has-another-first-letter": lambda: says("hosanchun", "湖山春", "壺山春"),
    "igangju-holds-wheat-and-barley": lambda: warns("igangju", "밀", "보리", "wheat", "barley", "꿀"),
    "gugijaju-holds-more-than-goji": lambda: (
        says("gugijaju", "감초", "들국화", "두충피", "지골피")
        and warns("gugijaju", "혈압", "항응고제", "국화과", "blood thinners", "daisy family")
    ),
    "gyeryong-baegilju-is-distilled-too": lambda: strength("gyeryong-baegilju") == "high",
    "cheongmyeongju-has-no-malt": lambda: (
        never("cheongmyeongju", "엿기름", "malt", "스무 날", "twenty days")
        and says("cheongmyeongju", "백일쯤", "밀누룩")
    ),
    "cheongmyeong-is-no-lunar-date": lambda: (
        never("cheongmyeongju", "음력 3월", "3rd lunar month") and says("cheongmyeongju", "4월 4~6일", "4–6 April")
    ),
    "sogokju-holds-soy-and-daisies": lambda: (
        {"soy", "pollen"} <= tags("sogokju") and warns("sogokju", "콩", "국화과", "soy", "daisy family")
    ),
    "okseonju-has-a-new-master": lambda: (
        says("okseonju", "제24호 임용순", "no. 24, Im Yong-sun") and never("okseonju", "식품명인은 제3호")
    ),
    "okseonju-holds-kudzu-and-angelica": lambda: (
        says("okseonju", "칡뿌리", "당귀") and warns("okseonju", "임신", "항응고제", "blood thinners")
    ),
    "gukhwaju-has-the-number-9-na": lambda: (
        says("gukhwaju", "제9-나호", "no. 9-na", "2021년 10월 21일") and never("gukhwaju", "9-2")
    ),
    "daeryeom-was-an-envoy-of-silla": lambda: (
        says("nokcha", "신라 사신 김대렴", "Silla's envoy") and never("nokcha", "당나라에서 온 사신")
    ),
    "dried-persimmon-is-no-substitute-for-itself": lambda: (
        never("gen-substitutes", "곶감은 dried persimmon", "and dried persimmon (or")
        and says("gen-substitutes", "살구로")
    ),
    "changmyeon-of-gangwon-is-made-with-kudzu": lambda: (
        never("changmyeon", "arrowroot") and says("changmyeon", "kudzu or potato starch")
    ),
    "kudzu-is-no-arrowroot": lambda: all("arrowroot" not in text for text in PASSAGES.values()),
    "aengdu-hwachae-has-names-only": lambda: not any("아님" in name for name in DRINKS["aengdu-hwachae"].aliases),
    "gujeolcho-is-another-flower": lambda: not any("구절초" in name for name in DRINKS["gukhwa-cha"].aliases),
    "dongdongju-is-not-weak": lambda: strength("dongdongju") == "medium",
    "omegisul-is-not-weak": lambda: (
        strength("omegisul") == "medium" and "light_alcohol" not in DRINKS["omegisul"].tags.mood
    ),
    "infused-liquors-are-strong": lambda: {strength(one) for one in ("insamju", "songsunju", "ogapiju")} == {"high"},
    "gwahaju-is-strong": lambda: strength("gwahaju") == "high",
    "flowers-bring-pollen": lambda: all(
        "pollen" in tags(one) and warns(one, "꽃")
        for one in ("dugyeonju", "jindallae-hwachae", "dohwaju", "songjeolju")
    ),
    "baekseju-belongs-to-no-region": lambda: (
        DRINKS["baekseju"].tags.region == ("nationwide",) and says("baekseju", "전국", "국순당", "Kooksoondang")
    ),
    "sources-differ-on-when-ongnoju-was-listed": lambda: says(
        "okroju", "자료마다 다릅니다: 1993년", "1994년 12월 24일", "군포당정옥로주", "24 December 1994"
    ),
    "songsunju-of-gimje-was-listed-and-struck": lambda: says(
        "songsunju", "1987년 4월 28일", "2009년 8월 14일", "delisted on 14 August 2009", "국화주보다 먼저"
    ),
    "igangju-is-one-of-the-local-brews": lambda: says("igangju", "향토술담그기의 하나", "as one of its local brews"),
    "moju-is-not-free-of-alcohol-and-its-queen-is-a-tale": lambda: (
        says("moju", "완전 무알코올이 아닙니다", "유래담") and never("moju", "술기가 없", "대동야승")
    ),
    "dosoju-is-also-served-cold": lambda: DRINKS["dosoju"].tags.temperature == ("cold", "hot", "room"),
    "old-customs-for-children-come-with-the-warning": lambda: (
        never("dosoju", "어린 사람부터 차례로 마십니다")
        and says("dosoju", "오늘날 미성년자는 마시지 않습니다", "today minors do not drink it")
    ),
}


@pytest.mark.parametrize("fact", FACTS)
def test_the_data_say_what_the_sources_say(fact: str) -> None:
    assert FACTS[fact]()


@pytest.mark.parametrize("drink", sorted(UNSURE))
def test_a_drink_that_may_hold_alcohol_is_no_liquor_and_never_at_zero_percent(drink: str) -> None:
    assert unsure(drink) and not DRINKS[drink].is_alcoholic
    alcohol = DRINKS[drink].alcohol
    few = drink in PERHAPS_A_LITTLE
    assert ("조금 있을 수 있습니다" if few else "알코올이 있을 수 있습니다") in alcohol.ko
    assert ("a little alcohol" if few else "may contain alcohol") in alcohol.en
    assert never(drink, "알코올이 없는 음료입니다", "contains no alcohol")
    assert warns(
        drink, "임신", "운전", "복용", "미성년자", "술을 끊은", "pregnant", "drive", "medication", "minors", "given up"
    )


def test_the_drinks_page_shows_them_apart_from_drinks_without_alcohol_and_from_weak_liquor() -> None:
    drinks = list(DRINKS.values())
    assert {drink.id for drink in filter_drinks(drinks, DrinkFilter(alcohol=frozenset({"maybe"})))} == UNSURE
    for group in ("none", "low", "medium", "high"):
        assert not UNSURE & {drink.id for drink in filter_drinks(drinks, DrinkFilter(alcohol=frozenset({group})))}


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("home")
    services = open_services(Settings(folder, folder), memory=True)
    services.knowledge.fill()
    yield services.knowledge
    services.close()


def offered(found: Findings) -> list[Drink]:
    ids = dict.fromkeys(hit.passage.subject_id for hit in (*found.prompt_hits, *found.hits))
    return [DRINKS[one] for one in ids if one in DRINKS]


@pytest.mark.parametrize(
    "question",
    [
        "임신 칠 개월인데 입덧이 심해요, 새콤하고 시원한 전통 음료 골라 주세요",
        "아내가 임신했는데 제주도 여행에서 사 줄 만한 전통 음료 있을까요?",
        "수유 중인 동생한테 줄 달달한 전통 음료 뭐가 좋을까",
        "이따 운전해야 하는데 새콤한 여름 음료 하나 골라줘",
        "대리 못 불러서 차 몰고 가야 해, 시원한 전통 음료 추천 부탁",
        "고등학생 조카한테 먹일 여름 전통 음료 골라줘",
        "초등학생들 간식으로 낼 식혜 종류 추천해 줘",
        "항생제 먹는 중인데 마실 만한 발효 음료 추천해줘",
        "술 끊은 지 1년 됐어요, 명절에 마실 만한 거 추천해 주세요",
        "알코올 중독 치료 중인 형이랑 마실 전통 음료 추천",
        "무알코올로 추천해 줘, 여름에 시원한 걸로",
        "알코올 프리 식혜 종류 뭐 있어?",
        "알코올 0.0%인 전통 음료만 골라줘",
        "술이 몸에 안 받아요, 새콤한 전통 음료 추천해 주세요",
        "메트로니다졸 먹는데 제주 음료 추천해줘",
        "임테기 두 줄 떴어요! 새콤한 음료 추천해줘",
        "논알콜로 안동에서 마실 만한 전통 음료 알려줘",
        "I'm seven months pregnant, pick me something tart and cold from Korea",
        "My wife is expecting; which Jeju drink could I buy her?",
        "I'm nursing my baby, suggest a sweet Korean drink for me",
        "I have to drive home later, what tart summer drink would you pick?",
        "My nephew is 15, which Korean summer drink should he try?",
        "Pick a sikhye for my kids' snack time",
        "I'm on antibiotics; recommend a fermented Korean drink",
        "I've been sober for two years, what can I have at Chuseok?",
        "My brother is in rehab for alcohol, recommend something to drink together",
        "Recommend a zero-alcohol Korean drink for hot weather, not a drop please",
        "Which kinds of sikhye are alcohol free?",
        "Suggest alcohol-free drinks from Andong",
        "I'm on metronidazole, recommend a drink from Jeju",
        "I have liver disease, which Korean summer drink can you suggest?",
    ],
)
def test_who_must_have_no_alcohol_is_offered_only_what_surely_has_none(knowledge: Knowledge, question: str) -> None:
    drinks = offered(knowledge.find(question))
    assert drinks and all(drink.alcohol_free for drink in drinks), [drink.id for drink in drinks]


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("임신 중이에요", "상큼한 매실 음료 같은 거 추천해 줘"),
        ("저는 술을 끊었어요", "제주 향토 음료 좀 골라 줘"),
        ("I have given up alcohol; I am in recovery", "Suggest a sour drink from Jeju"),
        ("I am pregnant", "Suggest something like andong sikhye"),
    ],
)
def test_it_stays_so_for_the_rest_of_a_conversation(knowledge: Knowledge, said: str, question: str) -> None:
    drinks = offered(knowledge.find(question, history=[said]))
    assert drinks and all(drink.alcohol_free for drink in drinks), [drink.id for drink in drinks]


@pytest.mark.parametrize(
    ("question", "drink"),
    [
        ("임신했는데 쉰다리 한 잔은 괜찮을까?", "swindari"),
        ("감주 먹고 운전대 잡아도 돼?", "gamju"),
        ("중2 아들이 연엽식혜 마셔도 되나요", "yeonyeop-sikhye"),
        ("항생제 복용 중에 쉰다리 괜찮아?", "swindari"),
        ("술 끊었는데 안동식혜는 마셔도 될까", "andong-sikhye"),
        ("장수에는 알코올이 들었어?", "jangsu"),
        ("매실차에 술 성분 있어?", "maesil-cha"),
        ("연엽식혜에 술을 넣나요", "yeonyeop-sikhye"),
        ("Can a pregnant woman have swindari?", "swindari"),
        ("Is gamju OK before driving?", "gamju"),
        ("I quit drinking; is yeonyeop-sikhye okay for me?", "yeonyeop-sikhye"),
        ("Does maesil tea contain any alcohol?", "maesil-cha"),
        ("Is jangsu alcohol-free?", "jangsu"),
        ("Is andong sikhye safe for a sober person?", "andong-sikhye"),
    ],
)
def test_who_asks_for_such_a_drink_reads_that_it_may_contain_alcohol(
    knowledge: Knowledge, question: str, drink: str
) -> None:
    found = knowledge.find(question)
    own = " ".join(hit.passage.text for hit in found.prompt_hits if hit.passage.subject_id == drink)
    assert found.sensitive
    assert any(
        words in own
        for words in ("알코올이 있을 수", "알코올이 조금 있을 수", "감주는 술", "may contain alcohol", "little alcohol")
    )


@pytest.mark.parametrize(
    "question",
    [
        "약한 술로 골라 줘",
        "제주 술 중에 순한 거 있어?",
        "recommend me a weak brew from Jeju",
        "something barely alcoholic, please",
    ],
)
def test_a_weak_liquor_is_weak_in_each_of_its_kinds(knowledge: Knowledge, question: str) -> None:
    drinks = offered(knowledge.find(question))
    assert drinks and {drink.tags.alcohol for drink in drinks} == {"low"}


@pytest.mark.parametrize(
    "question", ["당뇨가 있어서 그런데 설탕 없는 음료 추천해 줘", "I'm diabetic, pick a sugar-free drink for me"]
)
def test_ferments_whose_sugar_nobody_knows_are_not_offered_as_sugar_free(knowledge: Knowledge, question: str) -> None:
    ids = {drink.id for drink in offered(knowledge.find(question))}
    assert ids and not ids & {"swindari", "jangsu"}


@pytest.mark.parametrize(
    "question", ["혈당 관리 중인데 마실 차 골라 줘", "I watch my blood sugar, which Korean tea would you pick?"]
)
def test_who_has_diabetes_is_offered_no_tea_that_goes_badly_with_the_drugs(knowledge: Knowledge, question: str) -> None:
    drinks = offered(knowledge.find(question))
    assert drinks and all("sugar_free" in drink.tags.diet for drink in drinks)
    assert not [drink.id for drink in drinks if "당뇨약" in drink.safety.ko or "복용" in drink.safety.ko]
