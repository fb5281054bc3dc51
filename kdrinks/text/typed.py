"""What people type or bring, made into the letters that everything else reads: the one entrance for text. Pure.

A question, a title, a file's name and a cell of a table come from keyboards, web pages and other systems, where one word is spelled in
many ways that look the same. What a person wrote is stored and shown as they wrote it; whatever reads it reads clean(it).
"""

import re
import unicodedata

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_JOINED = {
    "ㅗㅏ": "ㅘ", "ㅗㅐ": "ㅙ", "ㅗㅣ": "ㅚ", "ㅜㅓ": "ㅝ", "ㅜㅔ": "ㅞ", "ㅜㅣ": "ㅟ", "ㅡㅣ": "ㅢ",
    "ㄱㅅ": "ㄳ", "ㄴㅈ": "ㄵ", "ㄴㅎ": "ㄶ", "ㄹㄱ": "ㄺ", "ㄹㅁ": "ㄻ", "ㄹㅂ": "ㄼ", "ㄹㅅ": "ㄽ", "ㄹㅌ": "ㄾ", "ㄹㅍ": "ㄿ", "ㄹㅎ": "ㅀ", "ㅂㅅ": "ㅄ",
}  # fmt: skip
"""Two keys that make one vowel or one final."""
_APART = {joined: two for two, joined in _JOINED.items()}

_BREAKS = "\u0085\u2028\u2029\r\x0b\x0c"
_BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800\u3164\uffa0"  # the last two are Hangul fillers, the third last Braille's
# Unicode's Default_Ignorable_Code_Point beside the fillers, with the controls of text direction, and C0 and C1 without tab and line feed;
# and lines through or under letters
_UNSEEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff0-\ufffb\u0332\u0335-\u0338\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_OTHER_FORMS = "\uff01-\uffef\U0001d400-\U0001d7ff"
"""Full and half width, and the letters of mathematics, which fonts for names and chats are made of."""
_LOOSE = "\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb"
"""Jamo of which NFC made no syllable."""

