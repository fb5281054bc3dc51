"""What people see counted: names of drinks whole, nouns without particles, verbs and adjectives when asked for, English words."""

import re
import threading
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from kdrinks import recount
from kdrinks.jobs import Jobs
from kdrinks.records import ADMINISTRATOR
from kdrinks.store import word_stats
from kdrinks.store.analytics import AnalyticsFilter
from kdrinks.store.db import Database
from kdrinks.text import english
from kdrinks.text.analyzer import TextAnalyzer
from tests.support.counted_answers import listed, say

DATA = Path(__file__).parent / "data"
PARTICLES_AND_ENDINGS = set(
    "은 는 이 가 을 를 의 에 에서 에게 께 께서 로 으로 와 과 랑 하고 도 만 까지 부터 보다 처럼 마다 조차 마저 밖에 뿐 나 이나 라도 든지 "
    "다 요 니다 습니다 어요 아요 고 며 면 서 어서 아서 지 지만 는데 던 ㄴ ㄹ ㅁ 기 음 게 도록 려고 이다 시 씨 들 쯤 적 등 것 수 때문".split()
)


def counted(words: TextAnalyzer, text: str, *pos: str) -> dict[str, int]:
    return (
        {word.word: word.count for word in words.count(text, pos)}
        if pos
        else {w.word: w.count for w in words.count(text)}
    )


def gold_rows(file: str) -> list[list[str]]:
    lines = (DATA / file).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def f1(found: Counter[str], gold: Counter[str]) -> tuple[int, int, int]:
    both = sum((found & gold).values())
    return both, sum(found.values()), sum(gold.values())


@pytest.mark.parametrize("file", ["words_gold.tsv", "words_gold_held.tsv"])
@pytest.mark.parametrize(("pos", "column", "least"), [("drink", 1, 0.97), ("noun", 2, 0.95)])
def test_hand_made_sentences_are_counted_as_a_linguist_would(
    words: TextAnalyzer, file: str, pos: str, column: int, least: float
) -> None:
    both = found_total = gold_total = 0
    wrong = []
    for cells in gold_rows(file):
        gold = Counter(name.replace("_", " ") for name in cells[column].split())
        found = Counter({word.word: word.count for word in words.count(cells[0], [pos])})
        if found != gold:
            wrong.append((cells[0], dict(found - gold), dict(gold - found)))
        b, f, g = f1(found, gold)
        both, found_total, gold_total = both + b, found_total + f, gold_total + g
    assert 2 * both / (found_total + gold_total) >= least, wrong


def test_there_are_three_hundred_hand_made_sentences_and_others_that_no_rule_was_made_for() -> None:
    sentences = [cells[0] for file in ("words_gold.tsv", "words_gold_held.tsv") for cells in gold_rows(file)]
    assert len(sentences) == len(set(sentences)) == 300 + 80


def test_no_particle_or_ending_is_among_the_top_words(words: TextAnalyzer) -> None:
    """Of everything that is packaged: what answers are made of."""
    packaged = resources.files("kdrinks").joinpath("data")
    lines = "".join(packaged.joinpath(f"{name}.jsonl").read_text("utf-8") for name in ("drinks", "topics", "beliefs"))
    texts = [text for text in re.findall(r'"([^"\\]+)"', lines) if re.search("[가-힣]", text)]
    assert len(texts) > 1000
    total: Counter[str] = Counter()
    for word in words.count("\n".join(texts), ["drink", "noun", "verb", "adjective"]):
        total[word.word] += word.count
    top = {word for word, _ in total.most_common(50)}
    assert not top & PARTICLES_AND_ENDINGS
    assert {"술", "막걸리", "누룩", "빚다"} <= {word for word, _ in total.most_common(100)}


@pytest.mark.parametrize("particle", ["", "를", "의", "랑", "에는", "보다", "로도", "이야", "하고"])
@pytest.mark.parametrize(
    "name", ["식혜", "안동소주", "송절주", "진달래화채", "면천두견주", "배숙", "감주", "단술", "쉰다리"]
)
def test_a_name_is_counted_whole_whatever_particle_follows(words: TextAnalyzer, name: str, particle: str) -> None:
    assert counted(words, f"어제 {name}{particle} 이야기를 들었다", "drink") == {name: 1}


@pytest.mark.parametrize(
    ("text", "drinks"),
    [
        ("안동 소주 한 잔", {"안동소주": 1}),
        ("막 걸리 추천", {"막걸리": 1}),
        ("대추 차가 따뜻하다", {"대추차": 1}),
        ("국화 차가운 밤", {}),
        ("매실 주세요", {}),
        ("매실 주를 담갔다", {"매실주": 1}),
        ("매실 주는 나무", {}),
        ("이강 주는 어디 술이야", {"이강주": 1}),
        ("고로쇠 수액을 받았다", {"고로쇠 수액": 1}),
    ],
)
def test_a_space_inside_a_name_does_not_split_it(words: TextAnalyzer, text: str, drinks: dict[str, int]) -> None:
    assert counted(words, text, "drink") == drinks


