"""Whoever looks for a conversation finds it by whatever they remember: a word in any form, a particle, two letters, Latin, loose jamo."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kdrinks.errors import BadInput
from kdrinks.records import ADMINISTRATOR, Visitor
from kdrinks.store import chats, conversation_marks, conversation_search, ratings
from kdrinks.store.conversation_search import Found
from kdrinks.store.db import Database
from kdrinks.text import sought
from kdrinks.text.analyzer import TextAnalyzer
from tests.support.store_rows import LOADED, exchange

TALKS = {
    "sikhye": ("식혜에는 뭐가 들어가?", "식혜는 엿기름과 쌀로 만들고, 밥알이 동동 떠 있습니다. [1]"),
    "andong": ("안동 소주가 얼마나 독해?", "**안동소주**는 45도까지 올라가는 증류주입니다. [1]"),
    "makgeolli": ("막걸맄ㅋㅋ 언제 마셔요 ㅠㅠ", "**막걸리(탁주)**는 비 오는 날 파전과 함께 마셨습니다. 10~15도가 아니라 6도입니다."),
    "latin": ("DuckDB로 세는 법 알려줘, kdrinks에서", "API키는 없고 SQL만 있습니다. pH가 3.5이면 시어요."),
    "english": ("How is sujeonggwa made?", "Sujeonggwa is boiled with ginger and cinnamon, then sweetened."),
    "verbs": ("대추차 어떻게 끓여요?", "대추를 푹 고아 체에 거르고, 꿀을 타서 드세요."),
    "unanswered": ("이강주를 빚는 날은", ""),
}  # fmt: skip

FINDS = {
    # particles, and words with particles that other texts have without or with another
    "식혜의": "sikhye", "식혜랑": "sikhye", "엿기름을": "sikhye", "막걸리에": "makgeolli", "소주는": "andong", "에서": "latin", "까지": "andong",
    "이강주는": "unanswered", "파전이랑": "makgeolli",
    # two letters, and one
    "쌀": "sikhye", "쌀로": "sikhye", "꿀": "verbs", "엿": "sikhye", "밥알": "sikhye", "동동": "sikhye", "ㅠㅠ": "makgeolli", "체": "verbs",
    # with a space where there is none, and none where there is one
    "안동소주": "andong", "안동 소주": "andong", "막 걸리": "makgeolli", "비오는날": "makgeolli", "증류 주": "andong", "대추 차": "verbs",
    # Latin, small and large, glued to Hangul and apart
    "duckdb": "latin", "DUCKDB로": "latin", "duckdb 로": "latin", "api": "latin", "api키": "latin", "sql": "latin", "sql만": "latin", "ph": "latin",
    "KDRINKS": "latin", "Ginger": "english", "sweeten": "english", "수정과": "english", "sikhye": "sikhye", "makgeolli": "makgeolli",
    # loose jamo: laughter, one glued to a word, a word not typed to its end, initials
    "ㅋㅋ": "makgeolli", "막걸리": "makgeolli", "막걸ㄹ": "makgeolli", "엿기르": "", "엿기ㄹ": "sikhye", "ㅅㅎ": "sikhye",
    # verbs in another form
    "끓이는": "verbs", "끓인": "verbs", "마시는": "makgeolli", "올라갔다": "andong", "만들어": "sikhye", "빚어": "unanswered",
    # figures and signs
    "45도": "andong", "10~15도": "makgeolli", "3.5": "latin", "막걸리(탁주)": "makgeolli", "[1]": "sikhye",
    # several words, from question and answer, in any order
    "쌀 식혜": "sikhye", "독해 증류주": "andong", "파전 비": "makgeolli", '"꿀을 타서"': "verbs", "꿀 계피": "",
    # nothing
    "호밀밭": "", "홍차": "", "식혜 막걸리": "",
}  # fmt: skip

Looking = Callable[..., list[Found]]


@pytest.fixture
def ids(db: Database, words: TextAnalyzer) -> dict[str, str]:
    """The conversations, each with its words as the app counts them."""
    made = {}
    for name, (question, text) in TALKS.items():
        made[name] = chats.start_conversation(db, ADMINISTRATOR)
        say(db, words, made[name], question, text)
    return made


def say(db: Database, words: TextAnalyzer, conversation: str, question: str, text: str, **changes: object) -> str:
    """Returns the answer's id."""
    question_id = chats.record_question(db, ADMINISTRATOR, conversation, question, "ko")
    counts = {"question_words": tuple(words.count(question)), "answer_words": tuple(words.count(text))}
    said = exchange(conversation, question_id, question=question, answer=text, citations=(), **counts, **changes)
    assert not text or chats.record(db, said)
    return said.message_id


