"""Which drinks a question names: by name, alias or romanisation, with particles, spaces and small misspellings.

Pure apart from Kiwi's view of the sentence, which the caller passes in. Knows nothing of passages or of the store.
"""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kdrinks.text import english, fuzzy
from kdrinks.text.analyzer import TextAnalyzer
from kdrinks.text.english import words as english_words
from kdrinks.text.korean import PARTICLES

LEAN_TO_DRINK = 1.6
"""Added for names that are also ordinary words: 장수가 뭐야 is about the drink here, 무병장수 is not."""

_HANGUL_WORD = re.compile(r"[가-힣]+")
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_SUFFIXES_KO = ("화채", "식혜", "수단", "술", "주", "차")
_GENERIC = frozenset({"전통", "우리", "한국", "약", "곡", "꽃", "한방", "과일", "발효", "과실", "햅쌀", "보리", "쌀"})
_KEEP_LATIN = 6
"""Romanised names folded to fewer letters match only exactly: 'sight' is one letter from sikhye."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A drink named in a text."""

    drink_ids: tuple[str, ...]
    """One, or several where a name is shared, most likely first."""
    start: int
    end: int
    surface: str
    distance: float = 0.0
    """0 for a known spelling."""


class Names:
    """Every way to write each drink, made once.

    official: names that are a drink's own; an alias of another drink gives way to them (감주 is gamju, not sikhye).
    """

    def __init__(
        self,
        names: Iterable[tuple[str, str, bool]],
        vocabulary: Iterable[str] = (),
        ordinary: Collection[str] = frozenset(),
    ) -> None:
        """names: (drink id, name, official) in order of importance.   vocabulary: English words that are no misspelt name.

        ordinary: names that are words of their own too; nobody misspells these, or `하면` would be 화면, which is changmyeon.
        """
        self._korean: dict[str, tuple[str, ...]] = {}
        self._latin: dict[str, tuple[str, ...]] = {}
        self._roots: dict[str, tuple[str, ...]] = {}
        listed = list(names)
        for official in (True, False):
            taken = set(self._korean) | set(self._latin)
            for drink_id, name, own in listed:
                if own is official:
                    self._add(drink_id, name, taken)
        for drink_id, name, _ in listed:
            self._add_root(drink_id, name)
        self._vocabulary = frozenset(word for word in vocabulary if word not in self._latin)
        self._korean_jamo = [
            (len(name), fuzzy.jamo(name), fuzzy.sounds(fuzzy.jamo(name)), ids)
            for name, ids in self._korean.items()
            if name not in ordinary
        ]
        self._spoken: dict[str, tuple[str, ...]] = {}
        for name, ids in self._korean.items():
            if name not in ordinary and (said := fuzzy.as_spoken(parts := fuzzy.jamo(name))) != parts:
                self._spoken |= {said: ids, said.replace("ㅖ", "ㅔ"): ids}
        self._folded: dict[str, tuple[str, ...]] = {}
        for name, ids in self._latin.items():
            if len(name) >= 4 and name not in self._vocabulary:
                self._folded.setdefault(fuzzy.fold(name), ids)
        self._longest = max((len(name) for name in self._korean), default=0)

    def mentions(self, text: str, kiwi_names: Sequence[tuple[str, int, int]] = ()) -> list[Mention]:
        """The drinks that the text names, in reading order; where names overlap the longest stands.

        kiwi_names: (name, start, end) as TextAnalyzer.korean_names gives them for this text.
        """
        found = [*self._exact_korean(text, kiwi_names), *self._exact_latin(text)]
        kept = _without_overlaps(found)
        kept = _without_overlaps([*kept, *self._misspelt(text, kept)])
        return sorted(kept, key=lambda mention: mention.start)

    def of_root(self, word: str) -> tuple[str, ...]:
        """The drinks named after an ingredient: 유자 -> yuja-cha, yuja-hwachae."""
        return self._roots.get(word, ())

    def _add(self, drink_id: str, name: str, taken: set[str]) -> None:
        korean = bool(_HANGUL_WORD.search(name))
        table = self._korean if korean else self._latin
        forms = [re.sub(r"\s", "", name)] if korean else _latin_forms(name)
        for form in forms:
            if form not in taken and drink_id not in table.get(form, ()):
                table[form] = (*table.get(form, ()), drink_id)

    def _add_root(self, drink_id: str, name: str) -> None:
        root = next((name[: -len(suffix)] for suffix in _SUFFIXES_KO if name.endswith(suffix)), "")
        latin = re.fullmatch(r"([a-z]{4,})-(?:cha|ju|hwachae|sikhye)", name.lower())
        for word in (root if len(root) >= 2 and _HANGUL_WORD.fullmatch(root) else "", latin[1] if latin else ""):
            if word and word not in _GENERIC and drink_id not in self._roots.get(word, ()):
                self._roots[word] = (*self._roots.get(word, ()), drink_id)

    def _exact_korean(self, text: str, kiwi_names: Sequence[tuple[str, int, int]]) -> list[Mention]:
        found = [
            Mention(self._korean[name], start, end, name) for name, start, end in kiwi_names if name in self._korean
        ]
        for start, _ in ((match.start(), match) for match in re.finditer(r"[가-힣]", text)):
            end = self._longest_at(text, start)
            if end:
                name = re.sub(r"\s", "", text[start:end])
                found.append(Mention(self._korean[name], start, end, text[start:end]))
        return found

    def _longest_at(self, text: str, start: int) -> int:
        """End of the longest known name of three syllables or more that starts here; 0 if there is none."""
        end, name, best = start, "", 0
        while end < len(text) and len(name) < self._longest:
            if text[end] == " " and name and end + 1 < len(text) and text[end + 1] != " ":
                end += 1
            name += text[end]
            end += 1
            if len(name) >= 3 and name in self._korean and self._ends_well(text, start, end, name):
                best = end
        return best

    @staticmethod
    def _ends_well(text: str, start: int, end: int, name: str) -> bool:
        """A spaced name must end where its word does, up to particles: `매실 주세요` is no 매실주."""
        if " " not in text[start:end]:
            return len(name) >= 4 or start == 0 or not _HANGUL_WORD.match(text[start - 1])
        rest = _HANGUL_WORD.match(text, end)
        starts_word = start == 0 or not _HANGUL_WORD.match(text[start - 1])
        return starts_word and (rest is None or (bool(PARTICLES.fullmatch(rest.group())) and text[end - 2] != " "))

    def _exact_latin(self, text: str) -> list[Mention]:
        found = []
        words = list(_LATIN_WORD.finditer(text))
        for first in range(len(words)):
            for last in range(min(first + 6, len(words)) - 1, first - 1, -1):
                if not _adjacent(text, words[first : last + 1]):
                    continue
                form = _latin_key("".join(word.group() for word in words[first : last + 1]))
                ids = self._latin.get(form) or (
                    self._latin.get(form[:-1]) if form.endswith("s") and len(form) > 5 else None
                )
                if ids:
                    found.append(Mention(ids, words[first].start(), words[last].end(), form))
                    break
        return found

    def _misspelt(self, text: str, known: Sequence[Mention]) -> list[Mention]:
        found = []
        for word in _HANGUL_WORD.finditer(text):
            if not _covered(known, word.start(), word.end()):
                found += self._nearest_korean(word.group(), word.start())
        words = list(_LATIN_WORD.finditer(text))
        for first in range(len(words)):
            for last in range(min(first + 3, len(words)) - 1, first - 1, -1):
                start, end = words[first].start(), words[last].end()
                if _covered(known, start, end) or not _adjacent(text, words[first : last + 1]):
                    continue
                if any(self._is_ordinary(word.group()) for word in words[first : last + 1]):
                    continue
                mention = self._nearest_latin("".join(word.group() for word in words[first : last + 1]), start, end)
                if mention:
                    found.append(mention)
                    break
        return found

    def _is_ordinary(self, word: str) -> bool:
        return all(part in self._vocabulary for part in english_words(word))

    def _is_misspelt_word(self, word: str) -> bool:
        """Whether it is a letter away from an English word: cinamon is cinnamon, not cinnamon tea."""
        return any(
            len(other) >= 5 and other[0] == word[0] and fuzzy.distance(word, other, 1.0) <= 1
            for other in self._vocabulary
        )

    def _nearest_korean(self, word: str, start: int) -> list[Mention]:
        best: list[Mention] = []
        heads = {}
        for length in range(2, len(word) + 1):
            if PARTICLES.fullmatch(word[length:]):
                parts = fuzzy.jamo(word[:length])
                heads[length] = (parts, fuzzy.sounds(parts))
        for length, (parts, _) in heads.items():
            if parts in self._spoken:
                best.append(Mention(self._spoken[parts], start, start + length, word[:length], 0.5))
        for syllables, parts, sounds, ids in self._korean_jamo:
            most = 0.5 if syllables < 3 else 1.0 if len(parts) < 10 else 2.0
            for length in (syllables,) if syllables < 3 else (syllables - 1, syllables, syllables + 1):
                if length not in heads or (sounds & ~heads[length][1]).bit_count() > most:
                    continue
                away = fuzzy.distance(heads[length][0], parts, most)
                if (away or syllables >= 3) and away <= most:  # Kiwi has decided on short names as they are
                    best.append(Mention(ids, start, start + length, word[:length], away))
        best.sort(key=lambda mention: (mention.distance, mention.start - mention.end))
        return best[:1]

    def _nearest_latin(self, word: str, start: int, end: int) -> Mention | None:
        folded = fuzzy.fold(word)
        if folded in self._folded and len(folded) >= 4:
            return Mention(self._folded[folded], start, end, word, 0.5)
        if len(folded) < _KEEP_LATIN:
            return None
        scored = []
        for name, ids in self._folded.items():
            most = 1.0 if len(name) < 9 else 2.0
            if len(name) >= _KEEP_LATIN and name[0] == folded[0]:
                away = fuzzy.distance(folded, name, most)
                if away <= most:
                    scored.append((away, -len(name), ids))
        if not scored:
            return None
        away, _, ids = min(scored)
        if away > 1 and self._is_misspelt_word(word.lower()):
            return None
        return Mention(ids, start, end, word, away + 0.5)


