"""Hanja read in Hangul: names by what they are called (大棗茶 is 대추차), other words by their readings. Pure but for the packaged list."""

import re
from collections.abc import Mapping
from functools import cache

from kdrinks.text.english import word_lines
from kdrinks.text.korean import has_hangul
from kdrinks.text.typed import apart, together

HANJA = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_TWICE = re.compile(r"([가-힣]{2,})\s?\(\1\)")
_GLOSS = re.compile(r"(?<=[가-힣])\s?[(\[（]([\u3400-\u9fff\uf900-\ufaff가-힣]*)[)\]）]")

# Forms of one character: older, Japanese and simplified ones -> the one that names are kept under.
_FORMS = str.maketrans(
    {
        other: kept
        for kept, others in (
            line.split()
            for line in (
                "酒 酎|清 淸|青 靑|燒 焼烧|藥 薬药|實 実实|雙 双|蔘 參参葠|餠 餅饼|飮 飲饮|龍 竜龙|鷄 雞鶏鸡|壽 寿|髓 髄|綠 緑绿|麥 麦|蓮 莲|葉 叶|棗 枣|薑 姜"
                "|決 决|醱 發発发|釀 醸酿|國 国|慶 庆|韓 韩|穀 谷糓|過 过|紅 红|島 岛嶋|黃 黄|錢 銭钱|節 节|鮮 鲜|蘇 苏|脈 脉|渴 渇|漿 浆|東 东|濁 浊|農 农"
                "|鄕 鄉郷乡|醞 醖酝|瀝 沥|團 団团|麵 麺面麪|靈 霊灵|萬 万|陽 阳|櫻 桜樱|湯 汤|鳳 凤|種 种|禮 礼|歲 歳岁|壺 壷壶|筍 笋|樹 树|舊 旧|細 细|鵑 鹃|餈 糍"
                "|濟 済济|蟻 蚁|製 制|歷 歴历|傳 伝传|統 统|柏 栢|産 產产|聰 聡聪|聾 聋|豊 豐丰|麴 麯曲|價 価价|險 険险|學 学|氣 気气|變 変变|體 体|效 効|數 数"
            ).split("|")
        )
        for other in others
    }
)


def in_hangul(text: str, names: Mapping[str, str]) -> str:
    """The text with its hanja in Hangul; a single character, and words with one whose reading is not known, stay as they are.

    names: form(name) -> what it is called. A name in brackets behind its Hangul (식혜(食醯)) says it a second time and goes; what else stands
    in brackets explains a word and stays.
    """
    if not HANJA.search(text):
        return text
    text = _GLOSS.sub(lambda gloss: "" if form(gloss[1]) in names else gloss[0], text)
    for mixed in sorted((name for name in names if re.search("[가-힣]", name)), key=len, reverse=True):
        text = re.sub("".join(_any_form(letter) for letter in mixed), names[mixed], text)
    return _TWICE.sub(r"\1", _RUN.sub(lambda run: _read(run, names), text))


def form(name: str) -> str:
    """A name with each character in the form that names are kept under."""
    return re.sub(r"\s", "", name).translate(_FORMS)


@cache
def _any_form(letter: str) -> str:
    others = "".join(chr(other) for other, kept in _FORMS.items() if kept == letter)
    return f"[{letter}{others}]" if others else re.escape(letter)


def _read(found: re.Match[str], names: Mapping[str, str]) -> str:
    """A name where the run begins with one: in 日本清酒 stands another drink than 清酒."""
    run, plain = found[0], form(found[0])
    before = found.string[found.start() - 1 : found.start()]
    in_a_word = has_hangul(before)  # 매실酒
    for end in range(len(plain), 1, -1):
        if plain[:end] in names:
            rest = plain[end:]
            read = _readings(rest)
            return names[plain[:end]] + (run[end:] if read == rest else f" {read}")
    if before in tuple("([（［") or (len(plain) == 1 and not in_a_word):
        return run
    read = _readings(plain, first=not in_a_word)
    return run if read == plain else read


def _readings(run: str, *, first: bool = True) -> str:
    """The run in Hangul; the run itself where a character is not in the list. first: it begins a word, which changes its first sound."""
    words, letters = _tables()
    read = ""
    while len(read) < len(run):
        rest = run[len(read) :]
        word = next((word for word in words if rest.startswith(word)), rest[0])
        if word not in words and word not in letters:
            return run
        read += words.get(word) or letters[word]
    if not first or not read:
        return read
    initial, vowel, final = apart(read[0])
    if initial in "ㄹㄴ" and vowel in "ㅑㅕㅖㅛㅠㅣ":
        initial = "ㅇ"
    elif initial == "ㄹ":
        initial = "ㄴ"
    return together(initial, vowel, final) + read[1:]


@cache
def _tables() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Words of several characters, each with as many syllables, and single characters."""
    lines = [line.split() for line in word_lines("hanja_readings.txt")]
    words = {form(word): read for read, *listed in lines if len(read) > 1 for word in listed}
    letters = {letter: read for read, *listed in lines if len(read) == 1 for letter in form("".join(listed))}
    return words, letters