@pytest.fixture
def looking(db: Database, words: TextAnalyzer) -> Looking:
    def look(typed: str, who: Visitor = ADMINISTRATOR, zone: timedelta = timedelta()) -> list[Found]:
        return conversation_search.search(db, who, sought.read(typed, words), zone=zone)

    return look


def test_every_search_of_the_list_finds_its_conversation(ids: dict[str, str], looking: Looking) -> None:
    names = {one: name for name, one in ids.items()}
    missed = {}
    for typed, name in FINDS.items():
        found = [names[one.conversation.id] for one in looking(typed)]
        if (name not in found) if name else found:
            missed[typed] = (name, found)
    assert missed == {}, "typed: (what it should find, what it found)"


def test_what_stands_in_one_conversation_alone_finds_no_other(ids: dict[str, str], looking: Looking) -> None:
    for typed in ("식혜의", "안동소주", "duckdb", "ㅋㅋ", "끓이는", "10~15도", "이강주"):
        assert len(looking(typed)) == 1, typed


def test_a_text_that_a_mac_spelled_is_found_like_any_other(db: Database, words: TextAnalyzer, looking: Looking) -> None:
    conversation = chats.start_conversation(db, ADMINISTRATOR)
    chats.record_question(db, ADMINISTRATOR, conversation, unicodedata.normalize("NFD", "감홍로 사진.jpg"), "ko")
    for typed in ("감홍로", unicodedata.normalize("NFD", "감홍로")):
        assert [one.conversation.id for one in looking(typed)] == [conversation]
    assert ("감홍로", True) in looking("감홍로")[0].snippet


@pytest.mark.parametrize(
    ("typed", "marked"),
    [("엿기름을", "엿기름"), ("duckdb", "DuckDB"), ("안동소주", "안동 소주"), ("끓이는", "끓여"), ("막걸ㄹ", "막걸맄"), ("45도", "45도")],
)  # fmt: skip
def test_the_match_is_marked_where_it_stands(ids: dict[str, str], looking: Looking, typed: str, marked: str) -> None:
    (found,) = looking(typed)
    assert marked in [text for text, is_match in found.snippet if is_match]


def test_a_snippet_shows_the_match_of_a_long_text_and_its_surroundings(words: TextAnalyzer) -> None:
    text = "가나다라 " * 100 + "여기에 곶감이 있습니다 " + "마바사아 " * 100
    pieces = sought.snippet(text, sought.read("곶감", words).terms)
    assert pieces[0] == ("…", False) and ("곶감", True) in pieces and pieces[-1][0].endswith("…")
    assert sum(len(piece) for piece, _ in pieces) <= sought.SNIPPET_CHARACTERS + 2


def test_the_last_active_conversation_comes_first(
    db: Database, words: TextAnalyzer, ids: dict[str, str], looking: Looking
) -> None:
    assert [one.conversation.id for one in looking("막걸리에")] == [ids["makgeolli"]]
    say(db, words, ids["sikhye"], "막걸리에도 엿기름이 들어가?", "아니요.")
    assert [one.conversation.id for one in looking("막걸리에")] == [ids["sikhye"], ids["makgeolli"]]


