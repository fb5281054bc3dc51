"""What Korean writing asks for: whether a text has Hangul, where its sentences end, which form of a particle follows a word. Pure."""

import re

HANGUL = re.compile(r"[가-힣]")


def has_hangul(text: str) -> bool:
    return HANGUL.search(text) is not None


def split_sentences(text: str) -> list[str]:
    """Prose cut into sentences; a capital or Hangul must follow, so `no. 6` and `c. 1740` stay whole."""
    return [part for part in re.split(r"(?<=[.!?])(?<!\b[Nn]o\.)\s+(?=[A-Z가-힣'\"“‘『《(])", text.strip()) if part]


def josa(word: str, forms: str) -> str:
    """The form of a Korean particle that follows word; forms with the one after a consonant first: `은/는`."""
    closed, opened = forms.split("/")
    return closed if _ends_closed(word) else opened


def framed(frame: str, **values: str) -> str:
    """The sentence of a frame: `{name}` by its value, `{name:은/는}` by its value and the particle that fits."""

    def filled(match: re.Match[str]) -> str:
        value = values[match["name"]]
        return value + (josa(value, match["forms"]) if match["forms"] else "")

    return re.sub(r"\{(?P<name>\w+)(?::(?P<forms>[^}]+))?\}", filled, frame)


def _ends_closed(word: str) -> bool:
    """Whether the last sound is a consonant; parentheses are read over, digits as Korean numerals."""
    bare = re.sub(r"\([^()]*\)\s*$", "", word).rstrip(" .'\"’”)]") or word
    last = bare[-1]
    if "가" <= last <= "힣":
        return (ord(last) - ord("가")) % 28 != 0
    if last.isdigit():
        return last in "013678"
    return last.lower() in "lmnbckpt"