_TO_MEND = re.compile(f"[{_BREAKS}{_BLANKS}{_UNSEEN}{_OTHER_FORMS}{_LOOSE}ㄱ-ㅣ\ud800-\udfff]")
_BREAK = re.compile(f"\r\n|[{_BREAKS}]")
_BLANK = re.compile(f"[{_BLANKS}]")
_HIDDEN = re.compile(f"[{_UNSEEN}\u115f\u1160]")
_OTHER_FORM = re.compile(f"[{_OTHER_FORMS}]")
_LOOSE_JAMO = re.compile(f"[{_LOOSE}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STEERS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_STEERED = re.compile(f"[{_STEERS}]")
_STEERING = re.compile(f"(?P<flag>\U0001f3f4[\U000e0020-\U000e007e]{{1,8}}\U000e007f)|[{_STEERS}]")
"""The flags of Scotland, Wales and England are spelled with tags."""
_WITH_VOWEL = re.compile("[가-힣]?[ㄱ-ㅣ]*[ㄱ-ㅎ][ㅏ-ㅣ][ㄱ-ㅣ]*|[가-힣][ㅏㅐㅓㅔㅣ](?![ㅏ-ㅣ])")
_CLOSING = re.compile("([가-힣])([ㄱㄴㄹㅁㅂㅅㅇ])(?=[가-힣])")
_NOT_LAUGHED = frozenset(_INITIALS) - set("ㅋㅎ")
_SOBS = re.compile("[ㅋㅎ][ㅠㅜㅡ]|(?:ㅋㅋ|ㅎㅎ)|([ㅇㄷㄱㄴ])\\1(?![ㅏ-ㅣ])|(?P<vowel>[ㅠㅜㅡ])(?P=vowel)")


def clean(text: str) -> str:
    """The text in NFC, with plain spaces, plain Latin letters and whole syllables, and without what nobody sees.

    Lines stay lines, tabs tabs. An emoji's joiners and selectors go too: only what is shown needs them.
    """
    text = storable(text)
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if not _TO_MEND.search(text):
        return text
    text = _BLANK.sub(" ", _BREAK.sub("\n", text))
    text = _OTHER_FORM.sub(lambda form: unicodedata.normalize("NFKC", form[0]), _HIDDEN.sub("", text))
    # what was apart until now may have become neighbours
    text = unicodedata.normalize("NFC", text)
    return _composed(_LOOSE_JAMO.sub(lambda jamo: _as_key(jamo[0]), text))


def storable(text: str) -> str:
    """The text as it is, but for halves of characters (lone surrogates), which no file and no database takes."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def disarmed(text: str) -> str:
    """The text as it reads, without what steers a terminal or a screen, turns the direction of what follows or hides letters (tags).

    For texts of files: what joins emoji and letters stays, breaks of other systems become line feeds.
    """
    text = storable(text)
    return _STEERING.sub(lambda found: found["flag"] or "", _BREAK.sub("\n", text)) if _STEERED.search(text) else text


def apart(syllable: str) -> tuple[str, str, str]:
    """Initial, vowel and final of a Hangul syllable; no final is ""."""
    initial, rest = divmod(ord(syllable) - 0xAC00, 588)
    vowel, final = divmod(rest, 28)
    return _INITIALS[initial], _VOWELS[vowel], _FINALS[final]


def together(initial: str, vowel: str, final: str = "") -> str:
    return chr(0xAC00 + _INITIALS.index(initial) * 588 + _VOWELS.index(vowel) * 28 + _FINALS.index(final))


def syllables(keys: str) -> str:
    """Single jamo as a Korean keyboard puts them together; one that finds no place stays by itself."""
    out: list[str] = []
    initial = vowel = final = ""

    def close() -> None:
        nonlocal initial, vowel, final
        out.append(together(initial, vowel, final) if initial and vowel else initial + vowel)
        initial = vowel = final = ""

    for key in keys:
        if key in _VOWELS:
            if final:  # it takes the consonant before it along
                two = _APART.get(final, final)
                final, taken = two[:-1], two[-1]
                close()
                initial, vowel = taken, key
            elif initial and vowel and vowel + key in _JOINED:
                vowel = _JOINED[vowel + key]
            elif initial and not vowel:
                vowel = key
            else:
                close()
                vowel = key
        elif initial and vowel and not final and key in _FINALS:
            final = key
        elif final and final + key in _JOINED:
            final = _JOINED[final + key]
        else:
            close()
            initial = key
    close()
    return "".join(out)


def _composed(text: str) -> str:
    """막걸ㄹㅣ as 막걸리, 마ㄱ걸리 too; ㅋㅋ, ㅠㅠ and ㅇㅋ stay."""
    text = _WITH_VOWEL.sub(lambda run: _run_composed(run[0]), text)
    return _CLOSING.sub(_closed, text)


def _run_composed(run: str) -> str:
    """A syllable and the loose jamo behind it, as one types them; laughing and crying is left where it begins."""
    if len(run) == 2 and "가" <= run[0]:  # 고ㅏ is 과, but 나ㅏ is drawn out and 닭ㅣ no word
        _, vowel, final = apart(run[0])
        return run if final or vowel + run[1] not in _JOINED else syllables("".join(apart(run[0])) + run[1])
    end = len(run)
    if sobs := _SOBS.search(run):
        end = sobs.start()
        if sobs["vowel"] and run[end - 1 : end] in tuple(_NOT_LAUGHED):
            end += 1  # 소ㅈㅜㅜ
    keys = "".join("".join(apart(letter)) if "가" <= letter <= "힣" else letter for letter in run[:end])
    return syllables("".join(_APART.get(key, key) if key in _FINALS else key for key in keys)) + run[end:]


def _closed(found: re.Match[str]) -> str:
    initial, vowel, final = apart(found[1])
    return found[0] if final or found[2] not in _FINALS else together(initial, vowel, found[2])


def _as_key(jamo: str) -> str:
    """A jamo that stands for a place in a syllable, as the one on a keyboard; old ones as they are."""
    name = unicodedata.name(jamo, "")
    for place in ("CHOSEONG ", "JUNGSEONG ", "JONGSEONG "):
        if place in name:
            try:
                return unicodedata.lookup(name.replace(place, "LETTER "))
            except KeyError:
                return jamo
    return jamo
