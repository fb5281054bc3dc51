"""Words of a Korean or English text: what charts count and what the search compares. The only importer of kiwipiepy.

Korean goes through Kiwi with the names that are handed in and a hand-kept list of ingredients as user words, so that `식혜의` counts `식혜` and
안동소주 stays whole. One spelled word has one part of speech: 발효한 is the verb 발효하다 and no noun, 발효 과정 are two nouns.
Knows nothing of drinks, conversations or the store.
"""

import re
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

from kdrinks.records import Language, WordCount
from kdrinks.text import english, morphemes
from kdrinks.text.korean import HANGUL, has_hangul
from kdrinks.text.meant import Meant
from kdrinks.text.prose import words_only
from kdrinks.text.typed import clean

VERSION = "4+kiwi0.24.1"
"""Stored with every counted word; raised when a rule or a list changes what is counted."""
TERMS_VERSION = "3+kiwi0.24.1"
"""Of search_terms: raised when the terms of a passage change, so that the store counts them anew."""

Pos = Literal["drink", "noun", "english", "verb", "adjective"]
POS: tuple[Pos, ...] = get_args(Pos)
DEFAULT_POS: tuple[Pos, ...] = ("drink", "noun", "english")

# Suffixes that make no new word: plural, "-ish", honorific, "each", "about", ...
_LOOSE_SUFFIXES = frozenset(
    {"들", "적", "씩", "쯤", "님", "째", "짜리", "끼리", "께", "당", "여", "경", "네", "가량", "류"}
)
_NOUNS = frozenset({"NNG", "NNP", "XR"})
_SEARCHED = frozenset({"NNG", "NNP", "XR", "SL", "SN", "SH"})
_PARTICLE_START = re.compile(
    r"(?:은|는|이|가|을|를|와|과|랑|도|의|에|로|으로|만|나|부터|까지|보다|처럼|라|야|한테|요|하고|란|엔|인|입|예요)"
)
# What the last syllable of a name can begin when a space stands before it: 매실 주는, 국화 차가운, 대추 차고.
_OTHER_WORD = {"주": re.compile(r"는|고|가|라고|도록|로|인|의|이"), "차": re.compile(r"가[우운워웠]|고|이|는 |도 |로")}