@pytest.mark.parametrize(
    ("text", "is_drink"),
    [
        ("청주시에 이사 갔다", False),
        ("청주에서 살아요", False),
        ("충북 청주 여행", False),
        ("청주 도수가 몇 도야?", True),
        ("찹쌀로 빚은 청주", True),
        ("청주는 어떤 맛이야?", True),
    ],
)
def test_cheongju_is_the_drink_or_the_city_by_its_neighbours(words: TextAnalyzer, text: str, is_drink: bool) -> None:
    assert ("청주" in counted(words, text, "drink")) is is_drink
    assert ("청주" in counted(words, text, "noun")) is not is_drink


def test_verbs_and_adjectives_come_in_dictionary_form_only_when_asked_for(words: TextAnalyzer) -> None:
    text = "잘 발효한 막걸리는 시원하고 달아서 자주 마십니다"
    assert counted(words, text) == {"막걸리": 1}
    assert counted(words, text, "verb") == {"발효하다": 1, "마시다": 1}
    assert counted(words, text, "adjective") == {"시원하다": 1, "달다": 1}


@pytest.mark.parametrize(
    ("text", "nouns"),
    [
        ("어른에게 추천할 술", {"어른", "술"}),
        ("마실 차 있어?", {"차"}),
        ("집에 가려던 차에 만났다", {"집"}),
        ("쓴맛이 돌고 찬물에 헹군다", {"쓴맛", "찬물"}),
        ("보라색과 핑크색", {"보라색", "핑크색"}),
        ("도움을 부탁드려요", {"도움"}),
        ("쌀을 발효하고 여과한다", {"쌀"}),
        ("3퍼센트쯤 센 걸로, 만드는 법도", set()),
        ("명절의 음료로, 잔치의 음료로 마신다", {"명절", "음료", "잔치"}),
        ("찐 쌀과 삶은 보리, 덖은 잎", {"쌀", "보리", "잎"}),
    ],
)
def test_constructions_that_a_tagger_takes_apart_are_put_right(words: TextAnalyzer, text: str, nouns: set[str]) -> None:
    assert set(counted(words, text, "noun")) == nouns


def test_english_words_are_lower_cased_in_base_form_without_stop_words(words: TextAnalyzer) -> None:
    assert counted(
        words, "The BEST recipes for brewing rice wines aren't what you'd think: leaves, glasses and a bus.", "english"
    ) == {
        "best": 1,
        "recipe": 1,
        "brew": 1,
        "rice": 1,
        "wine": 1,
        "think": 1,
        "leaf": 1,
        "glass": 1,
        "bus": 1,
    }


def test_romanised_names_are_drinks_and_not_english_words(words: TextAnalyzer) -> None:
    assert counted(words, "Andong soju, makgeolli and more makgeolli", "drink") == {"막걸리": 2, "안동소주": 1}
    assert counted(words, "Andong soju, makgeolli and more makgeolli", "english") == {}


def test_markdown_addresses_code_and_numbers_are_not_words(words: TextAnalyzer) -> None:
    text = "## **식혜**\n- [자료](https://ko.wikipedia.org/wiki/a_(b)) `x` https://a.example/잡음\n```python\nprint(막걸리)\n```\n12시 45% <br>"
    assert counted(words, text, "drink", "noun", "english") == {"식혜": 1, "자료": 1}


def test_lines_are_counted_one_by_one_with_empty_ones(words: TextAnalyzer) -> None:
    lines = words.lines("식혜와 식혜\n\n쌀")
    assert [[(word.word, word.count) for word in line] for line in lines] == [[("식혜", 2)], [], [("쌀", 1)]]


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("How do you pronounce 막걸리?", "en"),
        ("What is 식혜?", "en"),
        ("makgeolli가 뭐야", "ko"),
        ("막걸리 vs dongdongju 차이", "ko"),
        ("식혜", "ko"),
        ("sikhye", "en"),
        ("", "ko"),
    ],
)
def test_the_language_of_a_question_is_the_one_most_words_are_in(words: TextAnalyzer, text: str, lang: str) -> None:
    assert words.language(text) == lang


def test_search_sees_through_particles_endings_and_english_forms(words: TextAnalyzer) -> None:
    assert (
        set(words.search_terms("막걸리를 빚었다", "ko"))
        == set(words.search_terms("막걸리는 빚는다", "ko"))
        == {"막걸리", "빚다"}
    )
    assert words.search_terms("fermented grains", "en") == words.search_terms("ferments the grain", "en")


