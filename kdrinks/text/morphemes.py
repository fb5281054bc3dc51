"""Kiwi's morphemes put right where talk about food and drink shows that they are wrong. Pure: tokens in, tokens out.

Each rule names a construction, never a sentence; what they change is in tests/data/words_gold.tsv. Tags are Sejong's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

# Kiwi's dictionary lacks 덖다 (to roast tea leaves); 찐 and 삶은 before food are verbs, though 찐 is slang and 삶 is life.
VERBS = ("덖",)
READ_AS = {
    "찐": (("찌", "VV"), ("ᆫ", "ETM")),
    "삶은": (("삶", "VV"), ("은", "ETM")),
}
# Bound nouns that Kiwi has as nouns: they count or carry other words and are no topic.
_UNITS = frozenset({"퍼센트", "센티", "밀리", "킬로", "시시", "칼로리", "시간"})
_NUMERALS = frozenset("한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 몇 반 여러".split())
_BOUND = frozenset({"법", "걸", "쯤", "뿐", "줄", "김"})
# One-syllable nouns that people write after another without the space: 명절때, 식사전, 유두날.
_APART = frozenset("때 전 후 뒤 앞 속 안 밖 위 밑 옆 날 좀 중 내 외 간 등 말 집".split()) | frozenset(
    # a particle that Kiwi took for a noun: 음료로
    "은 는 이 가 을 를 의 에 로 와 과 도 만 랑 나 요 야".split()
)
# What is left of these without 님 is another word.
_WITH_HONORIFIC = frozenset("손 스 하느 해 달 따 아드 도련 서방".split())


@dataclass(frozen=True, slots=True)
class Morpheme:
    form: str
    tag: str
    start: int
    """Of its first character in the text, and how many it has there."""
    len: int
    sent_position: int

    @property
    def end(self) -> int:
        return self.start + self.len


def mended(tokens: Sequence[Any], text: str, names: Collection[str] = ()) -> list[Morpheme]:
    """Kiwi's tokens of this text, with some of them merged or tagged anew; names (of drinks) become part of no other word."""
    left = [Morpheme(token.form, token.tag, token.start, token.len, token.sent_position) for token in tokens]
    done: list[Morpheme] = []
    while left:
        taken, made = _first(left, done, text, names)
        done += made
        left = left[taken:]
    return done


def _first(
    left: Sequence[Morpheme], done: Sequence[Morpheme], text: str, names: Collection[str]
) -> tuple[int, list[Morpheme]]:
    """How many of the tokens the first rule that fits takes, and what they become."""
    one = left[0]
    two = left[1] if len(left) > 1 else None
    three = left[2] if len(left) > 2 else None
    before = done[-1] if done else None
    # 마실 술, 추천할 술: never "마실 수를", which nobody writes as 술
    if two and one.form == "수" and one.tag == "NNB" and two.tag == "JKO" and two.form == "ᆯ":
        return 2, [_as(one, text, "NNG", until=two)]
    # 선물할 차 있어요: a tea; 가려던 차에 stays bound
    if one.form == "차" and one.tag == "NNB" and not (two and two.form == "에"):
        return 1, [_as(one, text, "NNG")]
    # 단맛, 찬물: an adjective of one syllable written together with a noun is one word
    if (
        two and three and one.tag.startswith("VA") and two.tag == "ETM" and two.form == "ᆫ" and three.tag == "NNG"
        and three.end - one.start <= 3 and three.start == one.start + 1 and (before is None or before.end < one.start)
    ):  # fmt: skip
        return 3, [_as(one, text, "NNG", until=three)]
    # 붉은빛, 검은색
    if (
        two and three and one.tag.startswith("VA") and two.tag == "ETM" and three.tag == "NNG" and three.form in ("빛", "색")
        and two.end == three.start
    ):  # fmt: skip
        return 3, [_as(one, text, "NNG", until=three)]
    # 유리병, 물맛, 핑크색, and what Kiwi does not know and takes apart (산미): two nouns of three syllables together are one word
    if two and one.tag in ("NNG", "NNP") and two.tag == "NNG" and _one_word(one, two, names):
        return 2, [_as(one, text, "NNG", until=two)]
    # 손님
    if two and one.tag == "NNG" and two.tag == "XSN" and two.form == "님" and one.form in _WITH_HONORIFIC:
        return 2, [_as(one, text, "NNG", until=two)]
    if two and one.form == "우리" and two.form == "나라" and one.end == two.start:
        return 2, [_as(one, text, "NNG", until=two)]
    # 삼월
    if two and one.tag == "NR" and two.form == "월" and two.tag == "NNB" and one.end == two.start:
        return 2, [_as(one, text, "NNG", until=two)]
    # 말씀드리다, 추천드리다
    if two and two.form == "드리" and two.tag == "VV" and one.tag == "NNG" and one.end == two.start:
        return 2, [one, Morpheme("드리", "XSV", two.start, two.len, two.sent_position)]
    # 술을 발효하고 숙성한: between an object and another verb on -하다 stands a verb, not "발효 and"
    if (
        two and three and len(left) > 3 and one.tag == "NNG" and before and before.tag == "JKO"
        and two.form == "하고" and two.tag in ("JC", "JKB") and three.tag == "NNG" and left[3].tag in ("XSV", "JC", "JKB")
        and left[3].form in ("하", "하고")
    ):  # fmt: skip
        return 2, [one, Morpheme("하", "XSV", two.start, 1, two.sent_position), Morpheme("고", "EC", two.start + 1, 1, two.sent_position)]  # fmt: skip
    # 6퍼센트, 한 시간
    if one.tag == "NNG" and one.form in _UNITS and before and (before.tag in ("SN", "NR") or before.form in _NUMERALS):
        return 1, [_as(one, text, "NNB")]
    # 만드는 법, 단 걸로, 100일쯤
    if one.tag == "NNG" and one.form in _BOUND and before and (before.tag in ("ETM", "MM", "NNB")):
        return 1, [_as(one, text, "NNB")]
    return 1, [one]


def _one_word(one: Morpheme, two: Morpheme, names: Collection[str]) -> bool:
    if one.end != two.start or not {one.form, two.form}.isdisjoint(_APART):
        return False
    if one.form in names or two.form in names:
        return False
    return (one.tag == "NNG" and two.end - one.start <= 3) or two.form == "색"


def _as(one: Morpheme, text: str, tag: str, *, until: Morpheme | None = None) -> Morpheme:
    """The text from this token to the end of the other, as one word of this tag."""
    end = (until or one).end
    return Morpheme(text[one.start : end], tag, one.start, end - one.start, one.sent_position)