@dataclass(frozen=True, slots=True)
class _Word:
    word: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class AmbiguousName:
    """How a name that is also an ordinary word is told apart; see data/ambiguous_names.toml."""

    default: str
    after: tuple[str, ...]
    other: tuple[str, ...]
    near: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Names that stay whole in a text, as they are spelled in it."""

    korean: Mapping[str, str]
    """What Kiwi keeps whole, without spaces -> how the word is shown."""
    latin: Mapping[str, str]
    """Lower-cased, hyphens as written -> the Korean name that it is counted by: 식혜 and sikhye are one word of a chart."""
    near: tuple[str, ...] = ()
    """Words beside which an ambiguous name is a name."""
    ambiguous: Mapping[str, AmbiguousName] = field(default_factory=dict)
    hanja: Mapping[str, str] = field(default_factory=dict)
    """In the form of hanja.form -> in Hangul."""
    own: tuple[str, ...] = ()
    """The name of each drink."""
    others: tuple[str, ...] = ()
    """Those that drinks go by besides."""


class TextAnalyzer:
    """Safe to share between threads. Kiwi (2 to 3 s, about 500 MB) is loaded by the first call that needs it, or by load()."""

    def __init__(self, names: Names) -> None:
        self._kiwi: Any = None
        self._lock = threading.Lock()
        self._latest: tuple[str, Any] = ("", ())
        """Text and tokens: a question is looked at for names, for search terms and for documents, one after the other."""
        self._nouns: set[str] = set()
        """Names without their last syllable that are ordinary nouns: 매실 of 매실주."""
        self._shown = dict(names.korean)
        self._near, self._ambiguous = names.near, names.ambiguous
        self._spaced = _spaced(self._shown)
        self._latin_names = dict(names.latin)
        self._latin = _latin_pattern(self._latin_names)
        self._meant = Meant(names.own, names.others, names.hanja)

    def load(self) -> None:
        """Load Kiwi now; further calls return at once."""
        with self._lock:
            if self._kiwi is None:
                self._kiwi = _kiwi(self._shown)
                self._nouns = {name[:-1] for _, name in self._spaced if self._is_noun(name[:-1])}

    def learn(self, names: Names) -> None:
        """Take these for names from now on, such as of a drink that a person added; those known already change nothing."""
        korean = {word: shown for word, shown in names.korean.items() if word not in self._shown}
        latin = {name: called for name, called in names.latin.items() if name not in self._latin_names}
        if latin:
            self._latin_names = {**self._latin_names, **latin}
            self._latin = _latin_pattern(self._latin_names)
        self._meant = self._meant.with_more(names.own, names.others, names.hanja)
        if korean:
            with self._lock:
                self._shown = {**self._shown, **korean}
                self._spaced = _spaced(self._shown)
                if self._kiwi is not None:
                    self._latest = "", ()
                    for name in korean:
                        self._kiwi.add_user_word(name, "NNP", 0.0)
                    self._nouns |= {name[:-1] for name in _spaceable(korean) if self._is_noun(name[:-1])}

    def as_meant(self, text: str) -> str:
        """What a person typed as everything that reads it should: letters that compare, names in hanja, by initials and on a Latin layout in Hangul."""
        return self._meant.read(text)

    def counted_as(self, name: str) -> str:
        """What charts count a word by that a person looks for: sikhye is under 식혜."""
        return self._called(self.as_meant(name).strip())

    def count(self, text: str, pos: Collection[str] = DEFAULT_POS, *, stop: Collection[str] = ()) -> list[WordCount]:
        """The words of the text, most frequent first and then by word.

        pos: any of POS.   stop: words to leave out besides the packaged lists.
        """
        return _counted(
            word
            for line in self._meant.named(words_only(text)).splitlines()
            for word in self._words(line, pos)
            if word.word not in stop
        )

    def lines(self, text: str, pos: Collection[str] = DEFAULT_POS) -> list[list[WordCount]]:
        """The words of each line by itself, empty lines included."""
        return [_counted(self._words(self._meant.named(words_only(line)), pos)) for line in clean(text).splitlines()]

    def search_terms(self, text: str, lang: Language | str = "ko") -> list[str]:
        """What BM25 compares, in order and with repetitions: Korean nouns, stems of verbs and adjectives, English stems, numbers.

        lang: an English text is not given to Kiwi unless it holds Hangul.
        """
        terms = [english.stem(word) for word in english.words(text) if not english.is_stop_word(word)]
        if not has_hangul(text):
            return terms + re.findall(r"\d+", text)
        stop = _korean_stop_words()
        for token in self._tokens(text):
            form, tag = token.form, token.tag.split("-")[0]
            if tag in ("VV", "VA") or (tag == "VX" and form == "만들"):
                terms.append(form + "다")
            elif tag in _SEARCHED and tag != "SL" and form not in stop:
                terms.append(form)
        return terms

    def joined(self, text: str) -> str:
        """The text with the spaces inside drink names removed: 안동 소주랑 -> 안동소주랑; `매실 주세요` stays."""
        self.load()
        for pattern, name in self._spaced:
            if name[0] in text and name[-1] in text:
                text = pattern.sub(partial(_join, name, name[:-1] in self._nouns), text)
        return text

    def glued(self, text: str, mark: str) -> str:
        """The text with each mark replaced by a space or by nothing, whichever makes words: a printed line may end inside one."""
        if mark not in text:
            return text
        self.load()
        with self._lock:
            return str(self._kiwi.glue(text.split(mark)))

    def korean_names(self, text: str, lean: float = 0.0) -> list[tuple[str, int, int]]:
        """The Korean drink names of the text as (name, start, end) in joined(text).

        lean: added to the score of names that are also ordinary words; a question put to a guide of drinks leans to the drink.
        """
        if not has_hangul(text):
            return []
        tokens = self._tokens(text)
        return [
            (token.form, token.start, token.start + token.len)
            for index, token in enumerate(tokens)
            if token.tag in _NOUNS and token.form in self._shown and self._means_drink(tokens, index, lean)
        ]

    def proper_nouns(self, text: str) -> list[str]:
        """The Korean names of the text, in order: drinks, persons, places, books; a drink's name only where it means the drink."""
        if not has_hangul(text):
            return []
        text = self.joined(text)
        tokens = self._tokens(text)
        return [
            token.form
            for index, token in enumerate(tokens)
            # a form that is not in the text is a guess: 물이 in 물입니다
            if token.tag == "NNP" and token.len > 1 and text.startswith(token.form, token.start)
            if token.form not in self._shown or self._means_drink(tokens, index)
        ]

    def language(self, text: str) -> Language:
        """The language that most words of the text are in; Korean where nothing tells."""
        korean = len(re.findall(r"[가-힣ㄱ-ㅎㅏ-ㅣ]+", text))
        latin = len(re.findall(r"[A-Za-z]+(?:['’-][A-Za-z]+)*", text))
        return "en" if latin > korean else "ko"

    def _tokens(self, text: str) -> Any:
        text = self.joined(text)
        with self._lock:
            if self._latest[0] != text:
                self._latest = text, self._kiwi.tokenize(text)
            return self._latest[1]

    def _words(self, line: str, pos: Collection[str]) -> list[_Word]:
        found: list[_Word] = []
        if "english" in pos or "drink" in pos:
            found += self._latin_words(line)
        if has_hangul(line):
            found += self._korean_words(line)
        return [word for word in found if word.pos in pos]

    def _latin_words(self, line: str) -> list[_Word]:
        drinks = [_Word(self._called(match[1]), "drink") for match in self._latin.finditer(line)]
        rest = self._latin.sub(" ", line)
        bases = (english.base_form(word) for word in english.words(rest) if not english.is_stop_word(word))
        return drinks + [_Word(word, "english") for word in bases if not english.is_stop_word(word)]

    def _called(self, latin: str) -> str:
        name = re.sub(r"\s+", " ", latin.lower())
        called = self._latin_names.get(name) or self._latin_names.get(name.replace("-", " "), name)
        return self._shown.get(called, called)

    def _korean_words(self, line: str) -> list[_Word]:
        line = self.joined(line)
        tokens = morphemes.mended(self._tokens(line), line, self._shown)
        stop = _korean_stop_words()
        found: list[_Word] = []
        index = 0
        while index < len(tokens):
            token = tokens[index]
            tag = token.tag.split("-")[0]
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            if tag in ("VV", "VA", "VX"):
                if tag != "VX" or token.form == "만들":
                    found.append(_Word(token.form + "다", "adjective" if tag == "VA" else "verb"))
                index += 1
            elif (
                tag == "XPN" and following is not None and following.tag in _NOUNS and not self._is_name(following.form)
            ):
                word, index = self._noun(tokens, index + 1, prefix=token.form)
                found.append(word)
            elif tag in _NOUNS:
                if self._is_name(token.form) and self._means_drink(tokens, index):
                    found.append(_Word(self._shown[token.form], "drink"))
                    index += 1
                    while (
                        index < len(tokens)
                        and tokens[index].tag == "XSN"
                        and _touches(tokens[index - 1], tokens[index])
                    ):
                        index += 1
                else:
                    word, index = self._noun(tokens, index)
                    found.append(word)
            else:
                index += 1
        return [word for word in found if word.word not in stop]

    def _noun(self, tokens: Sequence[Any], index: int, prefix: str = "") -> tuple[_Word, int]:
        """The word that starts with the noun at index, derived endings taken in, and the index behind it."""
        form = prefix + tokens[index].form
        index += 1
        while index < len(tokens) and tokens[index].tag == "XSN" and _touches(tokens[index - 1], tokens[index]):
            if tokens[index].form not in _LOOSE_SUFFIXES:
                form += tokens[index].form
            index += 1
        if (
            index < len(tokens)
            and tokens[index].tag.split("-")[0] in ("XSV", "XSA")
            and _touches(tokens[index - 1], tokens[index])
        ):
            verb = tokens[index].tag.startswith("XSV")
            return _Word(form + tokens[index].form + "다", "verb" if verb else "adjective"), index + 1
        return _Word(form, "noun"), index

    def _is_noun(self, form: str) -> bool:
        tokens = self._kiwi.tokenize(form)
        return len(tokens) == 1 and tokens[0].tag == "NNG"

    def _is_name(self, form: str) -> bool:
        return form in self._shown

    def _means_drink(self, tokens: Sequence[Any], index: int, lean: float = 0.0) -> bool:
        """Whether the name at index is the drink here, for names that are also ordinary words."""
        rule = self._ambiguous.get(tokens[index].form)
        if rule is None:
            return True
        return _drink_score(rule, self._near, self._shown, self._ambiguous, tokens, index) + lean > 0