@pytest.mark.parametrize(
    ("word", "base"), [("berries", "berry"), ("dishes", "dish"), ("citrus", "citrus"), ("news", "news")]
)
def test_plurals_lose_their_ending_only_where_it_is_one(word: str, base: str) -> None:
    assert english.base_form(word) == base


def test_many_threads_share_one_analyser(words: TextAnalyzer) -> None:
    results: list[dict[str, int]] = []
    threads = [
        threading.Thread(target=lambda: results.append(counted(words, "식혜를 마셨다", "drink"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [{"식혜": 1}] * 8


@pytest.mark.parametrize(
    ("text", "drinks", "others"),
    [
        ("배숙\u00a0한 그릇, 문배\u3000주", {"배숙": 1, "문배주": 1}, {"그릇": 1}),
        ("수정괔ㅋㅋ 모줔 이강줗ㅎㅎ", {"수정과": 1, "모주": 1, "이강주": 1}, {}),
        ("꿀물ㅠㅠ 화채ㅜㅜ 유자차ㅇㅇ 쌍화탕ㄷㄷ", {"꿀물": 1, "화채": 1, "유자차": 1, "쌍화탕": 1}, {}),
        ("숧ㅎㅎ 잖ㅎㅎ 부엌ㅋㅋ", {}, {"술": 1, "잔": 1, "부엌": 1}),
        ("좋은 술ㅋㅋㅋㅋ", {}, {"술": 1}),
        ("https://namu.wiki/w/수정과?from=모주#식혜 읽음", {}, {}),
        ("(https://ko.wikipedia.org/wiki/막걸리_(술)) 배숙", {"배숙": 1}, {}),
        ("www.막걸리.kr, blog.naver.com/모주/12 그리고 sul@식혜.com 문의", {}, {"문의": 1}),
        ("shop.example.co.kr에서 대추차 주문", {"대추차": 1}, {"주문": 1}),
        ("[대추차](https://example.com/모주) ftp://a.kr/식혜.txt", {"대추차": 1}, {}),
        ("#막걸리맛집 #유자차_추천 #SojuTime", {"막걸리": 1, "유자차": 1, "소주": 1}, {"맛집": 1, "추천": 1, "time": 1}),
        ("맛나요~ 배숙~~ 달아요~~~ 화채^^ 사요", {"배숙": 1, "화채": 1}, {}),
        ("~~~ 화채 좋아", {"화채": 1}, {}),
        ("~~~\ncode\n~~~\n화채", {"화채": 1}, {}),
        ("화\u200d채\u2060 모\xad주", {"화채": 1, "모주": 1}, {}),
        ("ＳＯＪＵ ｙｕｊａ－ｃｈａ", {"소주": 1, "유자차": 1}, {}),
        ("makgeollis, sikhyes and Andong sojus", {"막걸리": 1, "식혜": 1, "안동소주": 1}, {}),
        ("lees, mangoes, wolves, halves, geese, buses", {}, {"lees": 1, "mango": 1, "wolf": 1, "half": 1, "goose": 1, "bus": 1}),
        ("수정과 sujeonggwa 水正果 tnwjdrhk Soojeonggwa", {"수정과": 5}, {}),
        ("쌍화차 ssanghwatang 쌍화탕 yakju 청주 cheongju", {"쌍화차": 1, "쌍화탕": 2, "약주": 1, "청주": 2}, {}),
        ("안동소주(安東燒酒)", {"안동소주": 1}, {}),
    ],
)  # fmt: skip
def test_words_are_counted_as_they_were_meant_in_chats(
    words: TextAnalyzer, text: str, drinks: dict[str, int], others: dict[str, int]
) -> None:
    assert counted(words, text, "drink") == drinks
    assert counted(words, text, "noun", "english") == others


@pytest.mark.parametrize("word", ["메뉴ㅠㅠ", "좋ㅎㅎ", "우유ㅠㅠ", "소주ㅜㅜ", "들녘ㅋ"])
def test_a_word_that_ends_like_laughter_keeps_its_end(words: TextAnalyzer, word: str) -> None:
    assert words.as_meant(word) == word


def test_what_was_counted_under_older_rules_is_counted_again(db: Database, words: TextAnalyzer) -> None:
    say(
        db,
        {"막걸맄": 1, "www": 1, "com": 1, "sikhye": 1},
        text="막걸맄ㅋㅋ www.식혜.com sikhye 식혜",
        analyser="3+kiwi0.24.1",
    )
    job = recount.count_again(Jobs(db), db, words)
    assert job and job.wait(60) and job.error is None
    shown = dict(listed(word_stats.top_words(db, ADMINISTRATOR, AnalyticsFilter(), limit=9), "word", "count"))
    assert shown == {"식혜": 2, "막걸리": 1, "질문": 1}
