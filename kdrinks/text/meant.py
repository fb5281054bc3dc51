"""What somebody meant to type: names in hanja, by their initials and on a Latin layout in Hangul. Knows the names that it is handed."""

import re
from collections.abc import Iterable, Mapping
from typing import Self

from kdrinks.text import fuzzy, hanja, keyboard
from kdrinks.text.korean import PARTICLES, josa
from kdrinks.text.prose import unglued
from kdrinks.text.typed import clean

OTHERWISE_MEANT = frozenset(
    "ㅇㅈ ㅁㅈ ㅈㅅ ㅂㅅ ㅊㅊ ㄱㅅ ㅅㄱ ㅇㅇ ㅎㅇ ㅂㅇ ㄱㄱ ㄴㄴ ㄷㄷ ㅇㅋ ㅇㅎ ㄹㅇ ㄱㅊ ㅁㅊ ㅈㄴ ㅈㄹ ㅅㅂ ㄲㅈ ㅌㅌ ㅍㅎ".split()
)
"""Initials that chats use for other words: 인정, 맞아, 죄송, 추천, 감사, 수고, 괜찮아 and what is worse; as names of drinks they are for find boxes."""
MOST = 3
"""Drinks that initials may stand for in a question; it is then asked of each."""

_INITIALS = re.compile(
    r"(?<![가-힣ㄱ-ㅣA-Za-z0-9])[가-힣]*[ㄱ-ㅎ]{2,}[가-힣ㄱ-ㅎㅠㅜ]*|(?<![가-힣ㄱ-ㅣA-Za-z0-9])[가-힣]+[ㄱ-ㅎ][가-힣]*"
)
_BREVES = str.maketrans({"ŏ": "eo", "ŭ": "eu", "Ŏ": "Eo", "Ŭ": "Eu", "ǒ": "eo", "ǔ": "eu"})
"""Of the older romanisation: makkŏlli."""
_LATIN = re.compile(r"[A-Za-z]+")


class Meant:
    """own: the name of each drink; others: what drinks go by besides; hanja_names: hanja.form(name) -> in Hangul."""

    def __init__(self, own: Iterable[str], others: Iterable[str], hanja_names: Mapping[str, str]) -> None:
        self._own = tuple(dict.fromkeys(name.replace(" ", "") for name in own))
        self._others = tuple(dict.fromkeys(name for name in others if len(name) > 1 and name not in self._own))
        self._hanja = dict(hanja_names)
        self._by_keys: dict[str, str] = {}
        for name in (*self._own, *self._others):
            self._by_keys.setdefault(keyboard.keys_of(name), name)
        self._long = [keys for keys, name in self._by_keys.items() if len(name) >= 3]

    def with_more(self, own: Iterable[str], others: Iterable[str], hanja_names: Mapping[str, str]) -> Self:
        return type(self)((*self._own, *own), (*self._others, *others), {**hanja_names, **self._hanja})

    def read(self, text: str) -> str:
        """A question as it was meant."""
        return self._initials(self.named(unglued(clean(text))))

    def named(self, text: str) -> str:
        """The text with the names that stand in hanja or on a Latin layout in Hangul."""
        return self._from_keys(hanja.in_hangul(text.translate(_BREVES), self._hanja))

    def _from_keys(self, text: str) -> str:
        """akrrjffl as 막걸리; where one name is typed so and every other word can be, the whole question was."""
        found = {word[0]: self._name_typed(word[0]) for word in _LATIN.finditer(text)}
        rest = {word: keyboard.as_hangul(word) for word, name in found.items() if not name}
        whole = all(rest.values())
        if not any(found.values()) and not (whole and self._holds_name("".join(typed[0] for typed in rest.values()))):
            return text
        return _LATIN.sub(lambda word: found[word[0]] or (rest[word[0]][0] if whole else word[0]), text)

    def _holds_name(self, typed: str) -> bool:
        """Whether a name of several words is in these: 고로쇠 수액."""
        keys = keyboard.keys_of(typed)
        return any(name in keys for name in self._long)

    def _name_typed(self, word: str) -> str:
        """A name, with the particle behind it, that these letters are on a Korean layout; "" where they are none."""
        for typed in keyboard.as_hangul(word) if len(word) >= 4 else ():
            for length in range(len(typed), 1, -1):
                if PARTICLES.fullmatch(typed[length:]):
                    keys = keyboard.keys_of(typed[:length])
                    if keys in self._by_keys:
                        return self._by_keys[keys] + typed[length:]
                    if length >= 3 and any(fuzzy.distance(keys, name, 1.0) <= 1 for name in self._long):
                        return typed
        return ""

    def _initials(self, text: str) -> str:
        return _INITIALS.sub(lambda run: self._of_initials(run[0]), text) if re.search("[ㄱ-ㅎ]", text) else text

    def _of_initials(self, run: str) -> str:
        """The names that initials stand for, with what follows them; the run itself where they stand for none or for too many."""
        for length in range(len(run), 1, -1):
            head, rest = run[:length], run[length:]
            laughed = re.fullmatch("[ㅋㅎㅠㅜㄷ]*", rest)
            if not re.search("[ㄱ-ㅎ]", head) or not (laughed or PARTICLES.fullmatch(rest)):
                continue
            names = self._fitting(head)
            if 0 < len(names) <= MOST:
                listed = names[0]
                for name in names[1:]:
                    listed += f"{josa(listed, '과/와')} {name}"
                return listed if laughed else listed + rest
        return run

    def _fitting(self, head: str) -> list[str]:
        """Of the drinks' own names, and of those they go by besides where none of these fits."""
        if len(set(head)) == 1 or (len(head) == 2 and (head in OTHERWISE_MEANT or head[0] > "ㅣ")):
            return []
        for names in (self._own, self._others if len(head) > 2 or head == "ㅌㅈ" else ()):
            if fitting := [name for name in names if len(name) == len(head) and keyboard.fits(head, name)]:
                return fitting
        return []