def test_pinned_conversations_stand_first_among_what_is_found(
    db: Database, words: TextAnalyzer, ids: dict[str, str], looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_marks.pin(db, ADMINISTRATOR, ids["sikhye"], True)
    say(db, words, ids["latin"], "식혜도 세?", "예.")
    assert [one.conversation.id for one in looking("식혜")] == [ids["sikhye"], ids["latin"]]
    monkeypatch.setattr(conversation_search, "FIRST_LOOK", 1)
    found = conversation_search.search(db, ADMINISTRATOR, sought.read("식혜", words), limit=1)
    assert [one.conversation.id for one in found] == [ids["sikhye"]], "however old it is"


def test_what_stands_in_old_conversations_alone_is_found_and_a_short_list_is_looked_through_once(
    db: Database, words: TextAnalyzer, ids: dict[str, str], looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    look = conversation_search._ids

    def counted(*given: Any) -> tuple[list[str], int]:
        looks.append(given)
        return look(*given)

    monkeypatch.setattr(conversation_search, "_ids", counted)
    assert len(looking("엿기름을")) == 1 and len(looks) == 1
    assert looking("홍차") == [] and len(looks) == 2
    monkeypatch.setattr(conversation_search, "FIRST_LOOK", 2)  # of seven
    assert [one.conversation.id for one in looking("엿기름을")] == [ids["sikhye"]] and len(looks) == 4


def test_filters_narrow_by_drink_model_rating_and_day(
    db: Database, words: TextAnalyzer, ids: dict[str, str], looking: Looking
) -> None:
    one = Visitor("one")
    other = chats.start_conversation(db, one)
    answer = say(db, words, other, "식혜 칼로리?", "모릅니다.", loaded=replace(LOADED, model_id="qwen3-4b-instruct"))

    def found(typed: str) -> set[str]:
        return {each.conversation.id for each in looking(typed)}

    for typed in ("drink:식혜", "drink:sikhye", "음료:식혜", "DRINK:식혜"):
        assert found(typed) == {ids["sikhye"], other}, typed
    assert found('drink:"안동 소주"') == found("음료:안동소주") == {ids["andong"]}
    assert found("drink:식혜 엿기름") == {ids["sikhye"]} and found("drink:홍차") == set()
    assert found("model:QWEN") == found("모델:qwen3") == {other} and found("model:qwen 엿기름") == set()
    assert found("rated:good") == set()
    ratings.rate(db, one, answer, ratings.Rating(good=False))
    assert found("rated:bad") == found("평가:나쁨") == {other} and found("평가:좋음") == set()
    ratings.rate(db, one, answer, ratings.Rating(good=True))
    assert found("rated:good 식혜") == {other} and found("rated:bad") == set()
    ratings.rate(db, one, answer, ratings.Rating())
    assert found("rated:good") == found("rated:bad") == set(), "it was taken back"

    with db.write() as cursor:
        for table in ("messages", "words"):
            at = datetime(2026, 3, 1, 20, 0)  # in Seoul it is the 2nd
            cursor.execute(f"UPDATE {table} SET created_at = ? WHERE conversation_id = ?", [at, ids["sikhye"]])
    assert found("before:2026-03-02") == found("이전:2026.3.2 식혜") == found("before:2026-04") == {ids["sikhye"]}
    assert found("before:2026-03-01") == found("before:2026") == set()
    assert looking("before:2026-03-02", zone=timedelta(hours=9)) == []
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert found(f"before:{tomorrow:%Y-%m-%d}") == {*ids.values(), other}
    assert found("drink:") == found("") == {*ids.values(), other}, "a filter not written to its end asks for nothing"


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("rated:meh", "search_rated"),
        ("before:어제", "search_before"),
        ("before:2026-02-30", "search_before"),
        ("before:0001", "search_before"),
        ("before:0999-12-31", "search_before"),
        ("a" * 201, "search_too_long"),
        ("가 나 다 라 마 바 사 아 자", "search_too_many"),
    ],
)
def test_what_cannot_be_searched_is_told_with_what_to_write(words: TextAnalyzer, typed: str, key: str) -> None:
    with pytest.raises(BadInput) as refused:
        sought.read(typed, words)
    assert refused.value.key == key and refused.value.hint("ko") != refused.value.hint("en")


@pytest.mark.parametrize("typed", ["*", "(", "[", "\\", ".*", "(?i)", "a|b", "$x", "%", "_", "'", "';--", "ㄳ", "막ㄳ", "🍶", "\x00", "\ud800"])  # fmt: skip
def test_no_sign_breaks_a_search_and_each_means_itself(db: Database, looking: Looking, typed: str) -> None:
    conversation = chats.start_conversation(db, ADMINISTRATOR)
    chats.record_question(db, ADMINISTRATOR, conversation, "아무 말", "ko")
    assert not looking(typed) or not typed.strip("*_\x00")


@pytest.mark.parametrize("typed", ["막" + "_" * 60 + "걸", "막" + "*_" * 30 + "걸", '"막' + " _" * 30 + '걸"'])
def test_a_row_of_underscores_or_asterisks_holds_nobody_up(db: Database, looking: Looking, typed: str) -> None:
    for text in ("막" + "_" * 200 + "리", "막" + "_" * 80 + "걸리"):
        conversation = chats.start_conversation(db, ADMINISTRATOR)
        chats.record_question(db, ADMINISTRATOR, conversation, text, "ko")
    (found,) = looking(typed)
    assert any(is_match and piece.endswith("걸") for piece, is_match in found.snippet)


def test_nobody_finds_what_another_said_nor_what_was_deleted(
    db: Database, words: TextAnalyzer, ids: dict[str, str], looking: Looking
) -> None:
    one, other = Visitor("one"), Visitor("other")
    own = chats.start_conversation(db, one)
    chats.record_question(db, one, own, "감홍로 이야기", "ko")
    assert [found.conversation.id for found in looking("감홍로", one)] == [own]
    for typed in ("감홍로", "식혜", "before:2100", "drink:식혜"):
        assert looking(typed, other) == []
    assert looking("식혜", one) == []
    chats.delete_conversation(db, one, own)
    assert looking("감홍로", one) == [] and looking("감홍로") == []