def drinks_of(mention: Mention, mentions: Sequence[Mention]) -> tuple[str, ...]:
    """The drinks a mention stands for: of a shared name the one that no other mention names already, else all."""
    elsewhere = {
        drink_id
        for other in mentions
        if other is not mention and len(other.drink_ids) == 1
        for drink_id in other.drink_ids
    }
    left = tuple(drink_id for drink_id in mention.drink_ids if drink_id not in elsewhere)
    return left or mention.drink_ids


def read(question: str, names: "Names", words: TextAnalyzer) -> tuple[str, tuple[Mention, ...]]:
    """The question with spaces inside Korean names removed, and the drinks it names."""
    text = words.joined(" ".join(english.in_full(question).split()))
    return text, tuple(names.mentions(text, words.korean_names(text, LEAN_TO_DRINK)))


def masked(text: str, mentions: Sequence[Mention], mask: str = "¤") -> str:
    """The text with every named drink replaced, so that wordings of different drinks become one."""
    for mention in sorted(mentions, key=lambda mention: -mention.start):
        text = text[: mention.start] + mask + text[mention.end :]
    return text


def drink_name_rows(
    drinks: Iterable[Mapping[str, str]], names: Iterable[tuple[str, str]]
) -> list[tuple[str, str, bool]]:
    """(drink id, name, official) for Names; official are title_ko, title_en and the slug."""
    own = {
        (row["id"], name)
        for row in drinks
        for field in ("title_ko", "title_en")
        for name in re.split(r"\s*[·/]\s*", row[field])
    }
    listed = [(drink_id, name, (drink_id, name) in own) for drink_id, name in names]
    return [(drink_id, drink_id, True) for drink_id in dict.fromkeys(drink_id for drink_id, _ in names)] + listed


def _latin_forms(name: str) -> list[str]:
    """A name as one run of letters, with the usual English for -cha, -ju and -hwachae beside it."""
    key = _latin_key(name)
    forms = [key]
    for ending, words in (
        ("cha", ("tea",)),
        ("hwachae", ("punch", "fruitpunch")),
        ("ju", ("wine", "liquor", "liqueur")),
    ):
        if re.fullmatch(rf"[a-z]{{4,}}[- ]{ending}", name.lower()):
            forms += [key[: -len(ending)] + word for word in words] + [key + words[0]]
    return forms


def _latin_key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("’s", "").replace("'s", ""))


def _adjacent(text: str, words: Sequence[re.Match[str]]) -> bool:
    return all(
        re.fullmatch(r"[ -]{0,2}", text[left.end() : right.start()]) for left, right in itertools.pairwise(words)
    )


def _covered(known: Iterable[Mention], start: int, end: int) -> bool:
    return any(mention.start < end and start < mention.end for mention in known)


def _without_overlaps(mentions: Iterable[Mention]) -> list[Mention]:
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda mention: (mention.distance, mention.start - mention.end, mention.start)):
        if not _covered(kept, mention.start, mention.end):
            kept.append(mention)
    return kept
