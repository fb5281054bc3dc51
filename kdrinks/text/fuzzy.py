"""How far a written name is from a known one: by jamo for Hangul, by letters for romanised names. Pure."""

from functools import lru_cache

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"

# Jamo that sound alike to most speakers today: writing one for the other is half a mistake.
_ALIKE = (
    {frozenset(pair) for pair in ("ㅐㅔ", "ㅖㅔ", "ㅖㅐ", "ㅒㅖ", "ㅚㅙ", "ㅚㅞ", "ㅙㅞ", "ㅢㅣ", "ㅘㅏ", "ㅝㅓ")}
    | {frozenset(pair) for pair in ("ㄱㄲ", "ㄷㄸ", "ㅂㅃ", "ㅅㅆ", "ㅈㅉ", "ㄱㅋ", "ㄷㅌ", "ㅂㅍ", "ㅈㅊ")}
)  # fmt: skip

_SOUND = {
    **dict.fromkeys("ㅐㅔㅖㅒㅚㅙㅞ", "ㅔ"), **dict.fromkeys("ㅢㅣ", "ㅣ"), **dict.fromkeys("ㅘㅏ", "ㅏ"), **dict.fromkeys("ㅝㅓ", "ㅓ"),
    **dict.fromkeys("ㄱㄲㅋ", "ㄱ"), **dict.fromkeys("ㄷㄸㅌ", "ㄷ"), **dict.fromkeys("ㅂㅃㅍ", "ㅂ"), **dict.fromkeys("ㅅㅆ", "ㅅ"),
    **dict.fromkeys("ㅈㅉㅊ", "ㅈ"),
}  # fmt: skip

# Ways to romanise one sound, folded together; longer spellings first.
_FOLDS = (
    ("kk", "g"), ("gg", "g"), ("kh", "g"), ("tt", "d"), ("dd", "d"), ("pp", "b"), ("bb", "b"), ("ssh", "s"), ("sh", "s"), ("ss", "s"), ("jj", "j"),
    ("tch", "j"), ("ch", "j"), ("z", "j"), ("ll", "l"), ("rr", "l"), ("r", "l"), ("nn", "n"), ("mm", "m"), ("k", "g"), ("q", "g"), ("t", "d"),
    ("p", "b"), ("wh", "hw"), ("eo", "u"), ("eu", "u"), ("oo", "u"), ("ou", "u"), ("ae", "e"), ("ye", "e"), ("ee", "i"), ("ea", "i"), ("yi", "i"),
    ("ui", "i"), ("oi", "e"), ("oe", "e"), ("aa", "a"),
)  # fmt: skip


@lru_cache(maxsize=20_000)
def jamo(text: str) -> str:
    """The text with every Hangul syllable taken apart: 식혜 -> ㅅㅣㄱㅎㅖ; the silent ㅇ stays."""
    parts = []
    for character in text:
        code = ord(character) - 0xAC00
        if 0 <= code < 11172:
            initial, rest = divmod(code, 588)
            vowel, final = divmod(rest, 28)
            parts.append(_INITIALS[initial] + _VOWELS[vowel] + (_FINALS[final] if final else ""))
        else:
            parts.append(character)
    return "".join(parts)


def as_spoken(parts: str) -> str:
    """Jamo as they are said where ㅎ joins the sound before it: ㅅㅣㄱㅎㅖ (식혜) is said ㅅㅣㅋㅖ (시켸)."""
    for written, said in (("ㄱㅎ", "ㅋ"), ("ㄷㅎ", "ㅌ"), ("ㅂㅎ", "ㅍ"), ("ㅈㅎ", "ㅊ")):
        parts = parts.replace(written, said)
    return parts


@lru_cache(maxsize=20_000)
def sounds(parts: str) -> int:
    """The different sounds of a word as bits, jamo that sound alike as one: a bound on the distance that costs nothing."""
    bits = 0
    for part in parts:
        bits |= 1 << (ord(_SOUND.get(part, part)) & 0xFF)
    return bits


@lru_cache(maxsize=20_000)
def fold(name: str) -> str:
    """A romanised name with the spellings of one sound made one: makkoli and makgeolli come within a letter of each other."""
    folded = "".join(character for character in name.lower() if character.isalpha())
    for spelling, sound in _FOLDS:
        folded = folded.replace(spelling, sound)
    return folded[:-1] if folded.endswith(("eh", "ah", "uh", "oh")) else folded


_LATIN_INITIALS = "g kk n d tt r m b pp s ss - j jj ch k t p h".split()
_LATIN_VOWELS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i".split()
_LATIN_FINALS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t".split()


@lru_cache(maxsize=20_000)
def romanised(word: str) -> str:
    """A Korean word in Latin letters, syllable by syllable, for fold(): 식혜 -> sikhye. What is no syllable is left out."""
    parts: list[str] = []
    for code in (ord(character) - 0xAC00 for character in word):
        if 0 <= code < 11172:
            initial, rest = divmod(code, 588)
            vowel, final = divmod(rest, 28)
            parts += (_LATIN_INITIALS[initial], _LATIN_VOWELS[vowel], _LATIN_FINALS[final])
    return "".join(parts).replace("-", "")


def distance(first: str, second: str, most: float) -> float:
    """Edit distance; a swap of neighbours counts once, jamo that sound alike half. Anything above `most` may come back as infinity."""
    if abs(len(first) - len(second)) > most:
        return float("inf")
    before: list[float] = []
    previous = [float(number) for number in range(len(second) + 1)]
    for row, left in enumerate(first, 1):
        current = [float(row)]
        for column, right in enumerate(second, 1):
            cost = 0.0 if left == right else 0.5 if frozenset((left, right)) in _ALIKE else 1.0
            best = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + cost)
            if row > 1 and column > 1 and left == second[column - 2] and first[row - 2] == right:
                best = min(best, before[column - 2] + 1)
            current.append(best)
        if min(current) > most:
            return float("inf")
        before, previous = previous, current
    return previous[-1]
