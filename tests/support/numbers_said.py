"""Every number that a Korean or English sentence says, in figures or in words."""

import re

KO_UNITS = (
    "명|잔|개|알|컵|큰술|작은술|시간|달|주|번|배|병|뿌리|줌|그릇|송이|통|사람|숟갈|조각|공기|말|되|냥|근|쪽|해|에서"
)
KO_COUNTS = {
    "한": 1,
    "하나": 1,
    "두": 2,
    "둘": 2,
    "세": 3,
    "석": 3,
    "네": 4,
    "넉": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
    "아홉": 9,
    "열": 10,
}
KO_WORDS = {
    "하루": (1,),
    "이틀": (2,),
    "사흘": (3,),
    "나흘": (4,),
    "닷새": (5,),
    "엿새": (6,),
    "이레": (7,),
    "여드레": (8,),
    "열흘": (10,),
    "보름": (15,),
    "하루이틀": (1, 2),
    "이삼일": (2, 3),
    "사나흘": (3, 4),
    "하룻밤": (0.5, 1),
    "밤새": (0.5,),
    "그날": (1,),
    "만든 날": (1,),
    "일주일": (1,),
    "백일": (100,),
    "백 일": (100,),
    "한두": (1, 2),
    "두세": (2, 3),
    "두어": (2,),
    "서너": (3, 4),
    "대여섯": (5, 6),
    "반년": (180,),
    "반": (0.5,),
    "설탕 없이": (0,),
    "설탕은 넣지 않": (0,),
    "설탕이 없어도": (0,),
}
EN_WORDS = {
    "half": 0.5,
    "quarter": 0.25,
    "third": 1 / 3,
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "couple": 2,
    "twice": 2,
    "once": 1,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "overnight": 0.5,
}
EN_PHRASES = {
    "third day": 3,
    "same day": 1,
    "the day it": 1,
    "day it is": 1,
    "without sugar": 0,
    "without it": 0,
    "unsweetened": 0,
    "no sugar": 0,
    "plain": 0,
    "needs nothing": 0,
    "from none": 0,
    "one and a half": 1.5,
    "hour and a half": 1.5,
}
UNITS = {
    "days": (1, 7, 30, 365, 1 / 24),
    "hours": (1, 24, 1 / 60),
    "minutes": (1, 60),
    "g": (1, 1000),
    "ml": (1, 1000),
    "%": (1, 100),
}
"""How many of a figure's unit a number in a sentence may stand for: days, weeks, months, years and hours for days."""


def numbers_in(sentence: str, lang: str) -> list[float]:
    return _korean(sentence) if lang == "ko" else _english(sentence.lower())


def is_said(value: float, unit: str, numbers: list[float]) -> bool:
    """Whether one of the numbers stands for the value, to 2%."""
    return any(
        abs(number * size - value) <= 0.02 * abs(value) + 1e-9 for number in numbers for size in UNITS.get(unit, (1,))
    )


def _digits(sentence: str) -> list[float]:
    found = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", sentence)]
    found += [-float(number) for number in re.findall(r"(?:영하 |minus |(?<!\d)-)(\d+)", sentence)]
    return found + [
        float(hours) + float(minutes) / 60
        for hours, minutes in re.findall(r"(\d+)(?:시간| hours?) (\d+)(?:분| minutes?)", sentence)
    ]


def _korean(sentence: str) -> list[float]:
    parts = [int(top) / int(bottom) for bottom, top in re.findall(r"(\d+)분의 (\d+)", sentence)]
    halves = [float(whole) + 0.5 for whole in re.findall(r"(\d+) ?(?:컵|시간|큰술|작은술|배) 반", sentence)]
    words = [number for word, numbers in KO_WORDS.items() if word in sentence for number in numbers]
    counts = [n for word, n in KO_COUNTS.items() if re.search(rf"(?<![가-힣]){word} ?(?:{KO_UNITS})", sentence)]
    return [*_digits(sentence), *parts, *halves, *words, *counts]


def _english(sentence: str) -> list[float]:
    words = [EN_WORDS[word] for word in re.findall(r"[a-z]+", sentence) if word in EN_WORDS]
    return [*_digits(sentence), *words, *(number for phrase, number in EN_PHRASES.items() if phrase in sentence)]
