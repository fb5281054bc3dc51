"""What of a text is words that somebody says: code, addresses, HTML and the marks of Markdown off, laughter off its word. Pure."""

import re

from kdrinks.text.typed import apart, clean, together

_FENCE = re.compile(r"(?ms)^(?:```.*?(?:^```|\Z)|~~~[ \w]*$.*?^~~~[ ]*$)")
"""Tildes only where both lines stand alone: `~~~ 좋아` is a drawn-out word."""
_LINK = re.compile(r"!?\[([^\]]*)\]\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\")?\)")
_REST = r"(?:[^\s<>()\[\]{}\"'`“”‘’「」『』《》,，]|,(?=[\w%/])(?![가-힣])|\([^\s()]*\))*"
"""Of an address: to the space or the bracket that it stands in."""
_ENDINGS = "com|net|org|edu|gov|mil|int|info|biz|shop|wiki|blog|site|store|online|cloud|tistory|kr|jp|cn|tw|io|ai|tv|gg|app|dev|xyz|eu|uk|한국|닷컴"
_URL = re.compile(
    rf"\b[A-Za-z][A-Za-z0-9+.-]*://{_REST}"
    rf"|\bmailto:{_REST}"
    rf"|[\w.+-]+@[\w-]+(?:\.[A-Za-z가-힣]{{2,}})+"
    rf"|\bwww\.[\w-]+(?:\.[A-Za-z]{{2,}}|\.[\w-]+\.[A-Za-z]{{2,}}|(?:\.[\w-]+)*)(?:[:/?#]{_REST})?"
    rf"|(?<![\w.@-])(?:[\w-]+\.)+(?:{_ENDINGS})(?![A-Za-z0-9-])(?:[:/?#]{_REST})?"
    rf"|(?<![\w.@-])(?:[A-Za-z0-9-]+\.)+[A-Za-z]{{2,}}[:/]{_REST}"
    rf"|(?<![\w.])(?:localhost|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?:[:/]{_REST})?",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|&[a-z]+;|&#\d+;")
_DRAWN_OUT = re.compile(
    r"[~∼〜]+|(?<![\w^])[:;]-?[)(DPp]+(?!\w)|\^+[_.-]?\^+|(?<![A-Za-z])[TQ]{1,2}[_.]?[TQ](?![A-Za-z])|[;♡♥☆★♪♬]+"
)
"""`~~~`, `^^` and other signs of a mood: a sentence ends there, or 맛나요~ 식혜 would be two nouns."""
_MARKS = re.compile(r"[*_`#>|~\\]+")
_CAMEL = re.compile(r"(?<=#)[A-Za-z]*[a-z][A-Z][A-Za-z]*")

_LAUGHED = {"ㅋ": "ㅋ", "ㅎ": "ㅎ", "ㄷ": "ㄷ", "ㅀ": "ㅎ", "ㄶ": "ㅎ"}
"""Finals that a keyboard makes of the first of several ㅋ, ㅎ or ㄷ -> which of them."""
_LEFT = {"ㅀ": "ㄹ", "ㄶ": "ㄴ"}
_OWN_FINAL = frozenset("엌녘좋놓넣쌓찧빻낳닿땋읗렇떻많않찮싫뚫끓잃앓옳곯꿇닳곧맏굳걷받믿닫얻듣묻뜯싣뻗")
"""Syllables that have such a final of their own."""
_GLUED = re.compile("([가-힣])(?=([ㅋㅎㄷ])|(?![가-힣ㄱ-ㅣ]))")
_DRAWN_ALONG = re.compile("([가-힣])([뮤뉴류규])(?=ㅠ)")
_OWN_YU = frozenset({"메뉴", "주류", "오류", "의류", "서류", "교류", "조류", "육류", "어류", "기류"})
_JAMO = re.compile("[ㄱ-ㅣ]+")
_BETWEEN_FIGURES = re.compile(r"(?<=\d)\s?[~∼〜]\s?(?=\d)")
_FILE_ENDING = re.compile(
    r"(?<=[\w)])\.(?:txt|pdf|docx?|hwpx?|csv|md|html?|jpe?g|png|gif|webp|mp[34]|mov|zip|xlsx?|pptx?|jsonl?|gguf)(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def words_only(text: str) -> str:
    """The text that is counted, in the letters of typed.clean."""
    text = _FENCE.sub(" ", clean(text))
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(" ", text)
    text = _CAMEL.sub(lambda tag: re.sub(r"(?<=[a-z])(?=[A-Z])", " ", tag[0]), text)
    text = _DRAWN_OUT.sub(". ", _BETWEEN_FIGURES.sub("-", _TAG.sub(" ", _FILE_ENDING.sub(" ", text))))
    return _JAMO.sub(". ", unglued(_MARKS.sub(" ", text)))


def unglued(text: str) -> str:
    """막걸맄ㅋㅋ as 막걸리ㅋㅋㅋ: what laughter or tears took of a word goes back to where it was."""
    text = _DRAWN_ALONG.sub(_given_back, text)
    return _GLUED.sub(_freed, text)


def _freed(found: re.Match[str]) -> str:
    syllable = found[1]
    initial, vowel, final = apart(syllable)
    if final not in _LAUGHED or syllable in _OWN_FINAL:
        return syllable
    own = _LAUGHED[final]
    if found[2] not in (own, None) or (found[2] is None and final not in "ㅋㅎ"):
        return syllable
    return together(initial, vowel, _LEFT.get(final, "")) + own


def _given_back(found: re.Match[str]) -> str:
    """한자뉴ㅠ is 한잔ㅠㅠ."""
    initial, vowel, final = apart(found[1])
    if final or found[0] in _OWN_YU:
        return found[0]
    return f"{together(initial, vowel, apart(found[2])[0])}ㅠ"