def _drink_score(
    rule: AmbiguousName,
    near: Sequence[str],
    names: Collection[str],
    ambiguous: Collection[str],
    tokens: Sequence[Any],
    index: int,
) -> float:
    """Positive where the neighbours speak for the drink; a neighbour counts less the further away it stands."""
    score = 0.5 if rule.default == "drink" else -1.5
    own = tokens[index]
    rest = "".join(token.form for token in tokens[index + 1 : index + 4])
    if any(rest.startswith(word) for word in rule.after):
        score -= 2
    for position, token in enumerate(tokens):
        if position == index or token.sent_position != own.sent_position or token.tag[0] == "J" or token.tag[0] == "E":
            continue
        weight = 1.5 if abs(position - index) <= 3 else 1.0
        if any(token.form.startswith(word) for word in rule.other):
            score -= 2 * weight
        if token.form in rule.near:
            score += 3
        elif token.form in near or (token.form in names and token.form not in ambiguous):
            score += weight
    return score


def _kiwi(names: Iterable[str]) -> Any:
    from kiwipiepy import Kiwi

    # Without its 250,000 names of persons and works: they took 2 of 3.3 s and changed 6 of 2,344 sentences of this domain
    kiwi = Kiwi(num_workers=1, load_multi_dict=False)
    for word in sorted(english.word_list("ingredients_words.txt")):
        kiwi.add_user_word(word, "NNG", 0.0)
    for name in names:
        kiwi.add_user_word(name, "NNP", 0.0)
    for verb in morphemes.VERBS:
        kiwi.add_user_word(verb, "VV", 0.0)
    for form, read_as in morphemes.READ_AS.items():
        kiwi.add_pre_analyzed_word(form, list(read_as), 0.0)
    kiwi.tokenize("식혜")  # builds the automaton now, not in the first question
    return kiwi


