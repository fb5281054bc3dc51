"""Korean words typed without composing them: their initials (ㅁㄱㄹ), and their keys on a Latin layout (akrrjffl). Pure."""

from kdrinks.text.typed import apart, syllables

_KEYS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", strict=True))
_SHIFTED = dict(zip("QWERTOP", "ㅃㅉㄸㄲㅆㅒㅖ", strict=True))
"""The standard layout, KS X 5002; with shift any other key is as without."""
_ALIKE = str.maketrans("ㅖㅒ", "ㅔㅐ")


def initials(word: str) -> str:
    """식혜 -> ㅅㅎ; what is no syllable is left out."""
    return "".join(apart(letter)[0] for letter in word if "가" <= letter <= "힣")


def as_hangul(keys: str, *, half_typed: bool = False) -> list[str]:
    """What these letters are on a Korean layout, likeliest first; only whole syllables, but for the last of what is half typed.

    As they are, without the capital that phones put first, and with caps lock on.
    """
    found: dict[str, None] = {}
    for variant in (keys, keys[:1].lower() + keys[1:], keys.swapcase()):
        typed = syllables("".join(_SHIFTED.get(key) or _KEYS.get(key.lower(), key) for key in variant))
        whole = typed[:-1] if half_typed else typed
        if whole and all("가" <= letter <= "힣" for letter in whole):
            found.setdefault(typed)
    return list(found)


def fits(pattern: str, word: str) -> bool:
    """Whether a word begins as the pattern says, in which a consonant stands for any syllable that begins with it."""
    return len(pattern) <= len(word) and all(
        one == other or (one < "가" and "가" <= other <= "힣" and one == apart(other)[0])
        for one, other in zip(pattern, word, strict=False)
    )


def keys_of(word: str) -> str:
    """A word as its jamo, ㅖ and ㅔ as one: who types on a Latin layout leaves shift alone."""
    return "".join("".join(apart(letter)) if "가" <= letter <= "힣" else letter for letter in word).translate(_ALIKE)
