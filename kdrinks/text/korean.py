"""What Korean writing asks for: whether a text has Hangul, where its sentences end, which form of a particle follows a word. Pure."""

import re

HANGUL = re.compile(r"[가-힣]")
PARTICLES = re.compile(
    r"(?:이?랑|하고|과|와|이?나|은|는|이|가|을|를|의|에게?|에서|에는|에도|에다가?|엔|으?로|으?로는|으?로도|으?로는|도|만|만큼|부터|까지|보다|보단|처럼"
    r"|이?라는|이?란|이?라고|이?라|이?야|이?예요|이?에요|이?요|이?고|이?면|인데|인가요?|인지|입니다|입니까|이?냐|이?죠|이?지|이?든|한테|께|말고|대신|같은|들|좀)*$"
)


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


def filled(frame: str, **values: object) -> str:
    """`{name}` by its value, `{name:은/는}` by its value and the particle that fits (으로/로 after ㄹ as after a vowel)."""

    def one(match: re.Match[str]) -> str:
        value = str(values[match["name"]])
        if not match["forms"]:
            return value
        closed, opened = match["forms"].split("/")
        return value + (opened if closed == "으로" and _ends_in_l(value) else josa(value, match["forms"]))

    return re.sub(r"\{(?P<name>\w+)(?::(?P<forms>[^}]+))?\}", one, frame)


def _ends_in_l(word: str) -> bool:
    bare = re.sub(r"\([^()]*\)\s*$", "", word).rstrip()
    return "가" <= bare[-1:] <= "힣" and (ord(bare[-1]) - ord("가")) % 28 == 8