def _spaced(names: Iterable[str]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(r"(?<![가-힣])" + r" ?".join(name)), name) for name in _spaceable(names)]


def _latin_pattern(names: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile(
        r"(?<![A-Za-z])("
        + "|".join(re.escape(name).replace(r"\ ", r"[ -]") for name in longest_first)
        + r")(?:e?s)?(?![A-Za-z])",
        re.IGNORECASE,
    )


def _spaceable(names: Iterable[str]) -> list[str]:
    """Names of three syllables or more, longest first: two syllables with a space between are too often two words."""
    return sorted((name for name in names if len(name) >= 3), key=lambda name: (-len(name), name))


def _join(name: str, of_noun: bool, match: re.Match[str]) -> str:
    """The name without its spaces, unless what follows shows that its last syllable begins another word.

    of_noun: the rest of the name is an ordinary noun (매실 주는 나무), which 이강 of `이강 주는` is not.
    """
    found = match.group()
    if " " not in found:
        return found
    rest = match.string[match.end() :]
    if not HANGUL.match(rest):
        return name
    own_word = of_noun and found[-2] == " " and name[-1] in _OTHER_WORD and _OTHER_WORD[name[-1]].match(rest)
    return name if _PARTICLE_START.match(rest) and not own_word else found


def _touches(left: Any, right: Any) -> bool:
    return bool(left.start + left.len >= right.start)


def _counted(words: Iterable[_Word]) -> list[WordCount]:
    counts = Counter(words)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].word, item[0].pos))
    return [WordCount(word.word, word.pos, count) for word, count in ordered]


def _korean_stop_words() -> frozenset[str]:
    return english.word_list("stopwords_ko.txt")
